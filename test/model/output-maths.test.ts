import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normalize, round, sigmoid, threshold } from '../../src/model/output-maths.ts';

const finite = fc.float({ noNaN: true, noDefaultInfinity: true });
const doubles = fc.double({ noNaN: true, noDefaultInfinity: true });

describe('sigmoid', () => {
  it('is that of float64, stored as float32, and never overflows', () => {
    fc.assert(
      fc.property(fc.array(finite), (list) => {
        const values = Float32Array.from(list);
        sigmoid(values);
        expect(values).toEqual(Float32Array.from(list, (value) => 1 / (1 + Math.exp(-value))));
      }),
    );
    const ends = Float64Array.of(-1e308, 1e308, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, 0, Number.NaN);
    sigmoid(ends);
    expect([...ends]).toEqual([0, 1, 0, 1, 0.5, Number.NaN]);
  });
});

describe('round', () => {
  it.each([
    [0, [0.5, 1.5, 2.5, -0.5, -1.5, 0.49, -0.49], [1, 2, 3, -1, -2, 0, 0]],
    [2, [0.125, -0.125, 1.005, 12.345678, 0.001], [0.13, -0.13, 1, 12.35, 0]],
    [15, [1 / 7], [0.142857142857143]],
    [3, [1e300, -1e300, 2 ** 53, Number.POSITIVE_INFINITY, Number.NaN], null],
  ])('to %i decimals: %j', (digits, list, expected) => {
    const values = Float64Array.from(list);
    round(values, digits);
    expect([...values]).toEqual(expected ?? list);
  });

  it('is off by half a unit at most, and rounds nothing twice', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true })), fc.nat(6), (list, digits) => {
        const once = Float64Array.from(list);
        round(once, digits);
        for (const [i, value] of list.entries())
          expect(Math.abs((once[i] ?? 0) - value)).toBeLessThanOrEqual(0.5 * 10 ** -digits * (1 + 1e-6));
        const twice = once.slice();
        round(twice, digits);
        expect(twice).toEqual(once);
      }),
    );
  });
});

describe('normalize', () => {
  it('divides each block by its length, as a naive loop does', () => {
    const blocks = fc
      .integer({ min: 1, max: 6 })
      .chain((size) => fc.tuple(fc.constant(size), fc.array(fc.array(finite, { minLength: size, maxLength: size }))));
    fc.assert(
      fc.property(blocks, ([size, lists]) => {
        const values = Float32Array.from(lists.flat());
        normalize(values, size);
        const naive = lists.flatMap((list) => {
          const length = Math.hypot(...list.map(Math.fround));
          return list.map((value) => (length === 0 ? 0 : Math.fround(value) / length));
        });
        for (const [i, value] of naive.entries()) expect(values[i]).toBeCloseTo(value, 6);
      }),
    );
  });

  it.each([
    ['zeros', [0, 0, 0], [0, 0, 0]],
    ['tiny doubles', [3e-200, 4e-200, 0], [0.6, 0.8, 0]],
    ['huge doubles', [3e200, 0, -4e200], [0.6, 0, -0.8]],
  ])('keeps its head with %s', (_what, list, expected) => {
    const values = Float64Array.from(list);
    normalize(values, 3);
    for (const [i, value] of expected.entries()) expect(values[i]).toBeCloseTo(value, 12);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('makes no number of %d', (value) => {
    const values = Float32Array.of(1, value, 3, 4);
    normalize(values, 2);
    expect(values[1]).toBeNaN();
    expect(values.subarray(2)).toEqual(Float32Array.of(0.6, 0.8));
  });
});

describe('threshold', () => {
  it('is true from the number on; NaN is false', () => {
    fc.assert(
      fc.property(fc.array(fc.double()), doubles, (list, least) => {
        expect([...threshold(Float64Array.from(list), least)]).toEqual(list.map((value) => (value >= least ? 1 : 0)));
      }),
    );
  });

  it('compares 64-bit integers exactly', () => {
    const values = BigInt64Array.of(2n ** 53n - 1n, 2n ** 53n, 2n ** 53n + 1n, -1n);
    expect([...threshold(values, 2 ** 53)]).toEqual([0, 1, 1, 0]);
  });
});
