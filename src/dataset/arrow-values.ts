/** A value cannot be held by the type that it goes to. */
export class ValueTooFine extends Error {}

export interface Scaling {
  readonly multiply: bigint;
  readonly divide: bigint;
  readonly isValid: (row: number) => boolean;
}

/**
 * 64-bit times in another unit; nulls become 0.
 * @throws ValueTooFine when a value is cut or does not fit
 */
export function scaledTimes(bytes: Uint8Array, { multiply, divide, isValid }: Scaling): BigInt64Array {
  const values = new BigInt64Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 8);
  return values.map((value, row) => {
    if (!isValid(row)) return 0n;
    const product = value * multiply;
    if (product % divide !== 0n || BigInt.asIntN(64, product) !== product)
      throw new ValueTooFine(`the value ${value} cannot be held without loss`);
    return product / divide;
  });
}

export function halfFloats(bytes: Uint8Array): Float32Array {
  const halves = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2);
  return Float32Array.from(halves, halfToNumber);
}

function halfToNumber(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Bytes that DuckDB holds a decimal of this many digits in. */
export function decimalWidth(digits: number): number {
  return digits <= 4 ? 2 : digits <= 9 ? 4 : digits <= 18 ? 8 : 16;
}

/** Decimals cut to DuckDB's width: both are little-endian and in two's complement, so the low bytes are the value. */
export function decimalBytes(
  bytes: Uint8Array,
  type: { readonly precision: number; readonly bitWidth: number },
): Uint8Array {
  return resized(bytes, type.bitWidth / 8, decimalWidth(type.precision));
}

/** Little-endian integers in two's complement in another width, the sign kept. */
export function resized(bytes: Uint8Array, from: number, to: number): Uint8Array {
  if (from === to) return bytes;
  const count = bytes.length / from;
  const result = new Uint8Array(count * to);
  const kept = Math.min(from, to);
  for (let row = 0; row < count; row++) {
    for (let byte = 0; byte < kept; byte++) result[row * to + byte] = bytes[row * from + byte] ?? 0;
    const isNegative = ((bytes[row * from + kept - 1] ?? 0) & 0x80) !== 0;
    if (isNegative && to > from) result.fill(0xff, row * to + kept, (row + 1) * to);
  }
  return result;
}
