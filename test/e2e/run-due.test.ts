import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { History, TickRecord } from '../../src/history/contract.ts';
import { openSqliteHistory } from '../../src/history/sqlite-history.ts';
import { tickDigest } from '../../src/schedule/tick-digest.ts';
import { loadSpec } from '../../src/spec/load-spec.ts';
import { flightsJob } from '../cli/flights-job.ts';
import { holdingWorkers, letGo } from './holding-workers.ts';
import {
  eventsIn,
  type Job,
  makeParquet,
  nightshift,
  start,
  temporaryFolder,
  typeModel,
  writeSpec,
} from './nightshift.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder[Symbol.asyncDispose]());

const dayMs = 86_400_000;
const inFolder = (name: string) => join(folder.path, name);
const key = () => ({ specPath: inFolder('jobs.yaml'), job: 'nightly' });
const state = ['--state-dir', 'state'];
const schedule = (...args: readonly string[]) =>
  nightshift(['schedule', ...args, ...state], { cwd: folder.path, env: { TZ: 'UTC' } });
const runDueArgs = ['run-due', 'jobs.yaml', 'nightly'];
const runDue = (...args: readonly string[]) => schedule(...runDueArgs, ...args);
/** One whose run has an end only once it is stopped or let go: its second shard waits for that. */
const startHeldRunDue = () =>
  start(['schedule', ...runDueArgs, '--json', ...state], { cwd: folder.path, env: holdingWorkers({ shards: '1' }) });
/** Half a day from now: no tick comes due while the tests go on. */
const hour = (new Date().getUTCHours() + 12) % 24;
const latestMs = Math.floor((Date.now() - hour * 3_600_000) / dayMs) * dayMs + hour * 3_600_000;
/** The latest tick, or that of days before. */
const tickAt = (daysAgo = 0) => latestMs - daysAgo * dayMs;
const cron = `0 ${hour} * * *`;
const dayOf = (ms: number) => new Date(ms).toISOString().slice(0, 10);

const small = (more: object = {}, x = 'x'): Job => ({
  ...{ model: typeModel('throws'), input: 'in.parquet', features: { x }, output: { path: 'out/${date}' } },
  schedule: { cron, timeZone: 'UTC', ...more },
});
/** Long enough to be killed in the middle. */
const long = (more: object = {}): Job => ({
  ...flightsJob,
  output: { path: 'out', mode: 'overwrite', keep: ['flight_id'] },
  execution: { workersPerDevice: 1, shardRows: 150, batchSize: 50 },
  schedule: { cron, timeZone: 'UTC', ...more },
});

const tellingFailures = {
  onFailure: {
    command: [process.execPath, '-e', 'process.stdin.pipe(fs.createWriteStream("failed.json", { flags: "a" }))'],
  },
};

async function withHistory<Result>(use: (history: History) => Result): Promise<Result> {
  using history = openSqliteHistory({ stateFolder: inFolder('state') });
  return use(history);
}

/** As if the timer had been installed so many days ago, after that day's tick, and missed each since. */
async function missed(job: Job, nights: number): Promise<void> {
  await writeSpec(folder.path, { nightly: job });
  await makeParquet(inFolder('in.parquet'), 'SELECT i AS x FROM range(2) t(i)');
  const spec = await loadSpec({ path: inFolder('jobs.yaml'), env: {} });
  const digest = tickDigest(spec.jobs[0]?.schedule ?? expect.fail('the job has no schedule'));
  const installedAtMs = tickAt(nights) + 1;
  await withHistory((history) =>
    history.saveSchedule({ ...key(), digest, target: 'none', installedAtMs, updatedAtMs: installedAtMs }),
  );
}

const ticks = (): Promise<readonly TickRecord[]> => withHistory((history) => history.lastTicks(key(), 9));

async function untilLaunched(run: ReturnType<typeof start>): Promise<void> {
  for await (const line of createInterface({ input: run.stdout })) if (line.includes('"run-launched"')) return;
}

/** Until the run has committed something. */
async function untilUnderWay(): Promise<void> {
  await vi.waitFor(
    async () => {
      const [run] = await withHistory((history) => history.runsFor(key()));
      const log = await readFile(run?.logPath ?? 'none', 'utf8');
      expect(log).toContain('shard-done');
    },
    { timeout: 120_000, interval: 50 },
  );
}

describe('schedule run-due', () => {
  it('makes up for missed nights, tells so in JSON, and has nothing to do the next time', async () => {
    await missed(small({ catchUp: 'all', maxCatchUp: 2 }), 3);
    const look = await runDue('--dry-run');
    expect(look.exitCode).toBe(0);
    expect(look.stderr).toContain('would run: made up for');
    expect(await ticks()).toEqual([]);
    const finished = await runDue('--json');
    expect(finished.exitCode).toBe(0);
    const told = eventsIn(finished).map(({ type, logicalDate }) => `${type} ${String(logicalDate).slice(0, 10)}`);
    const [oldest, older, newest] = [2, 1, 0].map((ago) => dayOf(tickAt(ago)));
    expect(told).toEqual([
      ...[`tick-decided ${oldest}`, `tick-decided ${newest}`, `run-launched ${older}`, `run-ended ${older}`],
      ...[`run-launched ${newest}`, `run-ended ${newest}`],
    ]);
    expect((await ticks()).map(({ decision, reason }) => [decision, reason])).toEqual([
      ['run', 'published'],
      ['run', 'published'],
      ['missed', expect.stringContaining('maxCatchUp')],
    ]);
    expect((await ticks())[0]?.runId).toMatch(/^\d{8}T/);
    expect((await runDue()).stderr).toMatch(/^nightly {2}nothing is due; next is /);
  });

  it('a second one says that another goes on, and gets the hold at once when that is killed; the run goes on', async () => {
    await missed(long(), 1);
    const first = startHeldRunDue();
    await untilLaunched(first);
    expect(await runDue()).toMatchObject({
      exitCode: 0,
      stderr: 'nightly: another `schedule run-due` of it goes on, and sees to what is due',
    });
    await untilUnderWay();
    const gone = once(first.stdout, 'close');
    first.kill('SIGKILL');
    await gone;
    // The run learns that its parent is gone when it has something to tell; until it ends it holds the parent's stderr.
    await letGo(folder.path);
    await first;
    expect(await ticks()).toEqual([]);
    const finished = await runDue('--json');
    expect(finished).toMatchObject({ exitCode: 0 });
    const runs = await withHistory((history) => history.runsFor(key()));
    expect(runs.map(({ state: became, resumed }) => [became, resumed])).toEqual([
      ['published', true],
      ['interrupted', false],
    ]);
    expect(new Set(runs.map(({ runId }) => runId)).size).toBe(1);
    expect(await ticks()).toMatchObject([{ decision: 'run', reason: 'published', runId: runs[0]?.runId }]);
  });

  it('stops its run at SIGTERM, exits 143, leaves the tick open and tells nobody', async () => {
    await missed({ ...long(), notify: tellingFailures }, 1);
    const run = startHeldRunDue();
    await untilLaunched(run);
    await untilUnderWay();
    run.kill('SIGTERM');
    expect((await run).exitCode).toBe(143);
    expect(existsSync(inFolder('failed.json'))).toBe(false);
    expect(await ticks()).toEqual([]);
    const [stopped] = await withHistory((history) => history.runsFor(key()));
    expect(stopped).toMatchObject({ state: 'interrupted', exitCode: 143, trigger: 'schedule' });
    expect((await schedule('status')).stdout).toMatch(/\n {2}\S+ {2}\S+ {2}interrupted$/);
  });

  it('stops a run whose time is up, and tells onFailure, since nothing goes on with it', async () => {
    await missed({ ...long({ activeDeadline: '8s' }), notify: tellingFailures }, 1);
    expect(await startHeldRunDue()).toMatchObject({ exitCode: 142 });
    expect(JSON.parse(await readFile(inFolder('failed.json'), 'utf8'))).toMatchObject({
      ...{ type: 'run-failed', exitCode: 142, error: { code: 'INTERRUPTED', message: 'stopped, as its time was up' } },
    });
    expect(await ticks()).toMatchObject([{ decision: 'run', reason: expect.stringContaining('activeDeadline') }]);
  });

  it('discards what an unfinished run left, when the job changed since', async () => {
    await missed(long({ activeDeadline: '1h' }), 1);
    const run = startHeldRunDue();
    await untilLaunched(run);
    await untilUnderWay();
    run.kill('SIGTERM');
    await run;
    const shorter = { ...long({ activeDeadline: '1h' }), input: { path: flightsJob.input, limit: 200 } };
    await writeSpec(folder.path, { nightly: shorter });
    const finished = await runDue();
    expect(finished).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('; that run is discarded') });
    expect(await ticks()).toMatchObject([{ decision: 'run', reason: 'published' }]);
  });

  it('settles a run that failed, with its code, and exits with that', async () => {
    await missed(small({}, 'y'), 1);
    expect((await runDue()).exitCode).toBe(2);
    expect(await ticks()).toMatchObject([{ decision: 'run', reason: expect.stringMatching(/^exit code 2: /) }]);
    expect(await runDue()).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('nothing is due') });
  });

  it('tells onMissed what is not made up for, once', async () => {
    const command = [process.execPath, '-e', 'process.stdin.pipe(fs.createWriteStream("told.json", { flags: "a" }))'];
    await missed({ ...small(), notify: { onMissed: { command } } }, 3);
    expect(await runDue()).toMatchObject({ exitCode: 0 });
    await runDue();
    const ticksMissed = [2, 1].map((ago) =>
      expect.stringMatching(new RegExp(`^${dayOf(tickAt(ago))}T${String(hour).padStart(2, '0')}:00:00`)),
    );
    expect(JSON.parse(await readFile(inFolder('told.json'), 'utf8'))).toMatchObject({
      ...{ type: 'run-missed', job: 'nightly', ticks: ticksMissed },
      reason: 'a newer one is due, and schedule.catchUp is latest',
    });
  });

  it('of a spec that is broken exits 2, and the history has the failure', async () => {
    await missed(small(), 1);
    await writeFile(inFolder('jobs.yaml'), 'jobs: [');
    expect((await runDue()).exitCode).toBe(2);
    const [failed] = await withHistory((history) => history.runsFor(key()));
    expect(failed).toMatchObject({ state: 'failed', exitCode: 2, errorCode: 'SPEC_INVALID', trigger: 'schedule' });
    expect(await ticks()).toEqual([]);
  });

  it('exits 4 where the state folder cannot be written', async () => {
    await writeSpec(folder.path, { nightly: small() });
    // Not even root makes a folder below a file.
    await writeFile(inFolder('state'), '');
    expect(await runDue()).toMatchObject({
      exitCode: 4,
      stderr: expect.stringMatching(/^error HISTORY_UNAVAILABLE: /),
    });
  });

  it('--dry-run leaves nothing where there was nothing', async () => {
    await writeSpec(folder.path, { nightly: small() });
    await mkdir(inFolder('state'));
    await chmod(inFolder('state'), 0o500);
    expect(await runDue('--dry-run')).toMatchObject({ exitCode: 0 });
    await expect(readFile(inFolder('state/history.sqlite'))).rejects.toThrow('ENOENT');
  });
});

describe('schedule pause, resume and status', () => {
  it('let ticks pass, and say so', async () => {
    await missed(small(), 2);
    expect(await schedule('pause')).toMatchObject({ exitCode: 0, stderr: 'nightly paused' });
    expect(await schedule('pause')).toMatchObject({ stderr: 'nightly is paused already' });
    expect((await runDue()).stderr).toContain('passes: the job is paused');
    expect((await schedule('status')).stdout).toMatch(
      /^nightly: paused; next is .*\n {2}\S+ +skipped {2}the job is paused/,
    );
    const resumed = await schedule('resume', 'jobs.yaml', 'nightly', '--json');
    expect(JSON.parse(resumed.stdout)).toEqual({
      v: 1,
      action: 'resume',
      jobs: [{ job: 'nightly', hasChanged: true }],
    });
    expect(await schedule('resume')).toMatchObject({ stderr: 'nightly is not paused' });
    const status = JSON.parse((await schedule('status', '--json')).stdout);
    expect(status).toMatchObject({
      ...{ v: 1, spec: inFolder('jobs.yaml') },
      jobs: [{ job: 'nightly', state: 'on', ticks: [{ state: 'skipped' }, { state: 'skipped' }] }],
    });
    expect((await runDue()).stderr).toContain('nothing is due');
  });

  it('know of a job that no timer has called', async () => {
    await writeSpec(folder.path, { nightly: small() });
    expect((await schedule('status')).stdout).toMatch(/^nightly: no timer has called yet; next is /);
  });
});
