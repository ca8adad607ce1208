import { type Shard, shardRowCount } from './run-plan.ts';

type Range = Shard['ranges'][number];

/** The rows of shards in so many pieces of about the same size, in order; fewer where there are not so many rows. */
export function splitShards(shards: readonly Shard[], pieces: number): readonly Shard[] {
  const ranges = shards.flatMap((shard) => shard.ranges);
  const rows = shards.reduce((sum, shard) => sum + shardRowCount(shard), 0);
  const count = Math.max(1, Math.min(pieces, rows));
  return Array.from({ length: count }, (_, index) => ({
    index,
    ranges: rowsBetween(ranges, Math.floor((index * rows) / count), Math.floor(((index + 1) * rows) / count)),
  }));
}

/** Rows `[start, end)`, counted through all ranges. */
function rowsBetween(ranges: readonly Range[], start: number, end: number): readonly Range[] {
  let before = 0;
  return ranges.flatMap((range) => {
    const rows = range.rowEnd - range.rowStart;
    const [from, to] = [Math.max(0, start - before), Math.min(rows, end - before)];
    before += rows;
    return from < to ? [{ ...range, rowStart: range.rowStart + from, rowEnd: range.rowStart + to }] : [];
  });
}
