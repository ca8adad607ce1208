import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fakeSmi, oneCard } from '../executor/fake-smi.ts';
import {
  makeParquet,
  nightshift,
  published,
  rejected,
  runJob,
  temporaryFolder,
  typeModel,
  writeSpec,
} from './nightshift.ts';

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

describe('a replay of a job that names its devices', () => {
  it('scores on these, and not on others where they are gone', async () => {
    await makeParquet(at('in.parquet'), select([0, 99, 1, 97]));
    await writeSpec(folder.path, {
      job: { ...job, execution: { devices: ['cuda:0'], fallback: 'cpu' }, retry: { maxAttempts: 1 } },
    });
    const env = { PATH: await fakeSmi(folder.path, oneCard) };
    expect(await nightshift(['run'], { cwd: folder.path, env })).toMatchObject({ exitCode: 0 });
    await makeParquet(at('fix.parquet'), 'SELECT 1 AS row_number, 2 AS x');
    const gone = await replay('--fix', 'fix.parquet');
    expect(gone).toMatchObject({ exitCode: 4, stderr: expect.stringContaining('error DEVICE_UNAVAILABLE') });
    await makeParquet(at('fix.parquet'), 'SELECT 1 AS row_number, 98 AS x UNION ALL SELECT 3, 3');
    const fix = ['replay', 'out', '--fix', 'fix.parquet'];
    expect(await nightshift(fix, { cwd: folder.path, env })).toMatchObject({ exitCode: 0 });
    expect(await replay()).toMatchObject({ exitCode: 4, stderr: expect.stringContaining('error DEVICE_UNAVAILABLE') });
  });
});

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
          const bad = some.flatMap((value, id) => (value !== mended[id] && id !== 2 ? [id] : []));
          await makeParquet(
            at('fix.parquet'),
            `SELECT id AS row_number, x FROM (${select(mended)}) WHERE id IN (${[-1, ...bad].join(', ')})`,
          );
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
    expect(await replay()).toMatchObject({
      exitCode: 0,
      stdout:
        'scored 4 of 4 rejected rows of out: 0 put into their places, 4 left\nnothing was published, since nothing changed',
    });
    expect(await published(folder.path)).toEqual(before);
    expect(await readFile(at('out/_nightshift/manifest.json'), 'utf8')).toBe(manifest);
  });

  it.each([
    ['no row_number', 'SELECT 1 AS id, 1 AS x', 'COLUMN_MISSING', 'has no column row_number'],
    ['a row twice', 'SELECT 1 AS row_number, unnest([1, 2]) AS x', 'USAGE', 'has row 1 more than once'],
    ['a row that was not rejected', 'SELECT 5 AS row_number, 1 AS x', 'USAGE', 'has row 5, which is no reject'],
    [
      'another file',
      "SELECT 1 AS row_number, 'in.parquet' AS file, 1 AS x",
      'USAGE',
      'has row 1 of in.parquet, which is no',
    ],
    ['a column of no input', 'SELECT 1 AS row_number, 1 AS notte', 'USAGE', 'did you mean note?'],
    ['a value that would be rounded', 'SELECT 1 AS row_number, 1.5 AS x', 'USAGE', 'x 1.5 (DECIMAL(2,1)) is no BIGINT'],
    ['a text for a number', "SELECT 1 AS row_number, 'one' AS x", 'USAGE', 'x one (VARCHAR) is no BIGINT'],
  ])('refuses a fix with %s, and touches nothing', async (_what, fix, code, message) => {
    const before = await readFile(at('out/_nightshift/manifest.json'), 'utf8');
    await makeParquet(at('fix.parquet'), fix);
    const { exitCode, stderr } = await replay('--fix', 'fix.parquet');
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`error ${code}: `);
    expect(stderr).toContain(message);
    expect(await readFile(at('out/_nightshift/manifest.json'), 'utf8')).toBe(before);
    expect(await nightshift(['verify', 'out'], { cwd: folder.path })).toMatchObject({ exitCode: 0 });
  });

  it('names the fix that is missing, or no Parquet', async () => {
    expect(await replay('--fix', 'none.parquet')).toMatchObject({
      exitCode: 4,
      stderr: expect.stringMatching(/^error INPUT_NOT_FOUND: there is no \S+\/none\.parquet\n/),
    });
    await writeFile(at('fix.csv'), 'row_number,x\n1,1\n');
    expect(await replay('--fix', 'fix.csv')).toMatchObject({
      exitCode: 4,
      stderr: expect.stringMatching(/^error INPUT_UNREADABLE: cannot read \S+\/fix\.csv: /),
    });
  });

  it('wants to know the file where the rejects are of several', async () => {
    await makeParquet(at('in2.parquet'), select([99, 1]));
    const two = {
      ...job,
      input: { path: ['in.parquet', 'in2.parquet'] },
      output: { ...job.output, mode: 'overwrite' },
    };
    expect(await runJob(folder.path, two)).toMatchObject({ exitCode: 0 });
    await makeParquet(at('fix.parquet'), 'SELECT 1 AS row_number, 1 AS x');
    expect(await replay('--fix', 'fix.parquet')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('has no column file, and the rejects are of several files'),
    });
  });

  it('is not repeated by rerun, which says so', async () => {
    await makeParquet(at('fix.parquet'), 'SELECT 1 AS row_number, 1 AS x');
    expect(await replay('--fix', 'fix.parquet')).toMatchObject({ exitCode: 0 });
    expect(await nightshift(['rerun', 'out'], { cwd: folder.path })).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('was published by a replay'),
    });
  });
});

it('replay says where it cannot help', async () => {
  expect(await replay()).toMatchObject({ exitCode: 4, stderr: expect.stringContaining('OUTPUT_NOT_FOUND') });
  await makeParquet(at('in.parquet'), select([0, 99, 1]));
  const csv = { ...job, output: { ...job.output, keep: ['id'], format: 'csv' } };
  expect(await runJob(folder.path, csv)).toMatchObject({ exitCode: 0 });
  expect(await replay()).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('it is csv, and only Parquet') });
});
