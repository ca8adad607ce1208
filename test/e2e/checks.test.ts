import { existsSync } from 'node:fs';
import { readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type Job,
  makeParquet,
  nightshift,
  publishedColumn,
  runJob,
  temporaryFolder,
  typeModel,
  writeSpec,
} from './nightshift.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  folder = await temporaryFolder();
  await makeInput('i', 4);
});
afterEach(() => folder[Symbol.asyncDispose]());

const makeInput = (x: string, rowCount: number) =>
  makeParquet(join(folder.path, 'in.parquet'), `SELECT i AS id, ${x} AS x FROM range(${rowCount}) t(i)`);
/** Gathers a number by x, and fails for x above 3. */
const job = (checks: readonly Job[], output: Job = {}): Job => ({
  model: typeModel('throws'),
  input: { path: 'in.parquet' },
  features: { x: 'x' },
  output: { path: 'out', keep: ['id', 'x'], ...output },
  execution: { shardRows: 2 },
  checks,
});
const failing = { max: { column: 'x', value: 2 } };
const publish = (...args: readonly string[]) => nightshift(['publish', 'out', ...args], { cwd: folder.path });
const isPublished = () => existsSync(join(folder.path, 'out/_SUCCESS'));
const manifest = async (): Promise<unknown> =>
  JSON.parse(await readFile(join(folder.path, 'out/_nightshift/manifest.json'), 'utf8'));
const typesOf = (events: readonly { readonly type: string }[]) => events.map(({ type }) => type);

describe('a failing check', () => {
  it('publishes nothing, says which row is at fault, and scores nothing when it is tried again', async () => {
    const failed = await runJob(folder.path, job([failing, { unique: 'id' }]));
    expect(failed).toMatchObject({ exitCode: 3 });
    expect(failed.stderr).toBe(
      `error CHECKS_FAILED: 1 check failed, nothing was published: max: x is 3, not at most 2 (1 row, e.g. id 3 with 3)\nhint: mend the model, the data or the checks and run the job again; or publish it as it is with \`nightshift publish ${folder.path}/out --force\``,
    );
    expect(failed.events.at(-1)).toMatchObject({ type: 'error', code: 'CHECKS_FAILED', exitCode: 3 });
    expect(isPublished()).toBe(false);
    const again = await runJob(folder.path, job([failing]));
    expect(again.exitCode).toBe(3);
    expect(typesOf(again.events)).toEqual(['run-started', 'run-planned', 'checks-evaluated', 'error']);
  });

  it('that is mended in the spec lets the run be published without scoring', async () => {
    await runJob(folder.path, job([failing]));
    const mended = await runJob(folder.path, job([{ max: { column: 'x', value: 3 } }]));
    expect(mended).toMatchObject({ exitCode: 0, stderr: '' });
    expect(typesOf(mended.events)).toEqual(['run-started', 'run-planned', 'checks-evaluated', 'run-published']);
    expect(await manifest()).toMatchObject({
      runs: [{ checks: [{ name: 'max', column: 'x', severity: 'error', passed: true, value: 3, bound: 3 }] }],
    });
    expect(await manifest()).not.toHaveProperty('runs.0.forced');
  });

  it('that only warns lets the run go on, and is in the manifest', async () => {
    const { exitCode, events } = await runJob(folder.path, job([{ max: { ...failing.max, severity: 'warn' } }]));
    expect(exitCode).toBe(0);
    expect(events.find(({ type }) => type === 'checks-evaluated')).toMatchObject({
      checks: [{ name: 'max', severity: 'warn', passed: false, value: 3, bound: 2, rows: 1 }],
    });
    expect(events.find(({ type }) => type === 'warning')).toMatchObject({
      code: 'CHECKS_FAILED',
      message: 'a check failed, max: x is 3, not at most 2 (1 row, e.g. id 3 with 3)',
    });
    expect(await manifest()).toMatchObject({ runs: [{ checks: [{ passed: false }] }] });
  });

  it.each(['csv', 'jsonl', 'arrow'])('is found in %s too', async (format) => {
    const checks = [
      { rowCount: 'input' },
      { notNull: ['id', 'y'] },
      { unique: 'id' },
      { distinct: { column: 'y', min: 9 } },
    ];
    const { exitCode, stderr } = await runJob(folder.path, job(checks, { format }));
    expect(exitCode).toBe(3);
    expect(stderr).toContain('1 check failed, nothing was published: distinct: y is 4, not at least 9');
  });
});

describe('a check that does not fit the output', () => {
  it.each(['run', 'plan', 'validate'])('is told by %s, with its place in the spec', async (command) => {
    const checks = [{ notNull: ['id'] }, { min: { column: 'scores', value: 0 } }];
    await writeSpec(folder.path, { job: job(checks, { columns: { score: 'y' } }) });
    expect(await nightshift([command, 'jobs.yaml'], { cwd: folder.path })).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(
        /^error COLUMN_MISSING: jobs\.yaml:\d+:\d+ jobs\.job\.checks\[1\]\.min\.column: column scores is not in the output\nhint: did you mean score\?$/,
      ),
    });
  });

  it('is told of a run that goes on', async () => {
    await runJob(folder.path, job([failing]));
    const { exitCode, stderr } = await runJob(folder.path, job([{ unique: ['nope'] }]));
    expect(exitCode).toBe(2);
    expect(stderr).toContain('jobs.job.checks[0].unique.columns[0]: column nope is not in the output');
  });
});

describe('psi', () => {
  const drift = [{ psi: { column: 'y', max: 0.2 } }];

  it('finds a drift from the run that is published, in whatever format that is', async () => {
    await makeInput('i % 4', 400);
    const first = await runJob(folder.path, { ...job(drift, { mode: 'overwrite', format: 'csv' }), execution: {} });
    expect(first.exitCode).toBe(0);
    expect(first.events.find(({ type }) => type === 'checks-evaluated')).toMatchObject({
      checks: [{ name: 'psi', passed: true, note: 'nothing is published to compare with' }],
    });
    await makeInput('(i + 1) % 4', 400);
    const same = await runJob(folder.path, { ...job(drift, { mode: 'overwrite' }), execution: {} });
    expect(same.events.find(({ type }) => type === 'checks-evaluated')).toMatchObject({ checks: [{ value: 0 }] });
    await makeInput('least(i % 8, 3)', 400);
    const drifted = await runJob(folder.path, { ...job(drift, { mode: 'overwrite' }), execution: {} });
    expect(drifted.exitCode).toBe(3);
    expect(drifted.stderr).toMatch(/psi: y is \d\.\d+, not at most 0\.2/);
  });
});

describe('publish', () => {
  it('evaluates the checks again, and publishes by force only, which the manifest says', async () => {
    await runJob(folder.path, job([failing]));
    expect(await publish()).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('error CHECKS_FAILED: ') });
    expect(await publish('--force', '--dry-run')).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^would publish 4 rows of run \S+\n[\s\S]*CHECKS_FAILED set aside/),
    });
    expect(isPublished()).toBe(false);
    const { exitCode, stdout } = await publish('--force', '--json');
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      v: 1,
      job: 'job',
      output: join(folder.path, 'out'),
      published: true,
      forced: true,
      overruled: [{ code: 'CHECKS_FAILED' }],
      rows: { in: 4, out: 4 },
      parts: 2,
      checks: [{ name: 'max', passed: false }],
    });
    expect(await publishedColumn(folder.path, 'id')).toEqual([0n, 1n, 2n, 3n]);
    expect(await manifest()).toMatchObject({ runs: [{ forced: true, checks: [{ passed: false, value: 3 }] }] });
    expect(await nightshift(['verify', 'out'], { cwd: folder.path })).toMatchObject({ exitCode: 0 });
  });

  it('adds to what is there when the job appends', async () => {
    await runJob(folder.path, job([], { mode: 'append' }));
    await makeInput('3::BIGINT', 2);
    expect(await runJob(folder.path, job([failing], { mode: 'append' }))).toMatchObject({ exitCode: 3 });
    expect(await publish('--force')).toMatchObject({ exitCode: 0 });
    expect(await publishedColumn(folder.path, 'x')).toEqual([0n, 1n, 2n, 3n, 3n, 3n]);
  });

  it('never publishes a run with shards missing', async () => {
    await makeInput('CASE i WHEN 3 THEN 9 ELSE i END', 4);
    expect(await runJob(folder.path, job([]))).toMatchObject({ exitCode: 3 });
    const runs = join(folder.path, 'out/_nightshift/runs');
    const [run = ''] = await readdir(runs);
    await rm(join(runs, run, 'commits/00001.json'));
    expect(await publish('--force')).toMatchObject({
      exitCode: 3,
      stderr: expect.stringMatching(
        /^error SHARDS_FAILED: run \S+ cannot be published: 1 of 2 shards are not scored\nhint: run job job again/,
      ),
    });
  });

  it('publishes with more rejects than allowed by force only', async () => {
    await makeInput('CASE WHEN i < 3 THEN i END', 4);
    expect(await runJob(folder.path, job([{ rowCount: 3 }]))).toMatchObject({ exitCode: 3 });
    expect(await publish()).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('REJECTS_OVER_LIMIT') });
    expect(await publish('--force')).toMatchObject({ exitCode: 0 });
    expect(await manifest()).toMatchObject({
      runs: [{ forced: true, rows: { rejected: 1 }, checks: [{ passed: true }] }],
    });
  });

  it('has nothing to publish where no run was held back', async () => {
    const nothing = { exitCode: 4, stderr: expect.stringContaining('error OUTPUT_NOT_FOUND: ') };
    expect(await publish()).toMatchObject(nothing);
    expect(existsSync(join(folder.path, 'out'))).toBe(false);
    const { events } = await runJob(folder.path, job([]));
    expect(await publish('--force')).toMatchObject(nothing);
    expect((await publish(String(events[0]?.['runId']))).stderr).toContain('is published already');
    expect((await publish('20200101T000000Z-abcdef')).stderr).toContain('run 20200101T000000Z-abcdef is not in ');
  });

  it('by force that was cut off is gone on with by the job itself', async () => {
    const { events } = await runJob(folder.path, job([failing]));
    const staging = join(folder.path, 'out/_nightshift/runs', String(events[0]?.['runId']), 'staging');
    await rename(join(staging, 'part-00000.parquet'), join(folder.path, 'out/part-00000.parquet'));
    expect(await runJob(folder.path, job([failing]))).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await publishedColumn(folder.path, 'id')).toEqual([0n, 1n, 2n, 3n]);
    expect(await manifest()).toMatchObject({ runs: [{ forced: true, checks: [{ passed: false }] }] });
  });
});
