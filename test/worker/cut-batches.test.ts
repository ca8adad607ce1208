import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutBatches } from '../../src/worker/cut-batches.ts';

const cut = (lengths: readonly number[], size: { batchRows?: number; batchTokens?: number }, mustBeEqual = false) =>
  cutBatches(
    { rows: lengths.map((_, row) => row), lengths: Int32Array.from(lengths), mustBeEqual },
    { batchRows: size.batchRows ?? 1000, batchTokens: size.batchTokens },
  ).map(({ rows, width }) => ({ rows: [...rows], width }));

const windows = fc.record({
  lengths: fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 60 }),
  left: fc.func(fc.boolean()),
  batchRows: fc.integer({ min: 1, max: 20 }),
  batchTokens: fc.option(fc.integer({ min: 1, max: 200 }), { nil: undefined }),
  mustBeEqual: fc.boolean(),
});

describe('the batches of a window', () => {
  it.each([
    [
      [3, 9, 4, 9],
      { batchTokens: 18 },
      [
        { rows: [1, 3], width: 9 },
        { rows: [2, 0], width: 4 },
      ],
    ],
    [
      [3, 9, 4, 9],
      { batchRows: 3 },
      [
        { rows: [1, 3, 2], width: 9 },
        { rows: [0], width: 3 },
      ],
    ],
    [
      [50, 2, 2],
      { batchTokens: 10 },
      [
        { rows: [0], width: 50 },
        { rows: [1, 2], width: 2 },
      ],
    ],
    [[], { batchTokens: 10 }, []],
  ])('of lengths %j within %j', (lengths, size, batches) => {
    expect(cut(lengths, size)).toEqual(batches);
  });

  it('have rows of one length where padding would be taken for text', () => {
    expect(cut([3, 9, 3, 9, 2], {}, true)).toEqual([
      { rows: [1, 3], width: 9 },
      { rows: [0, 2], width: 3 },
      { rows: [4], width: 2 },
    ]);
  });

  it('have every row that is left once, keep to the budget, and come longest first', () => {
    fc.assert(
      fc.property(windows, ({ lengths, left, batchRows, batchTokens, mustBeEqual }) => {
        const rows = [...lengths.keys()].filter((row) => left(row));
        const batches = cutBatches(
          { rows, lengths: Int32Array.from(lengths), mustBeEqual },
          { batchRows, batchTokens },
        );
        expect(batches.flatMap((batch) => [...batch.rows]).sort((a, b) => a - b)).toEqual(rows);
        for (const batch of batches) {
          const own = [...batch.rows].map((row) => lengths[row] ?? 0);
          expect(batch.width).toBe(Math.max(...own));
          expect(own.length).toBeLessThanOrEqual(batchRows);
          if (own.length > 1)
            expect(own.length * batch.width).toBeLessThanOrEqual(batchTokens ?? Number.POSITIVE_INFINITY);
          if (mustBeEqual) expect(new Set(own).size).toBe(1);
        }
        const widths = batches.map(({ width }) => width);
        expect(widths).toEqual([...widths].sort((a, b) => b - a));
      }),
    );
  });
});
