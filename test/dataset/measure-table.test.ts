import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeArrow } from '../../src/dataset/arrow-write.ts';
import type { DatasetFormat, Measure, Measurement, WrittenColumn } from '../../src/dataset/contract.ts';
import { Database } from '../../src/dataset/duckdb.ts';
import { newTableMeasurer } from '../../src/dataset/measure-table.ts';
import { sql, temporaryFolder } from '../e2e/nightshift.ts';

const measureTable = newTableMeasurer({ threads: 2, memoryLimitBytes: 512 * 2 ** 20 });
const columns: readonly WrittenColumn[] = [
  { name: 'id', type: 'BIGINT', nullIsNan: false },
  { name: 'the "p"', type: 'FLOAT', nullIsNan: false },
  { name: 'late', type: 'BIGINT', nullIsNan: false },
  { name: 'text', type: 'VARCHAR', nullIsNan: false },
];
/** Eight rows in two files: one NaN, one null of each but the id, and the last id twice. */
const rows = `SELECT * FROM (VALUES
  (1::BIGINT, 0.1::FLOAT, 0::BIGINT, '0'), (2, 0.5, 1, 'a,b'), (3, 'NaN', 1, ''), (4, 0.9, 2, 'x"y'),
  (5, NULL, NULL, NULL), (6, 0.2, 0, 'a,b'), (7, -0.25, 0, 'z'), (7, 0.3, 0, 'é
line')) t(id, "the ""p""", late, text)`;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder[Symbol.asyncDispose]());

let copies = 0;
async function freshFolder(): Promise<string> {
  const path = join(folder.path, `copy ${copies++}`);
  await mkdir(path);
  return path;
}

/** Writes a query's rows as two parts. */
async function parts(format: DatasetFormat, select: string): Promise<readonly string[]> {
  const at = await freshFolder();
  const paths = [0, 1].map((part) => join(at, `part-[${part}].${format}`));
  for (const [part, path] of paths.entries()) {
    const query = `SELECT * EXCLUDE (place) FROM (SELECT *, row_number() OVER () AS place FROM (${select})) WHERE (place > 4) = (${part} = 1)`;
    if (format === 'arrow') {
      using database = await Database.open({ readablePaths: [], folders: [at], threads: 1 });
      await writeArrow(database, query, path);
    } else {
      await sql(
        `COPY (${query}) TO '${path}' (FORMAT ${format === 'jsonl' ? 'json' : format}${format === 'csv' ? ', HEADER true' : ''})`,
      );
    }
  }
  return paths;
}

interface Case {
  readonly format?: DatasetFormat;
  readonly paths: readonly string[];
  readonly measures: readonly Measure[];
  readonly reference?: readonly string[];
  readonly columns?: readonly WrittenColumn[];
}

async function measure({ format = 'parquet', paths, measures, reference, ...rest }: Case) {
  return measureTable({
    table: { paths, format, columns: rest.columns ?? columns },
    reference: reference && { paths: reference, format },
    measures,
    keys: ['id'],
    spillFolder: await freshFolder(),
  });
}

const p = 'the "p"';
const measures: readonly Measure[] = [
  { type: 'rows' },
  { type: 'nulls', column: p },
  { type: 'nulls', column: 'text' },
  { type: 'below', column: p, bound: 0.1 },
  { type: 'above', column: p, bound: 0.9 },
  { type: 'above', column: 'late', bound: 1 },
  { type: 'outside', column: 'late', values: [0, 1] },
  { type: 'outside', column: 'text', values: [0, '', 'a,b', 'z', 'é\nline'] },
  { type: 'repeated', columns: ['id'] },
  { type: 'repeated', columns: ['id', 'text'] },
  { type: 'mean', column: 'late' },
  { type: 'mean', column: p },
  { type: 'distinct', column: 'text' },
  { type: 'distinct', column: p },
];
const found: readonly Measurement[] = [
  { count: 8 },
  { count: 1, example: { key: { id: '5' } } },
  { count: 1, example: { key: { id: '5' } } },
  { count: 2, value: Number.NaN },
  { count: 1, value: Number.NaN },
  { count: 1, value: 2, example: { key: { id: '4' }, value: '2' } },
  { count: 1, example: { key: { id: '4' }, value: '2' } },
  { count: 1, example: { key: { id: '4' }, value: 'x"y' } },
  { count: 1, example: { key: { id: '7' } } },
  { count: 0 },
  { count: 8, value: 4 / 7 },
  { count: 8, value: Number.NaN },
  { count: 6 },
  { count: 7 },
];

describe('a written table', () => {
  it.each(['parquet', 'csv', 'arrow'] as const)('is measured in %s, nulls and NaN told apart', async (format) => {
    const measured = await measure({ format, paths: await parts(format, rows), measures });
    expect(measured).toHaveLength(found.length);
    for (const [index, expected] of found.entries())
      expect(measured[index], JSON.stringify(measures[index])).toMatchObject(expected);
  });

  it('is measured in JSON lines, where a null that a model gave was NaN', async () => {
    const written = columns.map((column) => ({ ...column, nullIsNan: column.name === p }));
    const select = `SELECT id, CASE WHEN isfinite("the ""p""") THEN "the ""p""" END AS "the ""p""", late, text FROM (${rows})`;
    const paths = await parts('jsonl', select);
    expect(await measure({ format: 'jsonl', paths, measures, columns: written })).toMatchObject([
      ...found.slice(0, 1),
      { count: 2 },
      ...found.slice(2, 3),
      { count: 3, value: Number.NaN },
      { count: 2, value: Number.NaN },
      ...found.slice(5),
    ]);
  });

  it('holds floats against a bound as a float has it', async () => {
    const paths = await parts('parquet', 'SELECT i AS id, 0.1::FLOAT AS x FROM range(8) t(i)');
    const float = [...columns, { name: 'x', type: 'FLOAT', nullIsNan: false }];
    const asked: readonly Measure[] = [
      { type: 'above', column: 'x', bound: 0.1 },
      { type: 'below', column: 'x', bound: 0.1 },
      { type: 'outside', column: 'x', values: [0.1] },
    ];
    expect(await measure({ paths, measures: asked, columns: float })).toMatchObject([
      { count: 0 },
      { count: 0 },
      { count: 0 },
    ]);
  });

  it('without a part has no rows, and no values', async () => {
    const measured = await measure({
      paths: [],
      measures,
    });
    expect(measured.map(({ count }) => count)).toEqual(measured.map(() => 0));
    expect(measured.map(({ value }) => value)).toEqual(measured.map(() => undefined));
  });

  it('that cannot be read is an error that names a part', async () => {
    const path = join(folder.path, 'gone.parquet');
    await expect(measure({ paths: [path], measures })).rejects.toMatchObject({
      code: 'INPUT_UNREADABLE',
      message: expect.stringContaining(path),
    });
  });
});

describe('the spread over the deciles of a reference', () => {
  const x = (values: readonly (number | null)[]) =>
    `SELECT id, x::DOUBLE AS x FROM (SELECT unnest(range(${values.length})) AS id, unnest([${values.map((value) => (value === null ? 'NULL' : `'${value}'::DOUBLE`)).join(', ')}]) AS x)`;
  const table = [
    { name: 'id', type: 'BIGINT', nullIsNan: false },
    { name: 'x', type: 'DOUBLE', nullIsNan: false },
  ];
  const spread = async (format: DatasetFormat, reference: string, select: string) => {
    const measured = await measure({
      format,
      paths: await parts(format, select),
      reference: await parts(format, reference),
      measures: [{ type: 'spread', column: 'x' }],
      columns: table,
    });
    return measured[0]?.bins;
  };
  const hundred = Array.from({ length: 100 }, (_, index) => index + 1);

  it.each(['parquet', 'csv', 'jsonl', 'arrow'] as const)('is counted in %s', async (format) => {
    const moved = hundred.map((value) => value + 10);
    expect(await spread(format, x(hundred), x([...moved, null]))).toEqual({
      reference: [10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 0],
      table: [0, 10, 10, 10, 10, 10, 10, 10, 10, 20, 1],
    });
  });

  it('has one bin for deciles that are equal', async () => {
    expect(
      await spread('parquet', x([0, 0, 0, 0, 0, 0, 0, 1, 1, Number.NaN]), x([0, 1, 1, 2, null, Number.NaN])),
    ).toEqual({
      reference: [7, 2, 0, 1],
      table: [1, 2, 1, 2],
    });
  });

  it.each([
    ['has not the column', 'SELECT 1 AS id, 2 AS y FROM range(8)'],
    ['holds texts there', "SELECT 1 AS id, 'a' AS x FROM range(8)"],
    ['has nulls and NaN only', x([null, null, Number.NaN, null, null, null])],
  ])('is unknown when the reference %s', async (_what, reference) => {
    expect(await spread('parquet', reference, x(hundred))).toBeUndefined();
  });

  it('of a reference that cannot be read is an error that names it', async () => {
    const path = join(folder.path, 'gone.parquet');
    const asked = measure({
      paths: await parts('parquet', x(hundred)),
      reference: [path],
      measures: [{ type: 'spread', column: 'x' }],
      columns: table,
    });
    await expect(asked).rejects.toMatchObject({
      code: 'INPUT_UNREADABLE',
      message: expect.stringContaining(`cannot read what is published, ${path}: `),
    });
  });

  it('puts every row of both into one bin, as counting by hand does', async () => {
    const value = fc.oneof(
      fc.integer({ min: -5, max: 5 }),
      fc.double({ min: -9, max: 9 }),
      fc.constantFrom(null, Number.NaN),
    );
    const column = fc.array(value, { minLength: 5, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(column, column, async (before, after) => {
        const bins = await spread('parquet', x(before), x(after));
        const sorted = numbersIn(before).sort((a, b) => a - b);
        const deciles = Array.from({ length: 9 }, (_, k) => sorted[Math.ceil(((k + 1) * sorted.length) / 10) - 1] ?? 0);
        const edges = [...new Set(deciles)];
        const expected = { reference: counted(before, edges), table: counted(after, edges) };
        expect(bins).toEqual(sorted.length === 0 ? undefined : expected);
      }),
      { numRuns: 15 },
    );
  });
});

function numbersIn(values: readonly (number | null)[]): number[] {
  return values.filter((value) => value !== null).filter((value) => !Number.isNaN(value));
}

function counted(values: readonly (number | null)[], edges: readonly number[]): readonly number[] {
  const numbers = numbersIn(values);
  const bins = [...edges, Number.POSITIVE_INFINITY].map(
    (edge, bin) => numbers.filter((value) => value <= edge && (bin === 0 || value > (edges[bin - 1] ?? 0))).length,
  );
  return [...bins, values.length - numbers.length];
}
