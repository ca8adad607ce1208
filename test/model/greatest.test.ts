import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { argmax, topPlaces, valuesAt } from '../../src/model/greatest.ts';

/** Blocks of values with equals among them, NaN too, and how many are wanted. */
const cases = fc.integer({ min: 1, max: 12 }).chain((size) => {
  const value = fc.oneof(fc.constantFrom(0, 1, Number.NaN, Number.NEGATIVE_INFINITY), fc.float());
  return fc.record({
    size: fc.constant(size),
    count: fc.integer({ min: 1, max: size }),
    blocks: fc.array(fc.array(value, { minLength: size, maxLength: size }), { maxLength: 4 }),
  });
});

function naive(block: readonly number[], count: number): readonly number[] {
  const rank = (value: number) => (Number.isNaN(value) ? 1 : 0);
  return block
    .map((value, place) => ({ value: Math.fround(value), place }))
    .sort((a, b) => rank(b.value) - rank(a.value) || (a.value === b.value ? 0 : b.value - a.value) || a.place - b.place)
    .slice(0, count)
    .map(({ place }) => place);
}

describe('topPlaces', () => {
  it('is what sorting gives: greatest first, of equals the first, NaN before all', () => {
    fc.assert(
      fc.property(cases, ({ size, count, blocks }) => {
        const data = Float32Array.from(blocks.flat());
        const places = topPlaces(data, size, count);
        expect([...places].map(Number)).toEqual(blocks.flatMap((block) => naive(block, count)));
        const values = blocks.flatMap((block) => naive(block, count).map((place) => Math.fround(block[place] ?? 0)));
        expect(valuesAt(data, places, { size, count })).toEqual(Float32Array.from(values));
      }),
      { numRuns: 500 },
    );
  });

  it('begins with the argmax', () => {
    fc.assert(
      fc.property(cases, ({ size, blocks }) => {
        const data = Float32Array.from(blocks.flat());
        expect(topPlaces(data, size, 1)).toEqual(argmax(data, size));
      }),
    );
  });

  it('takes 64-bit integers as they are', () => {
    const data = BigInt64Array.of(1n, 2n ** 60n, 2n ** 60n + 1n, -1n);
    const places = topPlaces(data, 4, 2);
    expect([...places]).toEqual([2n, 1n]);
    expect(valuesAt(data, places, { size: 4, count: 2 })).toEqual(BigInt64Array.of(2n ** 60n + 1n, 2n ** 60n));
  });
});
