import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RowSelection } from '../../src/dataset/contract.ts';
import { limitRows } from '../../src/dataset/limit-rows.ts';
import type { FetchMode } from '../../src/dataset/scan-rows.ts';
import { ScanTable, scanAll } from './scan-table.ts';

const rowCount = 10_000;
let table: ScanTable;

beforeAll(async () => {
  table = await ScanTable.of(
    `SELECT i::INTEGER AS i, CASE WHEN i % 11 = 5 THEN NULL ELSE i * 2 END AS gap, 't' || i AS t, [i, -i]::FLOAT[] AS pair, i % 7 AS day FROM range(${rowCount}) r(i)`,
    3000,
  );
});
afterAll(() => table[Symbol.dispose]());

function shard(rowStart: number, rowEnd: number, where?: string): RowSelection {
  const [file] = table.selection.files;
  if (file === undefined) throw new Error('the table is one file');
  return { ...table.selection, files: [{ ...file, rowStart, rowEnd }], where };
}

const range = fc
  .tuple(fc.integer({ min: 0, max: rowCount }), fc.integer({ min: 0, max: 5000 }))
  .map(([start, length]) => ({ start, end: Math.min(rowCount, start + length) }));

describe('a scan', () => {
  it('ends a batch of texts early once it has so many characters, and loses none', async () => {
    using texts = await ScanTable.of(`SELECT i, repeat('x', i % 50) AS t FROM range(5000) r(i)`, 5000);
    const { values, batchSizes } = await scanAll(texts, [texts.feature(['t'], 'string')], {
      batchRows: 1000,
      contentAtMost: { characters: 5000, bytes: 1 },
    });
    expect(values[0]).toEqual(Array.from({ length: 5000 }, (_, row) => 'x'.repeat(row % 50)));
    // 64 rows at a time have some 1,568 characters.
    expect(Math.max(...batchSizes)).toBeLessThanOrEqual(256);
    expect(Math.min(...batchSizes.slice(0, -1))).toBeGreaterThanOrEqual(192);
  });

  it('gives every row that passes exactly once, in order, in full batches but for the last', async () => {
    const all = [
      table.feature(['i'], 'int64'),
      table.feature(['gap', 'i'], 'float32'),
      table.feature(['pair'], 'float64', { innerShape: [2] }),
      table.feature(['t'], 'string'),
    ];
    await fc.assert(
      fc.asyncProperty(
        range,
        fc.integer({ min: 1, max: 4500 }),
        fc.constantFrom<FetchMode>('chunk', 'ahead', 'whole'),
        fc.constantFrom(all, all.slice(0, -1)),
        fc.constantFrom(undefined, 'day > 2', 'i % 3 = 0 -- a comment', 'false'),
        async ({ start, end }, batchRows, fetch, features, where) => {
          const inShard = Array.from({ length: end - start }, (_, index) => start + index).filter((i) => {
            if (where === undefined) return true;
            return where.startsWith('day') ? i % 7 > 2 : where !== 'false' && i % 3 === 0;
          });
          const passing = inShard.filter((i) => i % 11 !== 5);
          const selection = shard(start, end, where);
          const { values, batchSizes, counts } = await scanAll({ database: table.database, selection }, features, {
            batchRows,
            fetch,
          });
          expect(values).toEqual([
            passing.map(BigInt),
            passing.flatMap((i) => [i * 2, i]),
            passing.flatMap((i) => [i, i === 0 ? 0 : -i]),
            ...(features.length === 4 ? [passing.map((i) => `t${i}`)] : []),
          ]);
          expect(counts).toEqual({ matchedRows: inShard.length, rejectedRows: inShard.length - passing.length });
          expect(batchSizes.slice(0, -1).every((size) => size === batchRows)).toBe(true);
          expect(batchSizes.reduce((sum, size) => sum + size, 0)).toBe(passing.length);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('of two halves is the scan of the whole', async () => {
    const features = [table.feature(['gap'], 'float64', { nulls: 'nan' })];
    const scan = async (rowStart: number, rowEnd: number) =>
      (await scanAll({ database: table.database, selection: shard(rowStart, rowEnd) }, features)).values[0] ?? [];
    await fc.assert(
      fc.asyncProperty(range, fc.nat(), async ({ start, end }, at) => {
        const middle = start + (at % (end - start + 1));
        expect([...(await scan(start, middle)), ...(await scan(middle, end))]).toEqual(await scan(start, end));
      }),
      { numRuns: 25 },
    );
  });

  it('names rejected rows by their number in the file, not in the shard', async () => {
    const rejects = await table.rejects([table.feature(['gap'], 'float32')], shard(4000, 4030, 'day < 100'));
    expect(rejects.map((row) => row['row_number'])).toEqual([4009, 4020]);
  });
});

describe('a limit', () => {
  it('ends after the rows that it counts, filtered or not', async () => {
    const file = { ...table.selection.files[0], sizeBytes: 1, mtimeMs: 1, rowGroups: [] };
    const facts = {
      format: 'parquet',
      files: [1, 2].map(() => ({ path: '', source: '', rowCount, ...file })),
      columns: table.selection.columns,
      rowCount: rowCount * 2,
      hasPartitions: false,
    } as const;
    const cut = (limit: number, where?: string) => limitRows({ database: table.database, facts, where, limit });
    expect(await cut(1)).toEqual({ file: 0, rowEnd: 1 });
    expect(await cut(rowCount)).toEqual({ file: 0, rowEnd: rowCount });
    expect(await cut(rowCount + 1)).toEqual({ file: 1, rowEnd: 1 });
    expect(await cut(rowCount * 2 + 1)).toBeUndefined();
    expect(await cut(3, 'day = 6')).toEqual({ file: 0, rowEnd: 21 });
    // 1,428 days of that kind in each file.
    expect(await cut(1430, 'day = 6')).toEqual({ file: 1, rowEnd: 14 });
    expect(await cut(1, 'i < 0')).toBeUndefined();
  });
});
