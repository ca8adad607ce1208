import type { InputFile, RowGroup } from '../dataset/contract.ts';
import type { RowCut } from './plan-input.ts';
import type { Shard } from './run-plan.ts';

interface Range {
  readonly file: number;
  readonly rowStart: number;
  readonly rowEnd: number;
}

/**
 * Cuts files into shards of about `shardRows` rows. A big file is cut at its row groups where they fit, inside them
 * where one alone is too big; small files that follow each other are packed whole into one shard.
 * Every row before `cut` is in exactly one shard, in input order. At least one shard comes out, so that a dataset
 * without rows still gets a part with its schema.
 */
export function cutShards(files: readonly InputFile[], shardRows: number, cut: RowCut | undefined): readonly Shard[] {
  const shards: Range[][] = [];
  let packed: Range[] = [];
  let packedRows = 0;
  const flush = () => {
    if (packed.length > 0) shards.push(packed);
    packed = [];
    packedRows = 0;
  };
  for (const [index, file] of files.entries()) {
    if (cut !== undefined && index > cut.file) break;
    const rowEnd = cut?.file === index ? cut.rowEnd : file.rowCount;
    if (rowEnd === 0) continue;
    const isWhole = rowEnd === file.rowCount;
    if (isWhole && rowEnd < shardRows) {
      if (packedRows + rowEnd > shardRows) flush();
      packed.push({ file: index, rowStart: 0, rowEnd });
      packedRows += rowEnd;
      continue;
    }
    flush();
    for (const range of cutFile(file.rowGroups, rowEnd, shardRows)) shards.push([{ file: index, ...range }]);
  }
  flush();
  if (shards.length === 0) shards.push(files.length === 0 ? [] : [{ file: 0, rowStart: 0, rowEnd: 0 }]);
  return shards.map((ranges, index) => ({ index, ranges }));
}

function cutFile(
  rowGroups: readonly RowGroup[],
  rowEnd: number,
  shardRows: number,
): { rowStart: number; rowEnd: number }[] {
  const ranges: { rowStart: number; rowEnd: number }[] = [];
  let start = 0;
  for (const group of rowGroups) {
    const groupEnd = Math.min(group.rowStart + group.rowCount, rowEnd);
    if (groupEnd <= start) continue;
    // Adding this group would overshoot by no less than stopping before it undershoots.
    const isTooMuch =
      groupEnd - start > shardRows && groupEnd - start - shardRows >= shardRows - (group.rowStart - start);
    if (isTooMuch && group.rowStart > start) {
      ranges.push({ rowStart: start, rowEnd: group.rowStart });
      start = group.rowStart;
    }
    const pieces = Math.max(1, Math.round((groupEnd - start) / shardRows));
    if (groupEnd - start < shardRows && groupEnd < rowEnd) continue;
    const step = (groupEnd - start) / pieces;
    const from = start;
    for (let piece = 1; piece <= pieces; piece++) {
      const end = piece === pieces ? groupEnd : from + Math.round(step * piece);
      ranges.push({ rowStart: start, rowEnd: end });
      start = end;
    }
  }
  if (start < rowEnd) ranges.push({ rowStart: start, rowEnd });
  return ranges;
}
