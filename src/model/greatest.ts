import type { ElementArray } from '../dataset/contract.ts';

export type Scalar = number | bigint | string;

/** Place of the first greatest value of each block of `size` elements, or of its first NaN, counted in the block. */
export function argmax(data: ElementArray, size: number): BigInt64Array {
  const places = new BigInt64Array(data.length / size);
  for (let i = 0; i < places.length; i += 1) places[i] = BigInt(greatestIn(data, i * size, size) - i * size);
  return places;
}

export function max(data: ElementArray, size: number): ElementArray {
  const target = data.slice(0, data.length / size);
  copyGreatest<Scalar>(data, target, size);
  return target;
}

function copyGreatest<T extends Scalar>(
  source: ArrayLike<T>,
  target: { readonly length: number; [index: number]: T },
  size: number,
): void {
  for (let i = 0; i < target.length; i += 1) {
    const value = source[greatestIn(source, i * size, size)];
    if (value !== undefined) target[i] = value;
  }
}

/** Place of the first greatest value of `[start, start + size)`, or of the first NaN. */
export function greatestIn(data: ArrayLike<Scalar>, start: number, size: number): number {
  let place = start;
  let greatest = data[start] ?? 0;
  for (let i = start; i < start + size; i += 1) {
    const value = data[i] ?? 0;
    if (Number.isNaN(value)) return i;
    if (value > greatest) {
      place = i;
      greatest = value;
    }
  }
  return place;
}

/**
 * Places of the `count` greatest values of each block of `size` elements, counted in the block, greatest first; of
 * equals the first, and NaN before all, so that the first one is the argmax.
 */
export function topPlaces(data: ElementArray, size: number, count: number): BigInt64Array {
  const places = new BigInt64Array((data.length / size) * count);
  // Few are wanted of many: most values are compared with the least of those that lead, and that is all.
  const leaders = new Int32Array(count);
  for (let start = 0, to = 0; start < data.length; start += size, to += count) {
    let held = 0;
    for (let i = start; i < start + size; i += 1) {
      const value = data[i] ?? 0;
      if (held === count && !isAbove(value, data[leaders[count - 1] ?? 0] ?? 0)) continue;
      let at = held < count ? held : count - 1;
      while (at > 0 && isAbove(value, data[leaders[at - 1] ?? 0] ?? 0)) {
        leaders[at] = leaders[at - 1] ?? 0;
        at -= 1;
      }
      leaders[at] = i;
      if (held < count) held += 1;
    }
    for (let i = 0; i < count; i += 1) places[to + i] = BigInt((leaders[i] ?? 0) - start);
  }
  return places;
}

function isAbove(value: Scalar, other: Scalar): boolean {
  return value > other || (Number.isNaN(value) && !Number.isNaN(other));
}

/** The values at `places` of blocks of `size` elements. */
export function valuesAt(data: ElementArray, places: BigInt64Array, { size, count }: TopShape): ElementArray {
  const target = data.slice(0, places.length);
  copyAt<Scalar>(data, target, (i) => Math.floor(i / count) * size + Number(places[i] ?? 0n));
  return target;
}

export interface TopShape {
  readonly size: number;
  readonly count: number;
}

function copyAt<T extends Scalar>(
  source: ArrayLike<T>,
  target: { readonly length: number; [index: number]: T },
  placeOf: (index: number) => number,
): void {
  for (let i = 0; i < target.length; i += 1) {
    const value = source[placeOf(i)];
    if (value !== undefined) target[i] = value;
  }
}
