import { copyFile, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digitsJob, flightsJob } from '../cli/flights-job.ts';
import { makeParquet, nightshift, root, runJob, temporaryFolder, typeModel } from './nightshift.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  folder = await temporaryFolder();
  await makeInput();
  await copyFile(typeModel('throws'), inFolder('model.onnx'));
});
afterEach(() => folder[Symbol.asyncDispose]());

const inFolder = (name: string) => join(folder.path, name);
const makeInput = (x = 'i % 4', rowCount = 8) =>
  makeParquet(inFolder('in/a.parquet'), `SELECT i AS id, ${x} AS x FROM range(${rowCount}) t(i)`);
const job = (more: object = {}) => ({
  model: 'model.onnx',
  input: 'in/*.parquet',
  features: { x: 'x' },
  output: { path: 'out', keep: ['id'] },
  execution: { shardRows: 3, batchSize: 2 },
  ...more,
});
const rerun = (...args: readonly string[]) => nightshift(['rerun', 'out', ...args], { cwd: folder.path });
const jsonOf = async (...args: readonly string[]) => JSON.parse((await rerun('--json', ...args)).stdout);
const runs = async (output = 'out') => (await readdir(inFolder(`${output}/_nightshift/runs`))).sort();
const inRun = async (name: string) => inFolder(`out/_nightshift/runs/${(await runs())[0]}/${name}`);
const jsonIn = async (path: string) => JSON.parse(await readFile(path, 'utf8'));

describe('rerun', () => {
  it('ends with equal bytes, without the spec, and replaces what is published', async () => {
    await runJob(folder.path, job(), ['--set', 'errors.maxRejected=3']);
    const [first = ''] = await runs();
    const before = (await jsonIn(inFolder('out/_nightshift/manifest.json'))).parts;
    await rm(inFolder('jobs.yaml'));
    const { exitCode, stdout, stderr } = await rerun();
    const [second = '', ...others] = await runs();
    expect(exitCode).toBe(0);
    expect(others).toEqual([]);
    expect(stdout).toBe(
      `run ${first} repeated as ${second}: 3 parts with the same sha256\n  output  out\n  shards  3 shards, batches of 2 rows`,
    );
    expect(stderr).toContain('published 8 rows');
    const after = (await jsonIn(inFolder('out/_nightshift/manifest.json'))).parts;
    expect(after).toEqual(before.map((part: object) => ({ ...part, runId: second })));
    expect(await jsonIn(await inRun('job.json'))).toMatchObject({ v: 1, job: { errors: { maxRejected: 3 } } });
    expect(await rerun()).toMatchObject({ exitCode: 0 });
    expect(await nightshift(['verify', 'out'], { cwd: folder.path })).toMatchObject({ exitCode: 0 });
  });

  it.each([
    ['trees over flights', { ...flightsJob, execution: { shardRows: 4000 } }, 4],
    ['a network over digits', { ...digitsJob, execution: { shardRows: 500 } }, 4],
    [
      'text with rejects',
      {
        ...digitsJob,
        model: join(root, 'fixtures/models/late-flights.onnx'),
        input: { path: join(root, 'fixtures/flights-csv/flights.csv'), csv: { nullValues: ['NA'] }, limit: 900 },
        features: { features: { columns: Array.from({ length: 14 }, () => 'dep_delay') } },
        output: { path: 'out', format: 'csv', keep: ['flight_id'] },
        errors: { maxRejected: '50%' },
        execution: {},
      },
      1,
    ],
  ])('repeats a batch size that was measured, and a cut: %s', async (_what, fixture, parts) => {
    const output = { ...fixture.output, path: 'out' };
    expect((await runJob(folder.path, { ...fixture, output })).exitCode).toBe(0);
    const [first = ''] = await runs();
    const result = await jsonOf('--into', 'again');
    const [second = ''] = await runs('again');
    expect(result).toMatchObject({
      v: 1,
      output: inFolder('out'),
      into: inFolder('again'),
      repeats: first,
      runId: second,
      equal: true,
      parts: { length: parts },
      providers: { former: ['cpu'], now: ['cpu'] },
    });
    for (const { name } of result.parts)
      expect(await readFile(inFolder(`again/${name}`))).toEqual(await readFile(inFolder(`out/${name}`)));
    expect(await runs()).toEqual([first]);
  });

  it('exits 3 and names the parts that differ', async () => {
    await runJob(folder.path, job());
    const path = inFolder('out/_nightshift/manifest.json');
    const manifest = await jsonIn(path);
    manifest.parts[1].sha256 = 'f'.repeat(64);
    await writeFile(path, JSON.stringify(manifest));
    const { exitCode, stdout } = await rerun('--into', 'again');
    expect(exitCode).toBe(3);
    expect(stdout).toMatch(
      /: 1 of 3 parts with another sha256\n[\s\S]*DIFF +part-00001\.parquet {2}f{12} became [0-9a-f]{12}$/,
    );
    await rm(inFolder('again'), { recursive: true });
    expect(await jsonOf('--into', 'again')).toMatchObject({
      equal: false,
      parts: [{ equal: true }, { equal: false, former: 'f'.repeat(64) }, { equal: true }],
    });
  });

  it('only looks with --dry-run', async () => {
    await runJob(folder.path, job());
    const [first = ''] = await runs();
    const { exitCode, stdout, stderr } = await rerun('--dry-run', '--into', 'again');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toBe(`run ${first} can be repeated\n  output  again\n  shards  3 shards, batches of 2 rows`);
    expect(await jsonOf('--dry-run')).toMatchObject({ dryRun: true, repeats: first, shards: 3, batchRows: 2 });
    expect(await runs()).toEqual([first]);
    expect((await readdir(folder.path)).sort()).toEqual(['in', 'jobs.yaml', 'model.onnx', 'out']);
  });

  it.each<[string, () => Promise<unknown>, string, RegExp]>([
    [
      'another model',
      () => copyFile(join(root, 'fixtures/models/digits.onnx'), inFolder('model.onnx')),
      'MODEL_CHANGED',
      /model \S+\/model\.onnx has sha256 [0-9a-f]{12}, and the run had [0-9a-f]{12}\n/,
    ],
    ['no model', () => rm(inFolder('model.onnx')), 'MODEL_NOT_FOUND', /model\.onnx does not exist/],
    ['a longer input', () => makeInput('i % 4', 90), 'INPUT_CHANGED', /in\/a\.parquet has another size\n/],
    [
      'a touched input',
      () => utimes(inFolder('in/a.parquet'), 1, 1),
      'INPUT_CHANGED',
      /a\.parquet was written since\n/,
    ],
    [
      'one more input',
      () => copyFile(inFolder('in/a.parquet'), inFolder('in/b.parquet')),
      'INPUT_CHANGED',
      /in\/b\.parquet is new\n/,
    ],
    ['no input', () => rm(inFolder('in/a.parquet')), 'INPUT_NOT_FOUND', /in\/\*\.parquet/],
    [
      'no job',
      async () => rm(await inRun('job.json')),
      'OUTPUT_NOT_FOUND',
      /run \S+ in \S+ keeps no job that could be repeated\n/,
    ],
    ['nothing published', () => rm(inFolder('out'), { recursive: true }), 'OUTPUT_NOT_FOUND', /does not exist\n/],
  ])('refuses when there is %s, and scores nothing', async (_what, change, code, message) => {
    await runJob(folder.path, job());
    await change();
    for (const dryRun of [['--dry-run'], []]) {
      const { exitCode, stderr } = await rerun('--into', 'again', ...dryRun);
      expect(exitCode).toBe(4);
      expect(stderr).toMatch(new RegExp(`^error ${code}: `));
      expect(stderr).toMatch(message);
    }
    expect(await readdir(folder.path)).not.toContain('again');
  });

  it('knows an input that was only touched by the digest that byContent keeps, and scores it again', async () => {
    await runJob(folder.path, job({ resume: 'byContent' }));
    await utimes(inFolder('in/a.parquet'), 1, 1);
    expect(await rerun()).toMatchObject({ exitCode: 0 });
    expect(await readFile(await inRun('commits/00000.json'), 'utf8')).not.toContain('takenFrom');
    await makeInput('3 - i % 4');
    expect(await rerun()).toMatchObject({ exitCode: 4, stderr: expect.stringContaining('a.parquet has another s') });
  });

  it('does not replace several appended runs by one, nor what is published elsewhere', async () => {
    const append = job({ output: { path: 'out', mode: 'append', keep: ['id'] } });
    await runJob(folder.path, append);
    await runJob(folder.path, append, ['--restart']);
    expect(await rerun()).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/^error OUTPUT_EXISTS: \S+ holds 2 runs .*\nhint: .*--into FOLDER$/),
    });
    expect(await jsonOf('--into', 'again')).toMatchObject({ equal: true, parts: { length: 3 } });
    expect(await rerun('--into', 'again', '--dry-run')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('error OUTPUT_EXISTS: '),
    });
  });
});
