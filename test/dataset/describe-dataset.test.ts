import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { describe, expect, it } from 'vitest';
import type { OpenedDataset } from '../../src/dataset/contract.ts';
import { Database } from '../../src/dataset/duckdb.ts';
import { newDatasetReader } from '../../src/dataset/reader.ts';
import { sourceSql } from '../../src/dataset/source-sql.ts';
import { cpuSeconds } from '../house/cpu-seconds.ts';
import { fixtures, inputRequest, type Row, TempFolder } from './open-dataset.ts';

/** A folder of Parquet files, each made of one query. */
async function parquetFolder(files: Readonly<Record<string, string>>): Promise<TempFolder> {
  const folder = new TempFolder();
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  for (const [name, select] of Object.entries(files)) {
    const path = join(folder.path, name);
    mkdirSync(dirname(path), { recursive: true });
    await connection.run(`COPY (${select}) TO '${path.replaceAll("'", "''")}' (FORMAT parquet)`);
  }
  connection.closeSync();
  instance.closeSync();
  return folder;
}

async function open(path: string | readonly string[], baseDir = fixtures): Promise<OpenedDataset> {
  const reader = newDatasetReader({ threads: 1 });
  const request = { ...inputRequest(path), baseDir };
  const places = { stagingFolder: '/nowhere', rejectsPath: '/nowhere/rejects', listColumns: [] };
  return await reader.open(await reader.find(request), request, places);
}

function columnsOf({ facts }: OpenedDataset): Readonly<Record<string, string>> {
  return Object.fromEntries(facts.columns.map(({ name, type, widened }) => [name, widened ? `${type} widened` : type]));
}

/** All rows as a shard that holds every file would read them. */
async function rowsOf({ facts }: OpenedDataset): Promise<readonly Row[]> {
  const paths = facts.files.map((file) => file.path);
  using database = await Database.open({ readablePaths: paths, folders: [], threads: 1 });
  const files = facts.files.map((file) => ({ ...file, rowStart: 0, rowEnd: file.rowCount }));
  const { columns, hasPartitions } = facts;
  return await database.rows(
    `SELECT * EXCLUDE (__nightshift_file, __nightshift_row_number) FROM ${sourceSql({ files, columns, hasPartitions, where: undefined }, columns)}`,
  );
}

describe('Hive partitions', () => {
  it('are columns, of one type in all files', async () => {
    const opened = await open('hive');
    expect(columnsOf(opened)).toMatchObject({ month: 'BIGINT', day: 'BIGINT' });
    expect(opened.facts.rowCount).toBe(97);
    const places = (await rowsOf(opened)).map((row) => `${row['month']}/${row['day']}`);
    expect(new Set(places)).toEqual(new Set(['1/1', '1/2', '2/1']));
  });

  it('may be dates, texts with any character, and null', async () => {
    using folder = await parquetFolder({
      'd=2020-01-01/c=S%C3%A3o%20Paulo%2FX/a.parquet': 'SELECT 1 AS x',
      "d=__HIVE_DEFAULT_PARTITION__/c=it's [1]/a.parquet": 'SELECT 2 AS x',
    });
    const opened = await open(folder.path);
    expect(columnsOf(opened)).toEqual({ x: 'INTEGER', c: 'VARCHAR', d: 'DATE' });
    expect(await rowsOf(opened)).toEqual([
      { x: 1, c: 'São Paulo/X', d: '2020-01-01' },
      { x: 2, c: "it's [1]", d: null },
    ]);
  });

  it('stand above a column of the file that has their name', async () => {
    using folder = await parquetFolder({ 'x=7/a.parquet': "SELECT 'seven' AS x, 1 AS y" });
    const opened = await open(folder.path);
    expect(opened.facts.columns.map(({ name, type, origin }) => [name, type, origin])).toEqual([
      ['y', 'INTEGER', 'file'],
      ['x', 'BIGINT', 'partition'],
    ]);
    expect(await rowsOf(opened)).toEqual([{ x: '7', y: 1 }]);
  });

  it('must have the same keys everywhere', async () => {
    using folder = await parquetFolder({ 'a=1/x.parquet': 'SELECT 1 AS x', 'a=1/b=2/x.parquet': 'SELECT 1 AS x' });
    await expect(open(folder.path)).rejects.toMatchObject({ code: 'INPUT_SCHEMA_MISMATCH' });
  });
});

describe('files that disagree', () => {
  it('are widened where nothing is lost but digits of a float, and matched by name', async () => {
    using folder = await parquetFolder({
      'a.parquet': 'SELECT 1::TINYINT AS i, 1::INTEGER AS n, 1::FLOAT AS f, 1 AS same',
      'b.parquet': 'SELECT 2 AS same, 2.5::DOUBLE AS f, 2::DOUBLE AS n, 3000000000 AS i',
    });
    const opened = await open(folder.path);
    expect(columnsOf(opened)).toEqual({
      i: 'BIGINT widened',
      n: 'DOUBLE widened',
      f: 'DOUBLE widened',
      same: 'INTEGER',
    });
    expect(await rowsOf(opened)).toEqual([
      { i: '1', n: 1, f: 1, same: 1 },
      { i: '3000000000', n: 2, f: 2.5, same: 2 },
    ]);
  });

  it.each([
    ['lacks a column', 'SELECT 1 AS y', /b\.parquet has no column x, but .*a\.parquet has/],
    ['has it as text', "SELECT 'one' AS x", /b\.parquet has x as VARCHAR, but .*a\.parquet has it as INTEGER/],
    ['has it as a list', 'SELECT [1] AS x', /b\.parquet has x as INTEGER\[\]/],
  ])('are an error that names both: %s', async (_, select, message) => {
    using folder = await parquetFolder({ 'a.parquet': 'SELECT 1 AS x', 'b.parquet': select });
    await expect(open(folder.path)).rejects.toMatchObject({
      code: 'INPUT_SCHEMA_MISMATCH',
      message: expect.stringMatching(message),
    });
  });
});

describe('what footers say', () => {
  it('of nulls and bounds holds over all files, for all-null columns and NaN too', async () => {
    using folder = await parquetFolder({
      'a.parquet':
        "SELECT 1 AS full, NULL::INTEGER AS none, 'nan'::DOUBLE AS nan, CASE WHEN i = 1 THEN i END AS some FROM range(3) t(i)",
      'b.parquet': 'SELECT 5 AS full, NULL::INTEGER AS none, 1.0::DOUBLE AS nan, 2::BIGINT AS some',
    });
    const { facts } = await open(folder.path);
    const by = new Map(facts.columns.map((column) => [column.name, column]));
    expect(by.get('full')).toMatchObject({ nullCount: 0, range: { min: 1, max: 5 } });
    expect(by.get('none')).toMatchObject({ nullCount: 4 });
    expect(by.get('some')).toMatchObject({ nullCount: 2, range: { min: 1, max: 2 } });
    expect(by.get('nan')?.nullCount).toBe(0);
  });

  it('of damage names the file', async () => {
    for (const name of ['truncated.parquet', 'not-parquet.parquet'])
      await expect(open(`corrupt/${name}`)).rejects.toMatchObject({
        code: 'INPUT_UNREADABLE',
        message: expect.stringContaining(name),
      });
  });
});

describe('thousands of small files', () => {
  it('are described at once and read in order', async () => {
    const files = Array.from({ length: 2000 }, (_, n) => n);
    using folder = await parquetFolder({ 'seed.parquet': 'SELECT 1' });
    const instance = await DuckDBInstance.create(':memory:');
    const connection = await instance.connect();
    for (const n of files)
      await connection.run(
        `COPY (SELECT ${n} AS n, i FROM range(${(n % 3) + 1}) t(i)) TO '${folder.path}/p-${String(n).padStart(5, '0')}.parquet'`,
      );
    connection.closeSync();
    instance.closeSync();
    const before = cpuSeconds();
    const opened = await open('p-*.parquet', folder.path);
    const seconds = cpuSeconds() - before;
    expect(opened.facts.rowCount).toBe(3999);
    expect(seconds).toBeLessThan(20);
    const rows = await rowsOf(opened);
    const wanted = files.flatMap((n) => Array.from({ length: (n % 3) + 1 }, (_, i) => `${n}.${i}`));
    expect(rows.map((row) => `${row['n']}.${row['i']}`)).toEqual(wanted);
  });
});

describe('names that are patterns', () => {
  it('mean themselves', async () => {
    using folder = await parquetFolder({
      'a[1].parquet': 'SELECT 1 AS x',
      'a1.parquet': 'SELECT 2 AS x',
      'b*.parquet': 'SELECT 3 AS x',
      'b?.parquet': 'SELECT 4 AS x',
    });
    expect((await rowsOf(await open('a[1].parquet', folder.path))).map((row) => row['x'])).toEqual([1]);
    expect((await rowsOf(await open(folder.path))).map((row) => row['x'])).toEqual([2, 1, 3, 4]);
  });
});
