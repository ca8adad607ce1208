import { readdir, readFile, rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { holdingWorkers, letGo } from '../e2e/holding-workers.ts';
import {
  eventsIn,
  makeParquet,
  nightshift,
  publishedColumn,
  runJob,
  runJobs,
  start,
  temporaryFolder,
  typeModel,
  writeSpec,
} from '../e2e/nightshift.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let input = '';
beforeEach(async () => {
  folder = await temporaryFolder();
  input = await makeParquet(join(folder.path, 'in.parquet'), 'SELECT i AS id, i AS x FROM range(4) t(i)');
});
afterEach(() => folder[Symbol.asyncDispose]());

/** Gather, which fails for x above 3. */
const job = (output: object = {}, where = 'true') => ({
  model: typeModel('throws'),
  input: { path: 'in.parquet', where },
  features: { x: 'x' },
  output: { path: 'out', keep: ['id'], ...output },
  execution: { shardRows: 2 },
});
const ids = () => publishedColumn(folder.path, 'id');

describe('output.mode', () => {
  it('error refuses a published output and leaves it as it was', async () => {
    expect(await runJob(folder.path, job())).toMatchObject({ exitCode: 0 });
    const before = await readFile(join(folder.path, 'out/_nightshift/manifest.json'), 'utf8');
    expect(await runJob(folder.path, job())).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(
        /^error OUTPUT_EXISTS: \S+\/out is published already \(run \S+\)\nhint: set output\.mode/,
      ),
    });
    expect(await readFile(join(folder.path, 'out/_nightshift/manifest.json'), 'utf8')).toBe(before);
  });

  it('ignore leaves a published output as it was, with exit code 0', async () => {
    await runJob(folder.path, job({ mode: 'ignore' }));
    const { exitCode, events } = await runJob(folder.path, job({ mode: 'ignore' }, 'id > 1'));
    expect(exitCode).toBe(0);
    expect(events.map((event) => event.type)).toEqual(['run-skipped']);
    expect(await ids()).toEqual([0n, 1n, 2n, 3n]);
  });

  it('append adds parts, overwrite replaces all of them', async () => {
    await runJob(folder.path, job({ mode: 'append' }, 'id < 2'));
    await runJob(folder.path, job({ mode: 'append' }, 'id > 2'));
    expect(await ids()).toEqual([0n, 1n, 3n]);
    expect(await nightshift(['verify', 'out'], { cwd: folder.path })).toMatchObject({ exitCode: 0 });
    const again = await runJob(folder.path, job({ mode: 'append' }, 'id > 2'));
    expect(again).toMatchObject({ exitCode: 0 });
    expect(again.events).toMatchObject([
      { type: 'run-skipped', reason: expect.stringMatching(/^run \S+ appended the same input already; --restart/) },
    ]);
    expect(await ids()).toEqual([0n, 1n, 3n]);
    await runJob(folder.path, job({ mode: 'append' }, 'id > 2'), ['--restart']);
    expect(await ids()).toEqual([0n, 1n, 3n, 3n]);
    await runJob(folder.path, job({ mode: 'overwrite' }, 'id = 1'));
    expect(await ids()).toEqual([1n]);
    expect(await nightshift(['verify', 'out'], { cwd: folder.path })).toMatchObject({ exitCode: 0 });
  });
});

describe('a run that failed', () => {
  beforeEach(async () => {
    await makeParquet(input, 'SELECT i AS id, CASE i WHEN 3 THEN 9 ELSE i END AS x FROM range(4) t(i)');
    expect(await runJob(folder.path, job())).toMatchObject({ exitCode: 3 });
  });

  it('goes on with what is missing when nothing changed', async () => {
    const runs = join(folder.path, 'out/_nightshift/runs');
    const [run = ''] = await readdir(runs);
    await rm(join(runs, run, 'commits/00001.json'));
    const { exitCode, events } = await runJob(folder.path, job());
    expect(exitCode).toBe(3);
    expect(events.find((event) => event.type === 'run-started')).toMatchObject({ resumes: true });
    expect(events.filter((event) => event.type === 'shard-started')).toMatchObject([{ shard: 1 }]);
  });

  it('is not mixed with a run of something else: FINGERPRINT_CHANGED, unless --restart', async () => {
    const changed = job({}, 'id < 3');
    expect(await runJob(folder.path, changed)).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(
        /^error FINGERPRINT_CHANGED: run \S+ of job job is unfinished, and since then changed: input\.where\nhint: score everything anew with --restart/,
      ),
    });
    expect(await runJob(folder.path, changed, ['--restart'])).toMatchObject({ exitCode: 0 });
    expect(await ids()).toEqual([0n, 1n, 2n]);
    expect(await readdir(join(folder.path, 'out/_nightshift/runs'))).toHaveLength(1);
  });

  it('is gone on with when --resume names it, and nothing else is', async () => {
    const [runId = ''] = await readdir(join(folder.path, 'out/_nightshift/runs'));
    const { events } = await runJob(folder.path, job(), ['--resume', runId]);
    expect(events.find((event) => event.type === 'run-started')).toMatchObject({ resumes: true, runId });
    expect(await runJob(folder.path, job({}, 'id < 3'), ['--resume', runId])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/^error FINGERPRINT_CHANGED: .* since then changed: input\.where\n/),
    });
    expect(await runJob(folder.path, job(), ['--resume', 'r9'])).toMatchObject({
      exitCode: 2,
      stderr: `error USAGE: --resume r9: job job has no such unfinished run\nhint: what is unfinished there: ${runId}`,
    });
    expect(await readdir(join(folder.path, 'out/_nightshift/runs'))).toEqual([runId]);
  });

  it('is not asked for in vain: --resume is for one job, and against --restart', async () => {
    const jobs = { a: job(), b: job({ path: 'other' }) };
    expect(await runJobs(folder.path, jobs, ['--resume', 'r1'])).toMatchObject({
      exitCode: 2,
      stderr: 'error USAGE: --resume r1: is a run of one job, and 2 would run\nhint: name the job: a, b',
    });
    expect(await runJob(folder.path, job(), ['--resume', 'r1', '--restart'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("error USAGE: option '--resume <run>' cannot be used with option '--restart'"),
    });
  });

  it('notices that the input was replaced', async () => {
    await makeParquet(input, 'SELECT i AS id, i AS x FROM range(5) t(i)');
    expect(await runJob(folder.path, job())).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('since then changed: input files'),
    });
  });
});

describe('a run that loses every row of its first shards', () => {
  const hopeless = { ...job(), execution: { shardRows: 2, workersPerDevice: 1 } };

  beforeEach(async () => {
    await makeParquet(input, 'SELECT i AS id, CASE WHEN i < 14 THEN 9 ELSE 1 END AS x FROM range(20) t(i)');
  });

  it('stops early, and goes on where it stopped when that many rejects are allowed', async () => {
    const stopped = await runJob(folder.path, hopeless);
    expect(stopped).toMatchObject({
      exitCode: 3,
      stderr: expect.stringMatching(
        /^error REJECTS_OVER_LIMIT: stopped early: 4 of the first 4 shards were rejected whole; the first: \S+ row 0: /,
      ),
    });
    expect(stopped.events.filter((event) => event.type === 'shard-done')).toHaveLength(4);
    const allowed = await runJob(folder.path, hopeless, ['--max-rejected', '14']);
    expect(allowed).toMatchObject({ exitCode: 0 });
    const begun = allowed.events.flatMap((event) => (event.type === 'shard-started' ? [Number(event['shard'])] : []));
    expect(begun.filter((shard) => shard < 4)).toEqual([]);
    expect(await ids()).toEqual([14n, 15n, 16n, 17n, 18n, 19n]);
  });

  it('goes on when they are no more than may be rejected', async () => {
    const tolerant = { ...hopeless, errors: { maxRejected: '70%' } };
    expect(await runJob(folder.path, tolerant)).toMatchObject({ exitCode: 0 });
  });
});

describe('a run that goes on', () => {
  beforeEach(async () => {
    await makeParquet(input, 'SELECT i AS id, i % 4 AS x FROM range(20) t(i)', 10);
    await writeSpec(folder.path, { job: { ...job(), execution: { workersPerDevice: 1, shardRows: 10 } } });
  });

  /** Starts it, and waits until its first shard has begun, which has no end before it is let go. */
  async function begun() {
    const run = start(['run', '--json'], { cwd: folder.path, env: holdingWorkers({ shards: '0' }) });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    createInterface({ input: run.stdout })
      .on('line', (line) => eventsIn({ stdout: line }).some((event) => event.type === 'shard-started') && resolve())
      .on('close', () => reject(new Error('no shard began')));
    await promise;
    // In an object: what an async function returns is awaited.
    return { run };
  }

  it('holds a lock: a second one exits 75 and names its process', async () => {
    const { run: first } = await begun();
    const second = await nightshift(['run'], { cwd: folder.path });
    first.kill('SIGTERM');
    await first;
    expect(second).toMatchObject({ exitCode: 75 });
    expect(second.stderr).toContain(`/out is locked by process ${first.pid} on `);
  });

  it('fails when its input is replaced meanwhile, rather than mix two tables', async () => {
    const { run } = await begun();
    await utimes(input, new Date(0), new Date(0));
    await letGo(folder.path);
    const finished = await run;
    expect(finished.exitCode).toBe(4);
    expect(finished.stderr).toContain('error INPUT_CHANGED: ');
    expect(finished.stderr).toContain(`${input} was replaced while the run went on`);
    expect(eventsIn(finished).find((event) => event.type === 'shard-failed')).toMatchObject({ code: 'INPUT_CHANGED' });
  });
});
