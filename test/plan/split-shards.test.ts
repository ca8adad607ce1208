import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Shard, shardRowCount } from '../../src/plan/run-plan.ts';
import { splitShards } from '../../src/plan/split-shards.ts';

const ranges = fc.array(fc.record({ rowStart: fc.nat(50), rows: fc.integer({ min: 1, max: 40 }) }), {
  minLength: 1,
  maxLength: 6,
});

function rowsOf(shards: readonly Shard[]): readonly string[] {
  return shards.flatMap((shard) =>
    shard.ranges.flatMap(({ file, rowStart, rowEnd }) =>
      Array.from({ length: rowEnd - rowStart }, (_, offset) => `${file}:${rowStart + offset}`),
    ),
  );
}

it('pieces have all rows, each once and in order, and differ by one row at most', () => {
  fc.assert(
    fc.property(ranges, fc.integer({ min: 1, max: 30 }), (written, pieces) => {
      const shards = written.map(({ rowStart, rows }, index) => ({
        index,
        ranges: [{ file: index, rowStart, rowEnd: rowStart + rows }],
      }));
      const split = splitShards(shards, pieces);
      expect(rowsOf(split)).toEqual(rowsOf(shards));
      expect(split.map(({ index }) => index)).toEqual(split.map((_, index) => index));
      const counts = split.map(shardRowCount);
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
      expect(split).toHaveLength(Math.min(pieces, rowsOf(shards).length));
    }),
  );
});
