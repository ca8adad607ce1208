import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { float32ToFloat16Bits } from '../../src/model/float16.ts';
import { maskWeights, meanPool } from '../../src/model/mean-pool.ts';

/** The formula of sentence-transformers, word by word: sum(x * mask) / clamp(sum(mask), 1e-9). */
function reference(rows: readonly (readonly (readonly number[])[])[], mask: readonly (readonly number[])[]) {
  return rows.map((positions, row) => {
    const weights = mask[row] ?? [];
    const divisor = Math.max(
      weights.reduce((sum, weight) => sum + weight, 0),
      1e-9,
    );
    const hidden = positions[0]?.length ?? 0;
    return Array.from(
      { length: hidden },
      (_, i) => positions.reduce((sum, values, at) => sum + (values[i] ?? 0) * (weights[at] ?? 0), 0) / divisor,
    );
  });
}

const cases = fc
  .tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 5 }))
  .chain(([rowCount, positions, hidden]) => {
    const value = fc.float({ min: -1000, max: 1000, noNaN: true });
    const exactly = (length: number) => ({ minLength: length, maxLength: length });
    const row = fc.array(fc.array(value, exactly(hidden)), exactly(positions));
    const weight = fc.oneof(fc.constantFrom(0, 1), fc.float({ min: 0, max: 2, noNaN: true }));
    return fc.record({
      rows: fc.array(row, exactly(rowCount)),
      mask: fc.array(fc.array(weight, exactly(positions)), exactly(rowCount)),
      shape: fc.constant({ rowCount, positions, hidden }),
      /** Other values around each row. */
      before: fc.nat(3),
      after: fc.nat(3),
    });
  });

describe('meanPool', () => {
  it.each([
    ['float32', Float32Array, 2 ** -23],
    ['float64', Float64Array, 1e-12],
  ] as const)('is the reference formula for %s', (_type, array, precision) => {
    fc.assert(
      fc.property(cases, ({ rows, mask, shape, before, after }) => {
        const [gap, end] = [new Array<number>(before).fill(7), new Array<number>(after).fill(9)];
        const data = array.from(rows.flatMap((row) => [...gap, ...row.flat(), ...end]));
        const rowStride = before + shape.positions * shape.hidden + after;
        const pooled = meanPool({ data, offset: before, rowStride, ...shape }, mask.flat());
        const expected = reference(rows, mask).flat();
        expect(pooled).toBeInstanceOf(array);
        expect(pooled).toHaveLength(expected.length);
        // The sum may cancel, so that the error is held against what was added up.
        for (const [i, value] of expected.entries())
          expect(Math.abs((pooled[i] ?? 0) - value)).toBeLessThanOrEqual(Math.max(Math.abs(value), 1e-6) * precision);
      }),
    );
  });

  it('gives zeros for a row without a position, and does not look at what is masked', () => {
    const data = Float32Array.of(Number.NaN, 1, 3, 5, Number.POSITIVE_INFINITY, 2, 4, 6);
    const shape = { offset: 0, rowStride: 4, rowCount: 2, positions: 2, hidden: 2 };
    expect([...meanPool({ data, ...shape }, [0, 1, 0, 0])]).toEqual([3, 5, 0, 0]);
  });
});

describe('maskWeights', () => {
  it.each([
    ['int64', BigInt64Array.of(1n, 0n, 3n)],
    ['int32', Int32Array.of(1, 0, 3)],
    ['uint8', Uint8Array.of(1, 0, 3)],
    ['float32', Float32Array.of(1, 0, 3)],
    ['float16', float32ToFloat16Bits(Float32Array.of(1, 0, 3))],
  ] as const)('reads %s', (type, data) => {
    expect([...Array.from(maskWeights({ type, data }))]).toEqual([1, 0, 3]);
  });
});
