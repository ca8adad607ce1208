import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeParquet, nightshift, published, rejected, runJob, sql, temporaryFolder, typeModel } from './nightshift.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder[Symbol.asyncDispose]());

const replay = (...args: readonly string[]) => nightshift(['replay', 'out', ...args], { cwd: folder.path });
const at = (name: string) => join(folder.path, name);

/** y = 10, 20, 30, 40 for x = 0, 1, 2, 3; other values fail, and null is refused. */
const job = {
  model: typeModel('throws'),
  input: { path: 'in.parquet', where: 'id <> 2' },
  features: { x: 'x' },
  output: { path: 'out', keep: ['id', 'note'] },
  execution: { shardRows: 4, batchSize: 3 },
  errors: { maxRejected: '100%' },
};

function select(values: readonly (number | null)[]): string {
  const list = values.map((value) => value ?? 'NULL').join(', ');
  return `SELECT i - 1 AS id, ([${list}]::BIGINT[])[i] AS x, 'row ' || (i - 1) AS note, 1.10::DECIMAL(9, 2) AS price, [i, NULL] AS list,
    TIMESTAMPTZ '2026-01-01 00:00:00+01' + to_days(i::INTEGER) AS seen FROM range(1, ${values.length + 1}) t(i)`;
}

const partDigests = async () => {
  const manifest: { readonly parts: readonly { readonly name: string; readonly sha256: string }[] } = JSON.parse(
    await readFile(at('out/_nightshift/manifest.json'), 'utf8'),
  );
  return Object.fromEntries(manifest.parts.map(({ name, sha256 }) => [name, sha256]));
};

describe('replay', () => {
  const values = [0, 99, 2, null, 1, 3, 2, 1, -9, 0, 77, 3];

  beforeEach(async () => {
    await makeParquet(at('in.parquet'), select(values));
    expect(await runJob(folder.path, job)).toMatchObject({ exitCode: 0 });
  });

  it('puts mended rows into their places, as if they had been good, and scores no other', async () => {
    const before = await partDigests();
    await makeParquet(
      at('fix.parquet'),
      'SELECT row_number, file, (row_number % 4)::INTEGER AS x FROM (VALUES (1), (3), (10)) t(row_number) CROSS JOIN (SELECT DISTINCT file FROM ' +
        `read_parquet('${at('out/_nightshift/runs/*/rejects/*.parquet')}'))`,
    );
    const result = await replay('--fix', 'fix.parquet', '--json');
    expect(result).toMatchObject({ exitCode: 0, stderr: '' });
    expect(JSON.parse(result.stdout)).toMatchObject({
      v: 1,
      rejected: 4,
      replayable: 4,
      left: 1,
      rows: { in: 12, out: 10, rejected: 1, filtered: 1 },
    });
    const mended = values.map((value, id) => ([1, 3, 10].includes(id) ? id % 4 : value));
    const wanted = mended.flatMap((x, id) =>
      id === 2 || id === 8 ? [] : [{ id: BigInt(id), note: `row ${id}`, y: 10 * (Number(x) + 1) }],
    );
    expect(await published(folder.path)).toEqual(wanted);
    expect(await rejected(folder.path)).toMatchObject([{ row_number: 8n, code: 'SESSION_FAILED' }]);
    expect(await nightshift(['verify', 'out'], { cwd: folder.path })).toMatchObject({ exitCode: 0 });
    const after = await partDigests();
    expect(after['part-00001.parquet']).toBe(before['part-00001.parquet']);
    expect(Object.keys(after)).toEqual(Object.keys(before));
  });

  it('gives the table of a run over the mended input, whatever was bad and wherever', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(0, 1, 2, 3, 50, -60, null), { minLength: 3, maxLength: 14 }),
        fc.integer({ min: 1, max: 6 }),
        async (some, shardRows) => {
          const overwrite = { ...job, output: { ...job.output, mode: 'overwrite' }, execution: { shardRows } };
          await makeParquet(at('in.parquet'), select(some));
          expect(await runJob(folder.path, overwrite, ['--restart'])).toMatchObject({ exitCode: 0 });
          const mended = some.map((value) => (value === null || value > 3 || value < 0 ? 1 : value));
          await makeParquet(at('fix.parquet'), `SELECT id AS row_number, x FROM (${select(mended)})`);
          expect(await replay('--fix', 'fix.parquet')).toMatchObject({ exitCode: 0 });
          const replayed = await published(folder.path);
          await makeParquet(at('in.parquet'), select(mended));
          expect(await runJob(folder.path, overwrite, ['--restart'])).toMatchObject({ exitCode: 0 });
          expect(replayed).toEqual(await published(folder.path));
        },
      ),
      { numRuns: 5 },
    );
  });

  it('in two steps ends as in one: what is left keeps its place', async () => {
    const fix = async (...rows: readonly number[]) => {
      await makeParquet(at('fix.parquet'), `SELECT unnest([${rows.join(', ')}]) AS row_number, 3 AS x`);
      expect(await replay('--fix', 'fix.parquet')).toMatchObject({ exitCode: 0 });
    };
    await fix(8, 10);
    await fix(1, 3);
    const wanted = values.flatMap((x, id) => (id === 2 ? [] : [10 * ((x === null || x > 3 || x < 0 ? 3 : x) + 1)]));
    expect((await published(folder.path)).map(({ y }) => y)).toEqual(wanted);
    expect(await replay()).toMatchObject({ exitCode: 0, stdout: 'out has no rejected rows' });
  });

  it('with nothing mended leaves the same rows rejected, and --dry-run touches nothing', async () => {
    const before = await published(folder.path);
    const manifest = await readFile(at('out/_nightshift/manifest.json'), 'utf8');
    expect(await replay('--dry-run')).toMatchObject({
      exitCode: 0,
      stdout: 'would score 4 of 4 rejected rows of out',
    });
    expect(await readFile(at('out/_nightshift/manifest.json'), 'utf8')).toBe(manifest);
    expect(await replay()).toMatchObject({ exitCode: 0 });
    expect(await published(folder.path)).toEqual(before);
    const [again] = await sql(
      `SELECT list(row_number ORDER BY row_number)::INTEGER[] AS rows, max(attempt)::INTEGER AS attempt FROM '${at('out/_nightshift/runs/*/rejects/*.parquet')}'`,
    );
    expect(again).toMatchObject({ attempt: 2 });
  });

  it('says what a fix lacks', async () => {
    await makeParquet(at('fix.parquet'), 'SELECT 1 AS id, 1 AS x');
    expect(await replay('--fix', 'fix.parquet')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('error COLUMN_MISSING: '),
    });
    expect(await nightshift(['verify', 'out'], { cwd: folder.path })).toMatchObject({ exitCode: 0 });
  });
});

it('replay says where it cannot help', async () => {
  expect(await replay()).toMatchObject({ exitCode: 4, stderr: expect.stringContaining('OUTPUT_NOT_FOUND') });
  await makeParquet(at('in.parquet'), select([0, 99, 1]));
  const csv = { ...job, output: { ...job.output, keep: ['id'], format: 'csv' } };
  expect(await runJob(folder.path, csv)).toMatchObject({ exitCode: 0 });
  expect(await replay()).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('it is csv, and only Parquet') });
});
