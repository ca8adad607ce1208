import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tableFromArrays, tableToIPC } from 'apache-arrow';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeParquet, nightshift, runJobs, sql, temporaryFolder, typeModel } from '../e2e/nightshift.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder[Symbol.asyncDispose]());

async function diff(...args: readonly string[]) {
  const { exitCode, stdout, stderr } = await nightshift(['diff', ...args], { cwd: folder.path });
  return { exitCode, stdout, stderr };
}

async function diffJson(...args: readonly string[]) {
  const { stdout, ...rest } = await diff(...args, '--json');
  const document: unknown = JSON.parse(stdout);
  return { ...rest, document };
}

/** Two tables of the same name, as a.parquet and b.parquet in its folder. */
async function tables(name: string, a: string, b: string): Promise<readonly [string, string]> {
  await makeParquet(join(folder.path, name, 'a.parquet'), a);
  await makeParquet(join(folder.path, name, 'b.parquet'), b);
  return [`${name}/a.parquet`, `${name}/b.parquet`];
}

const rows = (values: string, names: string) => `SELECT * FROM (VALUES ${values}) t(${names})`;

describe('two outputs of one job', () => {
  beforeAll(async () => {
    await makeParquet(
      join(folder.path, 'in.parquet'),
      'SELECT i AS id, i::FLOAT AS a, 1::FLOAT AS b FROM range(50) t(i)',
    );
    const job = (path: string, rest: object = {}) => ({
      model: typeModel('matrix-output'),
      input: 'in.parquet',
      features: { x: ['a', 'b'] },
      output: { path, keep: ['id'], columns: { y: 'y', first: 'y[0][0]' }, ...rest },
      execution: { shardRows: 20 },
    });
    const csv = { format: 'csv', columns: { first: 'y[0][0]' } };
    const jobs = { a: job('a'), b: job('b'), csv: job('csv', csv) };
    expect(await runJobs(folder.path, jobs)).toMatchObject({ exitCode: 0, stderr: '' });
  });

  it('are the same, with exit code 0', async () => {
    expect(await diff('a', 'b', '--key', 'id')).toEqual({
      exitCode: 0,
      stdout: [
        'the same: 50 rows in both, 0 only in A, 0 only in B',
        '',
        '  column  type       changed rows  max difference  mean difference',
        '  y       FLOAT[][]  0             0               0',
        '  first   FLOAT      0             0               0',
      ].join('\n'),
      stderr: '',
    });
  });

  it('may be of different formats when the columns are named', async () => {
    expect(await diffJson('a', 'csv', '--key', 'id', '--columns', 'first')).toMatchObject({
      exitCode: 0,
      document: { v: 1, same: true, rowsInBoth: 50, columns: [{ name: 'first', changedRows: 0 }] },
    });
    expect(await diffJson('a', 'csv', '--key', 'id')).toMatchObject({
      exitCode: 3,
      document: { same: false, columnsOnlyInA: ['y'], columnsOnlyInB: [] },
    });
  });
});

describe('tables that differ', () => {
  it('are told row by row and column by column, as a result on stdout with exit code 3', async () => {
    const [a, b] = await tables(
      'differ',
      rows("(1, 0.5, 'yes'), (2, 0.25, 'no'), (3, 1.0, 'no'), (4, 7.0, 'no')", 'id, score, label'),
      rows("(2, 0.75, 'no'), (1, 0.5000001, 'no'), (3, 1.0, 'no'), (5, 7.0, 'no'), (6, 1.0, 'no')", 'id, score, label'),
    );
    const { exitCode, stdout, stderr } = await diff(a, b, '--key', 'id');
    expect({ exitCode, stderr }).toEqual({ exitCode: 3, stderr: '' });
    expect(stdout).toContain('different: 3 rows in both, 1 only in A, 2 only in B\n');
    expect(stdout).toMatch(/^ {2}score .+ 1 +0\.500 +/m);
    expect(stdout).toMatch(/^ {2}label +VARCHAR +1 +– +–$/m);
    expect(stdout).toMatch(/^the 2 that differ most$/m);
    expect(stdout).toMatch(/^ {2}id 2 +score +0\.25 +0\.7500000 +0\.500$/m);
    expect(stdout).toMatch(/^ {2}id 1 +label +yes +no +–$/m);
  });

  it('are the same within a tolerance', async () => {
    const [a, b] = await tables('tolerance', rows('(1, 0.5::DOUBLE)', 'id, y'), rows('(1, 0.6::DOUBLE)', 'id, y'));
    expect(await diffJson(a, b, '--key', 'id')).toMatchObject({
      exitCode: 3,
      document: { columns: [{ changedRows: 1 }] },
    });
    expect(await diffJson(a, b, '--key', 'id', '--tolerance', '0.11')).toMatchObject({ exitCode: 0 });
  });

  it('have NaN and null told from numbers, and from nothing else', async () => {
    const [a, b] = await tables(
      'nan',
      rows("(1, 'nan'::DOUBLE), (2, 'nan'), (3, 1), (4, NULL), (5, NULL), (6, 'inf'), (7, 2)", 'id, y'),
      rows("(1, 'nan'::DOUBLE), (2, 1), (3, 'nan'), (4, NULL), (5, 1), (6, 'inf'), (7, 2.5)", 'id, y'),
    );
    const { document, exitCode } = await diffJson(a, b, '--key', 'id');
    expect(exitCode).toBe(3);
    expect(document).toMatchObject({
      columns: [{ name: 'y', changedRows: 4, nanRows: 2, nullRows: 1, maxDifference: 0.5, meanDifference: 0.125 }],
    });
  });

  it('have lists compared element by element', async () => {
    const [a, b] = await tables(
      'lists',
      rows(
        "(1, [1, 2]::DOUBLE[]), (2, [1, 2]), (3, ['nan'::DOUBLE, 1]), (4, [1, NULL]), (5, [1, 2]), (6, NULL)",
        'id, y',
      ),
      rows(
        "(1, [1, 2.5]::DOUBLE[]), (2, [1, 2.0000001]), (3, ['nan'::DOUBLE, 1.0000001]), (4, [1, 2]), (5, [1, 2, 3]), (6, [1])",
        'id, y',
      ),
    );
    const { document } = await diffJson(a, b, '--key', 'id');
    expect(document).toMatchObject({
      columns: [{ name: 'y', type: 'DOUBLE[]', changedRows: 4, nullRows: 2, nanRows: 0, maxDifference: 0.5 }],
      worst: [
        { key: { id: '4' }, a: '[1.0, NULL]', b: '[1.0, 2.0]' },
        { key: { id: '5' }, a: '[1.0, 2.0]', b: '[1.0, 2.0, 3.0]' },
        { key: { id: '6' }, a: 'null', b: '[1.0]' },
        { key: { id: '1' }, a: '[1.0, 2.0]', b: '[1.0, 2.5]', difference: 0.5 },
      ],
    });
  });

  it('show integers above 2^53 as they are', async () => {
    const [a, b] = await tables(
      'wide',
      rows('(9007199254740993, 9007199254740993)', 'id, y'),
      rows('(9007199254740993, 9007199254740994)', 'id, y'),
    );
    expect((await diffJson(a, b, '--key', 'id')).document).toMatchObject({
      rowsInBoth: 1,
      worst: [{ key: { id: '9007199254740993' }, a: '9007199254740993', b: '9007199254740994', difference: 1 }],
    });
  });

  it('show the ten worst rows of many, by the size of the difference', async () => {
    const [a, b] = await tables(
      'worst',
      'SELECT i AS id, 0.0::DOUBLE AS y, 0.0::DOUBLE AS z FROM range(1000) t(i)',
      'SELECT i AS id, (i / 1000)::DOUBLE AS y, (i / 2000)::DOUBLE AS z FROM range(1000) t(i) ORDER BY hash(i)',
    );
    const { document } = await diffJson(a, b, '--key', 'id');
    expect(document).toMatchObject({
      rowsInBoth: 1000,
      columns: [
        { name: 'y', changedRows: 999, maxDifference: 0.999 },
        { name: 'z', changedRows: 999, maxDifference: 0.4995 },
      ],
      worst: Array.from({ length: 10 }, (_, i) => ({ key: { id: String(999 - i) }, column: 'y' })),
    });
  });

  it('may be joined by several columns, globs and folders of files', async () => {
    const select = (from: number, to: number) =>
      `SELECT i // 10 AS store, i % 10 AS day, i AS y FROM range(${from}, ${to}) t(i)`;
    await makeParquet(join(folder.path, 'many/1.parquet'), select(0, 20));
    await makeParquet(join(folder.path, 'many/2.parquet'), select(20, 40));
    await sql(`COPY (${select(0, 40)} ORDER BY y DESC) TO '${folder.path}/one.csv.gz'`);
    expect(await diff('many', 'one.csv.gz', '--key', 'store, day')).toMatchObject({ exitCode: 0 });
    expect(await diffJson('many/*.parquet', 'many/2.parquet', '--key', 'store,day')).toMatchObject({
      exitCode: 3,
      document: { rowsInBoth: 20, rowsOnlyInA: 20, rowsOnlyInB: 0 },
    });
  });
});

describe('a comparison that cannot be made', () => {
  it('names a key that occurs twice', async () => {
    const [a, b] = await tables('repeated', rows('(1, 1), (7, 1), (7, 2)', 'id, y'), rows('(1, 1)', 'id, y'));
    expect(await diff(a, b, '--key', 'id')).toEqual({
      exitCode: 2,
      stdout: '',
      stderr:
        'error USAGE: --key does not name rows: id 7 occurs 2 times in A\nhint: add columns to the key: --key a,b',
    });
  });

  it('names a column that one side has not', async () => {
    const [a, b] = await tables('missing', rows('(1, 1)', 'id, label'), rows('(1, 1)', 'id, lable'));
    expect(await diff(a, b, '--key', 'id', '--columns', 'label')).toMatchObject({
      exitCode: 2,
      stderr: 'error COLUMN_MISSING: column label is not in B\nhint: its columns are id, lable',
    });
  });

  it('wants a key, a tolerance that is a number, and tables that exist', async () => {
    expect(await diff('x', 'y')).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("'--key <columns>'") });
    expect(await diff('x', 'y', '--key', 'id', '--tolerance', '-1')).toMatchObject({ exitCode: 2 });
    expect(await diff('x', 'y', '--key', 'id')).toMatchObject({
      exitCode: 4,
      stderr: expect.stringMatching(/^error INPUT_NOT_FOUND: .+\nhint: name a published output, .+ in place of x;/),
    });
  });
});

describe('tables of every format', () => {
  it('are compared with each other', async () => {
    const text = Array.from({ length: 3 }, (_, id) => ({ id, y: id + 0.5 }));
    await writeFile(join(folder.path, 'each.csv'), `id,y\n${text.map(({ id, y }) => `${id},${y}\n`).join('')}`);
    await writeFile(join(folder.path, 'each.jsonl'), text.map((row) => `${JSON.stringify(row)}\n`).join(''));
    await writeFile(
      join(folder.path, 'each.arrow'),
      tableToIPC(tableFromArrays({ id: [0n, 1n, 2n], y: [0.5, 1.5, 2.5] }), 'file'),
    );
    await makeParquet(join(folder.path, 'each.parquet'), 'SELECT i AS id, i + 0.5::DOUBLE AS y FROM range(3) t(i)');
    const names = ['each.csv', 'each.jsonl', 'each.arrow', 'each.parquet'];
    for (const [index, a] of names.entries())
      for (const b of names.slice(index))
        expect(await diff(a, b, '--key', 'id')).toMatchObject({
          exitCode: 0,
          stdout: expect.stringContaining('the same: 3 rows in both'),
        });
  });

  it('leave no temporary folder behind, even when a column is not there', async () => {
    const own = join(folder.path, 'tmp');
    await mkdir(own);
    const { exitCode, stderr } = await nightshift(['diff', 'each.csv', 'each.csv', '--key', 'idd'], {
      cwd: folder.path,
      env: { TMPDIR: own },
    });
    expect({ exitCode, stderr }).toMatchObject({
      exitCode: 2,
      stderr: 'error COLUMN_MISSING: column idd is not in A\nhint: did you mean id?',
    });
    expect(await readdir(own)).toEqual([]);
  });
});
