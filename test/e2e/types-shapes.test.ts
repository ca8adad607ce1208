import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Finished,
  makeParquet,
  published,
  publishedColumn,
  publishedTypes,
  rejected,
  runJob,
  runJobs,
  temporaryFolder,
  typeModel,
} from './nightshift.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let finished: Finished;

const pair = 'i::FLOAT AS a, (i * 10)::FLOAT AS b';
const fixedRows = [0, 1, 4, 7] as const;

/** Independent jobs over inputs of the same name, scored by one process. */
beforeAll(async () => {
  folder = await temporaryFolder();
  const inputs: Readonly<Record<string, string>> = {
    pairs: `SELECT ${pair} FROM range(5) t(i)`,
    lists: 'SELECT [i, i + 1, i + 2, i + 3]::FLOAT[] AS x FROM range(3) t(i)',
    nested: 'SELECT [[[i, i + 1], [i + 2, i + 3]]]::FLOAT[][][] AS x FROM range(3) t(i)',
    ragged: `SELECT CASE i WHEN 1 THEN [[[1, 2], NULL]] WHEN 2 THEN [[[1, 2, 3], [4]]] WHEN 3 THEN [[[1, NULL], [2, 3]]]
      ELSE [[[i, 1], [2, 3]]] END::FLOAT[][][] AS x FROM range(5) t(i)`,
    squeezed: 'SELECT [[i, i + 1], [i + 2, i + 3]]::FLOAT[][] AS x FROM range(3) t(i)',
    integers:
      'SELECT CASE i WHEN 1 THEN [16777217, 0] WHEN 2 THEN [NULL, 5] ELSE [i, 1] END::BIGINT[] AS x FROM range(4) t(i)',
    columns: 'SELECT i::FLOAT AS a, (i + 1)::FLOAT AS b, (i + 2)::FLOAT AS c, (i + 3)::FLOAT AS d FROM range(3) t(i)',
    lengths:
      'SELECT CASE i WHEN 2 THEN [1, 2] WHEN 4 THEN [1, 2, 3, 4] ELSE [i, i, i] END::FLOAT[] AS x FROM range(6) t(i)',
    labels: 'SELECT (i % 2)::FLOAT AS a, 0.5::FLOAT AS b FROM range(5) t(i)',
    ...Object.fromEntries(fixedRows.map((rows) => [`fixed-${rows}`, `SELECT ${pair} FROM range(${rows}) t(i)`])),
  };
  for (const [name, select] of Object.entries(inputs)) await makeParquet(join(folder.path, `${name}.parquet`), select);
  const job = (model: string, input: string, rest: object = {}) => ({
    model: typeModel(model),
    input: `${input}.parquet`,
    features: { x: ['a', 'b'] },
    ...rest,
  });
  const byName = { features: {} };
  finished = await runJobs(folder.path, {
    ...Object.fromEntries(
      fixedRows.map((rows) => [`fixed-${rows}`, job('fixed-batch', `fixed-${rows}`, { output: `fixed-out-${rows}` })]),
    ),
    one: job('fixed-batch-one', 'pairs', { output: 'one', execution: { shardRows: 2 } }),
    lists: job('rank4', 'lists', { ...byName, output: 'rank4-lists' }),
    nested: job('rank4', 'nested', { ...byName, output: 'rank4-nested' }),
    squeezed: job('rank4', 'squeezed', { ...byName, output: 'rank4-squeezed' }),
    ragged: job('rank4', 'ragged', { ...byName, output: 'ragged', errors: { maxRejected: 3 } }),
    integers: job('float32', 'integers', {
      features: { x: { columns: 'x', nulls: 'nan' } },
      output: { path: 'integers', nonFinite: 'allow' },
      errors: { maxRejected: 1 },
    }),
    columns: job('rank4', 'columns', { features: { x: ['a', 'b', 'c', 'd'] }, output: 'rank4-columns' }),
    lengths: job('free-inner', 'lengths', { ...byName, output: 'lengths', errors: { maxRejected: 2 } }),
    'free-columns': job('free-inner', 'pairs', { output: 'free-columns' }),
    matrix: job('matrix-output', 'pairs', {
      output: { path: 'matrix', columns: { y: 'y', cell: 'y[1][2]', row: 'y[1]', top: 'max(y)', place: 'argmax(y)' } },
    }),
    labels: job('lying-label', 'labels', { output: { path: 'labels', keep: ['a'] }, execution: { batchSize: 2 } }),
    sequence: job('sequence-output', 'pairs', { output: 'sequence' }),
  });
});
afterAll(() => folder[Symbol.asyncDispose]());

it('runs all of them and says nothing on stderr', () => {
  expect(finished).toMatchObject({ exitCode: 0, stderr: '' });
});

describe('a batch that the model fixes', () => {
  it.each(fixedRows)('is filled up and cut again: %i rows for a batch of 4', async (rows) => {
    const sums = Array.from({ length: rows }, (_, i) => i * 11);
    expect(await publishedColumn(folder.path, 'y', `fixed-out-${rows}`)).toEqual(sums);
    expect(await publishedTypes(folder.path, `fixed-out-${rows}`)).toEqual({ y: 'FLOAT' });
  });

  it('may be one row', async () => {
    expect(await publishedColumn(folder.path, 'y', 'one')).toEqual([0, 11, 22, 33, 44]);
  });
});

describe('an input of rank 4', () => {
  it.each([
    ['a list of its four values', 'rank4-lists'],
    ['nested lists of its shape', 'rank4-nested'],
    ['nested lists of its shape without the one', 'rank4-squeezed'],
    ['four columns', 'rank4-columns'],
  ])('is filled row-major by %s', async (_what, output) => {
    expect(await publishedColumn(folder.path, 'y', output)).toEqual([
      [0, 1, 2, 3],
      [1, 2, 3, 4],
      [2, 3, 4, 5],
    ]);
  });
});

describe('lists', () => {
  it('that are ragged or hold nulls are rejected by row', async () => {
    expect(await publishedColumn(folder.path, 'y', 'ragged')).toEqual([
      [0, 1, 2, 3],
      [4, 1, 2, 3],
    ]);
    expect((await rejected(folder.path, 'ragged')).map((row) => [row['row_number'], row['code']])).toEqual([
      [1n, 'LIST_LENGTH'],
      [2n, 'LIST_LENGTH'],
      [3n, 'NULL_VALUE'],
    ]);
  });

  it('of integers become floats, nulls NaN, and a value that would be rounded a reject', async () => {
    expect(await publishedColumn(folder.path, 'y', 'integers')).toEqual([
      [0, 1],
      [Number.NaN, 5],
      [3, 1],
    ]);
    expect(await rejected(folder.path, 'integers')).toEqual([
      {
        row_number: 1n,
        code: 'CAST_LOSSY',
        message: 'column x: a value of its list cannot become float32 without loss',
      },
    ]);
  });
});

describe('a free dimension beside the batch', () => {
  it('takes the length of the first list, and rejects rows of another by column and row', async () => {
    expect(await publishedColumn(folder.path, 'y', 'lengths')).toEqual([0, 3, 9, 15]);
    expect(await rejected(folder.path, 'lengths')).toEqual([
      { row_number: 2n, code: 'LIST_LENGTH', message: 'column x: list of length 2 where 3 is expected' },
      { row_number: 4n, code: 'LIST_LENGTH', message: 'column x: list of length 4 where 3 is expected' },
    ]);
  });

  it('takes as many columns as are given', async () => {
    expect(await publishedColumn(folder.path, 'y', 'free-columns')).toEqual([0, 11, 22, 33, 44]);
  });

  it('publishes nothing when such a row is one too many, and names column, file and row', async () => {
    const job = { model: typeModel('free-inner'), input: 'lengths.parquet', output: 'lengths-strict' };
    const { exitCode, stderr } = await runJob(folder.path, job);
    expect(exitCode).toBe(3);
    expect(stderr).toContain(
      `error REJECTS_OVER_LIMIT: 2 of 6 rows were rejected, more than the 0 that errors.maxRejected allows; ` +
        `the first: ${join(folder.path, 'lengths.parquet')} row 2: column x: list of length 2 where 3 is expected\n`,
    );
  });
});

describe('outputs', () => {
  it('may be matrices, their rows, their cells and what is reduced from them', async () => {
    const [, first] = await published(folder.path, 'matrix');
    expect(first).toEqual({
      y: [
        [1, 10, 100],
        [10, 100, 1000],
      ],
      cell: 1000,
      row: [10, 100, 1000],
      top: [100, 1000],
      place: [2n, 2n],
    });
    expect(await publishedTypes(folder.path, 'matrix')).toEqual({
      y: 'FLOAT[][]',
      cell: 'FLOAT',
      row: 'FLOAT[]',
      top: 'FLOAT[]',
      place: 'BIGINT[]',
    });
  });

  it('are taken as they come when the declared shape lies but the rows agree', async () => {
    const rows = await published(folder.path, 'labels');
    expect(rows.map(({ a, label }) => [a, label])).toEqual([
      [0, 1n],
      [1, 0n],
      [0, 1n],
      [1, 0n],
      [0, 1n],
    ]);
    expect(await publishedTypes(folder.path, 'labels')).toEqual({
      a: 'FLOAT',
      label: 'BIGINT',
      probabilities: 'FLOAT[]',
    });
  });

  it('that are sequences are left out when none is named', async () => {
    expect(await published(folder.path, 'sequence')).toEqual([0, 1, 2, 3, 4].map((i) => ({ y: [i, i * 10] })));
  });
});
