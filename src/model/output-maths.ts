import { greatestIn } from './greatest.ts';

/** What is computed is float64, and stored as the array has it. */
export type Floats = Float32Array | Float64Array;

/** Over each block of `size` values, in place. */
export function softmax(values: Floats, size: number): void {
  for (let start = 0; start < values.length; start += size) {
    // Without the greatest value subtracted, exp overflows from 710 on.
    const greatest = values[greatestIn(values, start, size)] ?? 0;
    let sum = 0;
    for (let i = start; i < start + size; i += 1) sum += Math.exp((values[i] ?? 0) - greatest);
    for (let i = start; i < start + size; i += 1) values[i] = Math.exp((values[i] ?? 0) - greatest) / sum;
  }
}

/** In place. */
export function sigmoid(values: Floats): void {
  for (let i = 0; i < values.length; i += 1) values[i] = 1 / (1 + Math.exp(-(values[i] ?? 0)));
}

/** To so many decimals, halves away from zero as SQL has it; in place. */
export function round(values: Floats, digits: number): void {
  const scale = 10 ** digits;
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i] ?? 0;
    const scaled = Math.abs(value) * scale;
    // From here on a double has no decimals left to round, and NaN and the infinities stay.
    if (!(scaled < 2 ** 52)) continue;
    // Adding zero makes zero of a negative zero.
    values[i] = (Math.sign(value) * Math.round(scaled)) / scale + 0;
  }
}

/** Makes the length of each block of `size` values 1; a block of zeros stays. In place. */
export function normalize(values: Floats, size: number): void {
  for (let start = 0; start < values.length; start += size) {
    let squares = 0;
    for (let i = start; i < start + size; i += 1) squares += (values[i] ?? 0) ** 2;
    // Squares of very small or large doubles leave what a double can hold, and float32 never gets there.
    if (squares > 1e-280 && squares < 1e300) divide(values, { start, size, by: Math.sqrt(squares) });
    else normalizeScaled(values, start, size);
  }
}

function normalizeScaled(values: Floats, start: number, size: number): void {
  let greatest = 0;
  for (let i = start; i < start + size; i += 1) greatest = Math.max(greatest, Math.abs(values[i] ?? 0));
  if (greatest === 0) return;
  divide(values, { start, size, by: greatest });
  let squares = 0;
  for (let i = start; i < start + size; i += 1) squares += (values[i] ?? 0) ** 2;
  divide(values, { start, size, by: Math.sqrt(squares) });
}

interface Division {
  readonly start: number;
  readonly size: number;
  readonly by: number;
}

function divide(values: Floats, { start, size, by }: Division): void {
  for (let i = start; i < start + size; i += 1) values[i] = (values[i] ?? 0) / by;
}

/** 1 where a value is at least as great. NaN is not. */
export function threshold(values: ArrayLike<number | bigint>, least: number): Uint8Array {
  const target = new Uint8Array(values.length);
  for (let i = 0; i < target.length; i += 1) target[i] = (values[i] ?? 0) >= least ? 1 : 0;
  return target;
}
