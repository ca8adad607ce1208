import fc from 'fast-check';
import { expect, it } from 'vitest';
import { float16BitsToFloat32, float32ToFloat16Bits } from '../../src/model/float16.ts';

const everyHalf = Uint16Array.from({ length: 0x10000 }, (_, bits) => bits);

it('gives every number back that half precision holds', () => {
  const numbers = everyHalf.filter((bits) => (bits & 0x7fff) <= 0x7c00);
  expect(float32ToFloat16Bits(float16BitsToFloat32(numbers))).toEqual(numbers);
});

it.each([
  [1, 0x3c00],
  [-0, 0x8000],
  [65504, 0x7bff],
  [65519.99, 0x7bff],
  [65520, 0x7c00],
  [Number.NEGATIVE_INFINITY, 0xfc00],
  [2 ** -24, 0x0001],
  [2 ** -25, 0x0000],
  [1.5 * 2 ** -24, 0x0002],
  [1 + 2 ** -11, 0x3c00],
  [1 + 3 * 2 ** -11, 0x3c02],
  [Number.NaN, 0x7e00],
])('rounds %d to 0x%s', (value, bits) => {
  expect(float32ToFloat16Bits(Float32Array.of(value))).toEqual(Uint16Array.of(bits));
});

it('takes views into the middle of a buffer', () => {
  expect(float16BitsToFloat32(Uint16Array.of(0, 0x3c00, 0x4000).subarray(1))).toEqual(Float32Array.of(1, 2));
  expect(float32ToFloat16Bits(Float32Array.of(0, 1, 2).subarray(1))).toEqual(Uint16Array.of(0x3c00, 0x4000));
});

it.skipIf(!('Float16Array' in globalThis))('agrees with Float16Array', () => {
  expect(float16BitsToFloat32(everyHalf)).toEqual(new Float32Array(new Float16Array(everyHalf.buffer)));
  const single = fc.oneof(
    fc.float(),
    fc.float({ min: -70000, max: 70000 }),
    fc.float({ min: -(2 ** -13), max: 2 ** -13 }),
  );
  fc.assert(
    fc.property(fc.float32Array(), fc.array(single), (array, list) => {
      for (const values of [array, Float32Array.from(list)]) {
        const native = new Float32Array(new Float16Array(values));
        expect(float16BitsToFloat32(float32ToFloat16Bits(values))).toEqual(native);
      }
    }),
  );
});
