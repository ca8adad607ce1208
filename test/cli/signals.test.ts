import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { execa } from 'execa';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { sha256OfFile } from '../../src/core/files.ts';
import { holdingWorkers, letGoFile } from '../e2e/holding-workers.ts';
import {
  bin,
  type Event,
  eventsIn,
  makeParquet,
  nightshift,
  start,
  temporaryFolder,
  typeModel,
  writeSpec,
} from '../e2e/nightshift.ts';
import { flightsJob } from './flights-job.ts';

/** Enough shards to be interrupted in the middle. */
const job = { ...flightsJob, execution: { shardRows: 150, batchSize: 50 } };

/** A run whose shard of this number is held, so that it goes on until somebody ends it. */
function startHeld(cwd: string, shard: number) {
  return start(['run', '--json'], { cwd, env: holdingWorkers({ shards: String(shard) }) });
}

/** A folder with the job in `jobs.yaml`. */
async function flightsFolder() {
  const folder = await temporaryFolder();
  await writeSpec(folder.path, { flights: job });
  return folder;
}

function untilShardsDone(stdout: Readable, count: number): Promise<readonly Event[]> {
  return until(stdout, 'shard-done', count);
}

/** The events until the nth of a type; the run goes on meanwhile. */
function until(stdout: Readable, last: string, count: number): Promise<readonly Event[]> {
  const { promise, resolve, reject } = Promise.withResolvers<readonly Event[]>();
  const events: Event[] = [];
  createInterface({ input: stdout })
    .on('line', (line) => {
      events.push(...eventsIn({ stdout: line }));
      if (events.filter(({ type }) => type === last).length === count) resolve([...events]);
    })
    .on('close', () => reject(new Error(`the run ended before its ${last} number ${count}`)));
  return promise;
}

function workersIn(events: readonly Event[]): readonly number[] {
  return events.flatMap((event) => (event.type === 'worker-ready' ? [Number(event['pid'])] : []));
}

/** A process that has ended but was not waited for yet is gone too. */
function isGone(pid: number): boolean {
  try {
    return / [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/\(.*\)/, ''));
  } catch {
    return true;
  }
}

/** Hundredths of a second of a core that it has used so far, in its own code. */
function cpuTicks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return Number(fields[11]);
}

/** Those that have used a second of a core from now on: a batch that hangs has it, and nobody else who has started. */
function busyFromNow(pids: readonly number[]): () => readonly number[] {
  const before = new Map(pids.map((pid) => [pid, cpuTicks(pid)]));
  return () => pids.filter((pid) => cpuTicks(pid) - (before.get(pid) ?? 0) > 100);
}

/** They do not end by themselves: what is waited for is that somebody ends them. */
async function untilGone(pids: readonly number[]): Promise<void> {
  expect(pids).not.toEqual([]);
  await vi.waitFor(() => expect(pids.filter((pid) => !isGone(pid))).toEqual([]), { timeout: 60_000, interval: 20 });
}

/** Name and digest of every part that is published. */
async function publishedDigests(cwd: string): Promise<Readonly<Record<string, string>>> {
  const names = readdirSync(join(cwd, 'out')).filter((name) => name.startsWith('part-'));
  const digests = await Promise.all(names.map((name) => sha256OfFile(join(cwd, 'out', name))));
  return Object.fromEntries(names.map((name, index) => [name, digests[index] ?? '']));
}

let undisturbed: Readonly<Record<string, string>> = {};
beforeAll(async () => {
  await using folder = await flightsFolder();
  await start(['run'], { cwd: folder.path });
  undisturbed = await publishedDigests(folder.path);
});

/** Runs the same command again and checks that it goes on and ends with the bytes of a run that nothing disturbed. */
async function expectToGoOn(cwd: string, shardsDoneAtLeast: number): Promise<void> {
  const plan = await nightshift(['plan', '--json'], { cwd });
  expect(JSON.parse(plan.stdout).jobs[0].start).toMatchObject({ state: 'resume' });
  const again = await nightshift(['run', '--json'], { cwd });
  expect(again.exitCode).toBe(0);
  const events = eventsIn(again);
  expect(events[0]).toMatchObject({ type: 'run-started', resumes: true });
  const planned = events.find(({ type }) => type === 'run-planned');
  const shardsDone = Number(planned?.['shardsDone']);
  expect(shardsDone).toBeGreaterThanOrEqual(shardsDoneAtLeast);
  expect(events.filter(({ type }) => type === 'shard-done')).toHaveLength(Number(planned?.['shards']) - shardsDone);
  expect(await publishedDigests(cwd)).toEqual(undisturbed);
}

describe('a signal', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)(
    '%s stops a run at the end of a batch with exit code %d, and the same command goes on',
    async (signal, exitCode) => {
      await using folder = await flightsFolder();
      const run = startHeld(folder.path, 3);
      const events = await untilShardsDone(run.stdout, 3);
      run.kill(signal);
      const finished = await run;
      expect(finished).toMatchObject({
        exitCode,
        stderr: expect.stringContaining('stopping after the current batch; '),
      });
      expect(finished.stderr).toContain(`error INTERRUPTED: stopped by ${signal}`);
      expect(finished.stderr).toContain('hint: run the same command again to go on');
      expect(eventsIn(finished).at(-1)).toMatchObject({ type: 'error', code: 'INTERRUPTED', job: 'flights', exitCode });
      const workers = workersIn(events);
      expect(workers).not.toEqual([]);
      expect(workers.filter((pid) => !isGone(pid))).toEqual([]);
      await expectToGoOn(folder.path, 3);
    },
  );

  it('that reaches the whole process group, as from a terminal, is left to the parent', async () => {
    await using folder = await flightsFolder();
    const options = { cwd: folder.path, env: holdingWorkers({ shards: '3' }), detached: true, reject: false } as const;
    const run = execa(process.execPath, [bin, 'run', '--json'], options);
    await untilShardsDone(run.stdout, 3);
    process.kill(-(run.pid ?? Number.NaN), 'SIGTERM');
    const finished = await run;
    expect(finished.exitCode).toBe(143);
    expect(eventsIn(finished).filter(({ type }) => type === 'worker-lost')).toEqual([]);
  });

  it('given twice ends the run at once, with workers that hang', async () => {
    await using folder = await flightsFolder();
    const run = startHeld(folder.path, 3);
    const workers = workersIn(await untilShardsDone(run.stdout, 3));
    for (const pid of workers) process.kill(pid, 'SIGSTOP');
    // One that comes within a third of a second is taken for the same.
    const again = setInterval(() => run.kill('SIGINT'), 100);
    const finished = await run;
    clearInterval(again);
    expect(finished.exitCode).toBe(130);
    // Who waits for workers says so, and how the run ended.
    expect(finished.stderr).toContain('press Ctrl-C again to stop now');
    expect(finished.stderr).not.toContain('error INTERRUPTED');
    await untilGone(workers);
    await expectToGoOn(folder.path, 3);
  });

  it('ends workers that hang, once they have had their time', async () => {
    await using folder = await flightsFolder();
    const run = startHeld(folder.path, 1);
    const workers = workersIn(await untilShardsDone(run.stdout, 1));
    for (const pid of workers) process.kill(pid, 'SIGSTOP');
    run.kill('SIGTERM');
    // Were it to wait for ever, the limit of this test's commands would kill it.
    expect(await run).toMatchObject({ exitCode: 143, timedOut: false });
    await untilGone(workers);
  });
});

describe('kill -9', () => {
  it('of the run takes its workers along, and the same command goes on', async () => {
    await using folder = await flightsFolder();
    const run = startHeld(folder.path, 5);
    const events = await untilShardsDone(run.stdout, 5);
    run.kill('SIGKILL');
    await run;
    await untilGone(workersIn(events));
    await expectToGoOn(folder.path, 5);
  });

  it.each([
    ['while batches are scored', 4, 'shard-started'],
    ['while the batch size is measured', 'auto', 'worker-ready'],
  ] as const)('of the run takes workers along that hang in a batch, %s', async (_, batchSize, lastEvent) => {
    await using folder = await temporaryFolder();
    const input = await makeParquet(join(folder.path, 'in.parquet'), 'SELECT 1::FLOAT AS x FROM range(200)', 100);
    const output = { path: 'out' };
    // Measuring begins with 64 rows: of a smaller shard it would score none, and hang nowhere.
    const execution = { workersPerDevice: 2, shardRows: 100, batchSize };
    await writeSpec(folder.path, { spins: { model: typeModel('spins'), input, output, execution } });
    const run = start(['run', '--json'], { cwd: folder.path });
    const workers = workersIn(await until(run.stdout, lastEvent, 2));
    const hung = batchSize === 'auto' ? 1 : 2;
    const busy = busyFromNow(workers);
    try {
      await vi.waitFor(() => expect(busy()).toHaveLength(hung), { timeout: 60_000, interval: 20 });
      run.kill('SIGKILL');
      expect(eventsIn(await run).map(({ type }) => type)).not.toContain('batch-measured');
      await untilGone(workers);
    } finally {
      for (const pid of workers.filter((pid) => !isGone(pid))) process.kill(pid, 'SIGKILL');
    }
  });

  it('of a worker costs its shard one attempt, and the run publishes the same bytes', async () => {
    await using folder = await flightsFolder();
    const env = holdingWorkers({ shards: '2', attempts: '1' });
    const run = start(['run', '--json'], { cwd: folder.path, env });
    const events = await until(run.stdout, 'shard-started', 3);
    const third = events.find((event) => event.type === 'shard-started' && event['shard'] === 2);
    const worker = events.find((event) => event.type === 'worker-ready' && event['slot'] === third?.['slot']);
    process.kill(Number(worker?.['pid']), 'SIGKILL');
    const finished = await run;
    expect(finished).toMatchObject({ exitCode: 0 });
    const lost = eventsIn(finished).find(({ type }) => type === 'worker-lost');
    expect(lost).toMatchObject({ code: 'WORKER_CRASHED', message: expect.stringContaining('SIGKILL') });
    const done = eventsIn(finished).filter((event) => event.type === 'shard-done' && event['shard'] === 2);
    expect(done).toMatchObject([{ attempt: 2 }]);
    expect(await publishedDigests(folder.path)).toEqual(undisturbed);
  });
});

describe('a reader that goes away', () => {
  it('ends the run in silence, and the same command goes on', async () => {
    await using folder = await flightsFolder();
    // All but the first shard wait until the reader is gone, so that there is somebody left to miss it.
    const pipe = `"$1" "$2" run --json | { head -n 1; exec <&-; : >${letGoFile}; }; echo "exit \${PIPESTATUS[0]}"`;
    const options = { cwd: folder.path, env: holdingWorkers({ shards: '[1-9]\\d*' }) };
    const { stdout, stderr } = await execa('bash', ['-c', pipe, 'bash', process.execPath, bin], options);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^\{.*"run-started".*\}\nexit 141$/);
    await expectToGoOn(folder.path, 0);
  });

  it('of stderr is no reason to stop', async () => {
    await using folder = await flightsFolder();
    const pipe = '"$1" "$2" run -v 2>&1 >/dev/null | head -n 1; echo "exit ${PIPESTATUS[0]}"';
    const { stdout } = await execa('bash', ['-c', pipe, 'bash', process.execPath, bin], { cwd: folder.path });
    expect(stdout).toMatch(/exit 0$/);
  });
});
