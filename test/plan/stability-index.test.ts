import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stabilityIndex } from '../../src/plan/stability-index.ts';

const bins = fc.integer({ min: 1, max: 12 }).chain((length) => {
  const one = fc.array(fc.nat(1000), { minLength: length, maxLength: length }).filter((rows) => rows.some(Boolean));
  return fc.tuple(one, one);
});

/** Row by row, as a textbook has it. */
function reference(expected: readonly number[], actual: readonly number[]): number {
  const rows = (counts: readonly number[]) => counts.flatMap((count, bin) => Array.from({ length: count }, () => bin));
  const share = (all: readonly number[], bin: number) =>
    Math.max(1e-4, all.filter((other) => other === bin).length / all.length);
  const [e, a] = [rows(expected), rows(actual)];
  let index = 0;
  for (let bin = 0; bin < expected.length; bin++)
    index += (share(a, bin) - share(e, bin)) * (Math.log(share(a, bin)) - Math.log(share(e, bin)));
  return index;
}

describe('the population stability index', () => {
  it.each([
    ['the same spread', [10, 10], [5, 5], 0],
    ['a textbook case', [50, 50], [30, 70], 0.1695],
    ['everything in a bin that was empty', [100, 0], [0, 100], 18.4188],
  ])('of %s', (_what, expected, actual, index) => {
    expect(stabilityIndex(expected, actual)).toBeCloseTo(index, 3);
  });

  it('cannot be told of no rows', () => {
    expect(stabilityIndex([0, 0], [1, 2])).toBeUndefined();
    expect(stabilityIndex([1, 2], [0, 0])).toBeUndefined();
  });

  it('is that of a plain reference, never negative, and the same both ways', () => {
    fc.assert(
      fc.property(bins, ([expected, actual]) => {
        const index = stabilityIndex(expected, actual);
        expect(index).toBeCloseTo(reference(expected, actual), 9);
        expect(index).toBeGreaterThanOrEqual(0);
        expect(index).toBeCloseTo(stabilityIndex(actual, expected) ?? Number.NaN, 9);
      }),
      { numRuns: 60 },
    );
  });
});
