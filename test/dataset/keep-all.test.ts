import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { tableFromIPC } from 'apache-arrow';
import { beforeAll, describe, expect, it } from 'vitest';
import type { DatasetFacts, PartFormat } from '../../src/dataset/contract.ts';
import { Database } from '../../src/dataset/duckdb.ts';
import { newDatasetReader } from '../../src/dataset/reader.ts';
import { quoteName, quotePaths } from '../../src/dataset/sql.ts';
import { writePart } from '../../src/dataset/write-part.ts';
import { fixtures, inputRequest, type Row, readDataset, TempFolder } from './open-dataset.ts';

const source = join(fixtures, 'types/types.parquet');
let facts: DatasetFacts;

beforeAll(async () => {
  const reader = newDatasetReader({ threads: 1 });
  const request = inputRequest(source);
  const places = { stagingFolder: '/nowhere', rejectsPath: '/nowhere/rejects', listColumns: [] };
  facts = (await reader.open(await reader.find(request), request, places)).facts;
});

/** Writes the first `rowCount` rows of the fixture with every column kept, and one prediction that counts. */
async function writeAll(path: string, part: PartFormat, rowCount = facts.rowCount): Promise<number> {
  using database = await Database.open({ readablePaths: [source], folders: [join(path, '..')], threads: 1 });
  return await writePart({
    database,
    selection: {
      files: facts.files.map((file) => ({ ...file, rowStart: 0, rowEnd: rowCount })),
      columns: facts.columns,
      hasPartitions: false,
      where: undefined,
    },
    keep: facts.columns,
    rejectedBy: undefined,
    leftOut: [],
    predictions: [
      {
        name: 'n',
        element: 'int64',
        innerShape: [],
        values: BigInt64Array.from({ length: rowCount }, (_, n) => BigInt(n)),
      },
    ],
    rowCount,
    path,
    part,
  });
}

/** Columns whose values differ between two Parquet files, row by row; NaN equals NaN. */
async function differences(a: string, b: string, names: readonly string[]): Promise<readonly string[]> {
  using database = await Database.open({ readablePaths: [a, b], folders: [], threads: 1 });
  const counts = names.map(
    (name, index) =>
      `count(*) FILTER (WHERE l.${quoteName(name)} IS DISTINCT FROM r.${quoteName(name)})::INTEGER AS d${index}`,
  );
  const read = (path: string) => `read_parquet(${quotePaths([path])}, file_row_number = true)`;
  const [row] = await database.rows(
    `SELECT ${counts.join(', ')}, count(*)::INTEGER AS rows FROM ${read(a)} l FULL JOIN ${read(b)} r ON l.file_row_number = r.file_row_number`,
  );
  expect(row?.['rows']).toBe(facts.rowCount);
  return names.filter((_, index) => row?.[`d${index}`] !== 0);
}

async function typesIn(path: string): Promise<Readonly<Record<string, unknown>>> {
  using database = await Database.open({ readablePaths: [path], folders: [], threads: 1 });
  const rows = await database.rows(`DESCRIBE SELECT * FROM read_parquet(${quotePaths([path])})`);
  return Object.fromEntries(rows.map((row) => [row['column_name'], row['column_type']]));
}

async function rowsIn(sql: string, folder: string): Promise<readonly Row[]> {
  using database = await Database.open({ readablePaths: [source], folders: [folder], threads: 1 });
  return await database.rows(sql);
}

describe('keep: "*"', () => {
  it.each(['zstd', 'snappy', 'gzip', 'none'] as const)(
    'passes every type through Parquet with %s',
    async (compression) => {
      using folder = new TempFolder();
      const path = join(folder.path, 'part.parquet');
      expect(await writeAll(path, { format: 'parquet', compression })).toBe(50);
      const names = facts.columns.map((column) => column.name);
      expect(await differences(source, path, names)).toEqual([]);
      expect(await typesIn(path)).toEqual({ ...(await typesIn(source)), n: 'BIGINT' });
    },
  );

  it('passes every type through Arrow, and back', async () => {
    using folder = new TempFolder();
    const path = join(folder.path, 'part.arrow');
    expect(await writeAll(path, { format: 'arrow', compression: 'none' })).toBe(50);
    using staging = new TempFolder();
    const reader = newDatasetReader({ threads: 1 });
    const request = inputRequest(path);
    const places = { stagingFolder: staging.path, rejectsPath: join(staging.path, 'rejects'), listColumns: [] };
    const opened = await reader.open(await reader.find(request), request, places);
    const copy = opened.facts.files[0]?.path ?? '';
    const names = facts.columns.map((column) => column.name);
    expect(await differences(source, copy, names)).toEqual([]);
    expect(await typesIn(copy)).toEqual({ ...(await typesIn(source)), n: 'BIGINT' });
  });

  it('writes the same Arrow bytes each time, and a whole file for no rows', async () => {
    using folder = new TempFolder();
    const [a, b, none] = ['a.arrow', 'b.arrow', 'none.arrow'].map((name) => join(folder.path, name));
    if (a === undefined || b === undefined || none === undefined) throw new Error('three paths');
    await writeAll(a, { format: 'arrow', compression: 'none' });
    await writeAll(b, { format: 'arrow', compression: 'none' });
    expect(readFileSync(a).equals(readFileSync(b))).toBe(true);
    expect(await writeAll(none, { format: 'arrow', compression: 'none' }, 0)).toBe(0);
    const table = tableFromIPC(readFileSync(none));
    expect(table.numRows).toBe(0);
    expect(table.schema.fields.map((field) => field.name)).toEqual([
      ...facts.columns.map((column) => column.name),
      'n',
    ]);
    expect((await readDataset(none)).opened.facts.rowCount).toBe(0);
  });

  it.each([
    ['csv', 'none', '.csv'],
    ['csv', 'gzip', '.csv.gz'],
    ['csv', 'zstd', '.csv.zst'],
    ['jsonl', 'none', '.jsonl'],
    ['jsonl', 'gzip', '.jsonl.gz'],
    ['jsonl', 'zstd', '.jsonl.zst'],
  ] as const)('writes %s with %s that reads back', async (format, compression, ending) => {
    using folder = new TempFolder();
    const path = join(folder.path, `part${ending}`);
    expect(await writeAll(path, { format, compression })).toBe(50);
    const reader = format === 'csv' ? 'read_csv' : 'read_json';
    const rows = await rowsIn(`SELECT id::VARCHAR AS id, n::VARCHAR AS n FROM ${reader}('${path}')`, folder.path);
    expect(rows.map((row) => row['id'])).toEqual(
      Array.from({ length: 50 }, (_, n) => String(2n ** 53n + 1n + 2n * BigInt(n))),
    );
    expect(rows.map((row) => Number(row['n']))).toEqual(Array.from({ length: 50 }, (_, n) => n));
  });

  it('writes JSON that any reader takes, and times as ISO 8601 says, in UTC', async () => {
    using folder = new TempFolder();
    const path = join(folder.path, 'part.jsonl');
    await writeAll(path, { format: 'jsonl', compression: 'none' });
    const rows: unknown[] = readFileSync(path, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
    expect(rows).toHaveLength(50);
    expect(rows).toContainEqual(expect.objectContaining({ timestamp_utc: expect.stringMatching(instant) }));
    expect(rows).toContainEqual(
      expect.objectContaining({ timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+$/), float64: null }),
    );
    using csv = new TempFolder();
    await writeAll(join(csv.path, 'part.csv'), { format: 'csv', compression: 'none' });
    const [first] = await rowsIn(
      `SELECT timestamp_utc, float64 FROM read_csv('${join(csv.path, 'part.csv')}', all_varchar = true) WHERE timestamp_utc IS NOT NULL`,
      csv.path,
    );
    expect(first?.['timestamp_utc']).toMatch(instant);
  });
});
