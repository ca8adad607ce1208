import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { InputFile } from '../../src/dataset/contract.ts';
import { cutShards } from '../../src/plan/cut-shards.ts';
import type { RowCut } from '../../src/plan/plan-input.ts';
import { shardRowCount } from '../../src/plan/run-plan.ts';
import { fileOf } from './plan-input.ts';

const groups = fc.array(fc.integer({ min: 1, max: 50 }), { maxLength: 8 });
const files = fc.array(groups, { maxLength: 8 }).map((all) => all.map((rows, index) => fileOf(rows, `f${index}`)));
const shardRows = fc.integer({ min: 1, max: 120 });

/** Some files, and where a limit ends them, if it does. */
const cutFiles = files.chain((all) =>
  fc.record({
    all: fc.constant(all),
    cut: fc.option(
      fc
        .nat({ max: Math.max(0, all.length - 1) })
        .chain((file) => fc.record({ file: fc.constant(file), rowEnd: fc.nat({ max: all[file]?.rowCount ?? 0 }) })),
      { nil: undefined },
    ),
  }),
);

/** Every row that is to be scored, in input order. */
function wantedRows(all: readonly InputFile[], cut: RowCut | undefined): readonly string[] {
  return all.flatMap((file, index) => {
    const end = cut === undefined || index < cut.file ? file.rowCount : index === cut.file ? cut.rowEnd : 0;
    return Array.from({ length: end }, (_, row) => `${index}:${row}`);
  });
}

describe('cutShards', () => {
  it('puts every row before the cut into exactly one shard, in input order', () => {
    fc.assert(
      fc.property(cutFiles, shardRows, ({ all, cut }, size) => {
        const rows = cutShards(all, size, cut).flatMap((shard) =>
          shard.ranges.flatMap(({ file, rowStart, rowEnd }) =>
            Array.from({ length: rowEnd - rowStart }, (_, i) => `${file}:${rowStart + i}`),
          ),
        );
        expect(rows).toEqual(wantedRows(all, cut));
      }),
    );
  });

  it('makes at least one shard, counts them from 0, and leaves none empty when there are rows', () => {
    fc.assert(
      fc.property(cutFiles, shardRows, ({ all, cut }, size) => {
        const shards = cutShards(all, size, cut);
        expect(shards.map((shard) => shard.index)).toEqual(Array.from({ length: shards.length }, (_, index) => index));
        expect(shards.length).toBeGreaterThan(0);
        if (wantedRows(all, cut).length > 0) expect(Math.min(...shards.map(shardRowCount))).toBeGreaterThan(0);
      }),
    );
  });

  it('makes no shard larger than one and a half of what is wanted', () => {
    fc.assert(
      fc.property(cutFiles, shardRows, ({ all, cut }, size) => {
        const largest = Math.max(...cutShards(all, size, cut).map(shardRowCount));
        expect(largest).toBeLessThanOrEqual(Math.ceil(size * 1.5));
      }),
    );
  });

  it('cuts at row groups only, where no row group is larger than a shard', () => {
    fc.assert(
      fc.property(files, fc.integer({ min: 50, max: 120 }), (all, size) => {
        for (const shard of cutShards(all, size, undefined)) {
          for (const { file, rowStart, rowEnd } of shard.ranges) {
            const edges = [0, ...(all[file]?.rowGroups.map((group) => group.rowStart + group.rowCount) ?? [])];
            expect(edges).toContain(rowStart);
            expect(edges).toContain(rowEnd);
          }
        }
      }),
    );
  });

  it('packs whole small files that follow each other, as many as fit', () => {
    const small = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(small, (counts) => {
        const all = counts.map((rows, index) => fileOf([rows], `f${index}`));
        const shards = cutShards(all, 10, undefined);
        for (const [index, shard] of shards.entries()) {
          const rows = shardRowCount(shard);
          const [next] = shards[index + 1]?.ranges ?? [];
          expect(rows).toBeLessThanOrEqual(10);
          if (next !== undefined) expect(rows + next.rowEnd).toBeGreaterThan(10);
        }
      }),
    );
  });

  const ranges = (all: readonly InputFile[], size: number, cut?: RowCut) =>
    cutShards(all, size, cut).map((shard) => shard.ranges.map((range) => [range.file, range.rowStart, range.rowEnd]));

  it.each<{ what: string; all: readonly InputFile[]; size: number; cut?: RowCut; shards: unknown }>([
    { what: 'no file at all', all: [], size: 10, shards: [[]] },
    { what: 'files without rows', all: [fileOf([]), fileOf([])], size: 10, shards: [[[0, 0, 0]]] },
    { what: 'one small file', all: [fileOf([5])], size: 10, shards: [[[0, 0, 5]]] },
    {
      what: 'row groups that add up',
      all: [fileOf([5, 5, 5, 5])],
      size: 10,
      shards: [[[0, 0, 10]], [[0, 10, 20]]],
    },
    {
      what: 'row groups of which the next is as far over as this is under',
      all: [fileOf([5, 10, 5])],
      size: 10,
      shards: [[[0, 0, 5]], [[0, 5, 15]], [[0, 15, 20]]],
    },
    {
      what: 'a row group larger than a shard, in equal pieces',
      all: [fileOf([100])],
      size: 30,
      shards: [[[0, 0, 33]], [[0, 33, 67]], [[0, 67, 100]]],
    },
    {
      what: 'small files around a large one',
      all: [fileOf([2]), fileOf([3]), fileOf([10, 10]), fileOf([4])],
      size: 10,
      shards: [
        [
          [0, 0, 2],
          [1, 0, 3],
        ],
        [[2, 0, 10]],
        [[2, 10, 20]],
        [[3, 0, 4]],
      ],
    },
    {
      what: 'a limit inside a file, which then is not packed',
      all: [fileOf([4]), fileOf([4]), fileOf([4])],
      size: 10,
      cut: { file: 1, rowEnd: 2 },
      shards: [[[0, 0, 4]], [[1, 0, 2]]],
    },
    { what: 'a limit of no rows', all: [fileOf([4])], size: 10, cut: { file: 0, rowEnd: 0 }, shards: [[[0, 0, 0]]] },
  ])('cuts $what', ({ all, size, cut, shards }) => {
    expect(ranges(all, size, cut)).toEqual(shards);
  });
});
