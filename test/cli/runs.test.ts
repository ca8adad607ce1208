import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { holdingWorkers } from '../e2e/holding-workers.ts';
import { eventsIn, nightshift, start, temporaryFolder, writeSpec } from '../e2e/nightshift.ts';
import { digitsJob, flightsJob } from './flights-job.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let printed = '';

const bad = { ...digitsJob, model: 'no.onnx', output: 'out-bad' };

beforeAll(async () => {
  folder = await temporaryFolder();
  await writeSpec(folder.path, { digits: digitsJob, bad });
  printed = (await nightshift(['run', '--state-dir', 'state'], { cwd: folder.path })).stderr;
});
afterAll(() => folder[Symbol.asyncDispose]());

function runs(...args: readonly string[]) {
  return nightshift(['runs', ...args, '--state-dir', 'state'], { cwd: folder.path });
}

async function idOf(job: string): Promise<string> {
  const { stdout } = await runs('list', '--job', job, '--json');
  return JSON.parse(stdout).runs[0].runId;
}

describe('runs list', () => {
  it('has a line for each run, newest first', async () => {
    const { exitCode, stdout, stderr } = await runs('list');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const time = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ  [\d.]+ s`;
    const [first, second, ...rest] = stdout.split('\n');
    expect(first).toMatch(new RegExp(`^\\d{8}T\\d{6}Z-[0-9a-f]{6}  bad     ${time}  \\w+  failed  MODEL_NOT_FOUND$`));
    expect(second).toMatch(new RegExp(`^\\d{8}T\\d{6}Z-[0-9a-f]{6}  digits  ${time}  \\w+  published  [\\d,]+ rows$`));
    expect(rest).toEqual([]);
  });

  it.each([
    [['--job', 'bad'], ['bad']],
    [['--state', 'published'], ['digits']],
    [['--state', 'died'], []],
    [
      ['--spec', 'jobs.yaml'],
      ['bad', 'digits'],
    ],
    [['--spec', 'other.yaml'], []],
    [
      ['--since', '1h'],
      ['bad', 'digits'],
    ],
    [['--until', '1h'], []],
    [
      ['--until', '9999-12-31'],
      ['bad', 'digits'],
    ],
    [['--date', '2026-11-23'], []],
    [['--limit', '1'], ['bad']],
  ])('chooses by %j', async (args, jobs) => {
    const { exitCode, stdout } = await runs('list', '--json', ...args);
    const document = JSON.parse(stdout);
    expect({ exitCode, v: document.v }).toEqual({ exitCode: 0, v: 1 });
    expect(document.runs.map((run: { job: string }) => run.job)).toEqual(jobs);
    expect(document.more).toBe(args.includes('--limit'));
  });

  it('says when there are more, when there are none and when none is like that', async () => {
    expect((await runs('list', '--limit', '1')).stderr).toBe('the newest 1 run; --limit shows more');
    expect(await runs('list', '--job', 'x')).toEqual({
      exitCode: 0,
      stdout: '',
      stderr: 'no recorded run is like that',
    });
    const empty = await nightshift(['runs', 'list', '--state-dir', 'empty'], { cwd: folder.path });
    expect(empty).toMatchObject({
      exitCode: 0,
      stdout: '',
      stderr: expect.stringContaining('no runs are recorded yet'),
    });
  });
});

it('a logical date is that of the job: it is found by, and shown, in its zone', async () => {
  await using own = await temporaryFolder();
  const cwd = own.path;
  const schedule = { cron: '@daily', timeZone: 'Europe/Paris' };
  await writeSpec(cwd, { digits: { ...digitsJob, output: 'out/${date}', schedule } });
  const cli = (...args: readonly string[]) => nightshift([...args, '--state-dir', 's'], { cwd, env: { TZ: 'UTC' } });
  await cli('backfill', 'jobs.yaml', 'digits', '--from', '2013-01-04', '--to', '2013-01-04');
  await cli('run', 'jobs.yaml', 'digits', '--date', '2013-01-06T02:30');
  await cli('run', 'jobs.yaml', 'digits');
  const datesOf = async (...args: readonly string[]) =>
    JSON.parse((await cli('runs', 'list', '--json', ...args)).stdout).runs.map(
      (run: { logicalDate: string; trigger: string }) => [run.logicalDate, run.trigger],
    );
  expect(await datesOf('--date', '2013-01-04')).toEqual([['2013-01-04T00:00:00+01:00', 'backfill']]);
  expect(await datesOf('--date', '2013-01-06T02:30')).toEqual([['2013-01-06T02:30:00+01:00', 'manual']]);
  expect(await datesOf('--date', '2013-01-06T01:30Z')).toHaveLength(1);
  expect(await datesOf('--date', '2013-01-03')).toEqual([]);
  const [now, asked, made] = (await cli('runs', 'list')).stdout.split('\n').map((line) => line.split(/ {2,}/));
  const time = expect.stringMatching(/Z$/);
  const cells = (...more: readonly string[]) => [expect.anything(), 'digits', ...more];
  const rest = ['published', '1,797 rows'];
  const took = expect.stringMatching(/ s$/);
  expect(made).toEqual(cells('2013-01-04', time, took, expect.anything(), 'backfill', ...rest));
  expect(asked).toEqual(cells('2013-01-06T02:30:00+01:00', time, took, expect.anything(), ...rest));
  expect(now).toEqual(cells(time, took, expect.anything(), ...rest));
  expect((await cli('runs', 'show', String(made?.[0]))).stdout).toMatch(/^ {2}date {7}2013-01-04$/m);
});

describe('runs show', () => {
  it('tells all of the latest run, or of one whose id begins so', async () => {
    const latest = await runs('show', 'latest');
    const id = await idOf('bad');
    expect(latest).toMatchObject({
      exitCode: 0,
      stderr: '',
      stdout: expect.stringContaining(`run ${id}: failed  MODEL_NOT_FOUND\n`),
    });
    expect(latest.stdout).toMatch(/^ {2}job {8}bad of jobs.yaml$/m);
    expect(latest.stdout).toMatch(/^ {2}exit code {2}4$/m);
    expect(await runs('show', id.slice(0, -1))).toEqual(latest);
    expect((await runs('show', 'latest', '--job', 'digits')).stdout).toContain(': published  ');
  });

  it('tells where the time went, by operators too where the run was profiled', async () => {
    const { stdout } = await runs('show', 'latest', '--job', 'digits');
    expect(stdout).toMatch(
      /^ {2}time {7}\d+\.\d s of all workers: (ONNX Runtime|reading|writing) has \d+ %, .*packing/m,
    );
    expect(stdout).not.toContain('operators');
    const profiled = await nightshift(
      ['run', 'jobs.yaml', 'digits', '--set', 'execution.profile=true', '--state-dir', 's2'],
      {
        cwd: folder.path,
      },
    );
    expect(profiled.exitCode).toBe(0);
    const show = (...args: readonly string[]) =>
      nightshift(['runs', 'show', 'latest', '--state-dir', 's2', ...args], { cwd: folder.path });
    expect((await show()).stdout).toMatch(/^ {2}operators {2}Conv \d+ %, .*as profiled in 1 worker$/m);
    const { times } = JSON.parse((await show('--json')).stdout);
    expect(times).toMatchObject({ shards: 1, profiles: 1, timings: { total: expect.any(Number) } });
    expect(times.operators[0]).toMatchObject({ operator: 'Conv', provider: 'cpu', calls: 58 });
    await rm(join(folder.path, 'out-digits'), { recursive: true });
    const gone = await show();
    expect(gone).toMatchObject({ exitCode: 0, stderr: '' });
    expect(gone.stdout).not.toContain(' time ');
  });

  it.each([
    [['show', 'zzz'], 'no recorded run has an id that begins with zzz'],
    [['logs', '2'], '2 begins the ids of several runs: '],
    [['show', 'latest', '--job', 'x'], 'no run of job x is recorded'],
  ])('is refused for %j', async (args, message) => {
    const { exitCode, stdout, stderr } = await runs(...args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain(`error USAGE: ${message}`);
  });
});

describe('runs logs', () => {
  it('prints what the run printed', async () => {
    const logs = [await runs('logs', await idOf('digits')), await runs('logs', await idOf('bad'))];
    expect(logs.map(({ stdout }) => stdout).join('\n')).toBe(printed);
  });

  it('prints its events with --json', async () => {
    const { stdout } = await runs('logs', await idOf('bad'), '--json');
    expect(eventsIn({ stdout })).toMatchObject([{ type: 'error', code: 'MODEL_NOT_FOUND', exitCode: 4 }]);
  });

  it('follows a run to its end, which is where it died', async () => {
    await using own = await temporaryFolder();
    const cwd = own.path;
    await writeSpec(cwd, { flights: flightsJob });
    const state = ['--state-dir', 'state'];
    const env = holdingWorkers({ shards: '1' });
    const run = start(['run', '--json', '--workers', '1', ...state], { cwd, env });
    await new Promise<void>((resolve) => {
      run.stdout.on('data', (piece: Buffer) => piece.toString().includes('"run-planned"') && resolve());
    });
    const logs = start(['runs', 'logs', 'latest', '--follow', '--json', ...state], { cwd });
    logs.stdout.on('data', (piece: Buffer) => piece.toString().includes('"shard-done"') && run.kill('SIGKILL'));
    await run;
    const { exitCode, stdout } = await logs;
    expect(exitCode).toBe(0);
    const types = eventsIn({ stdout }).map(({ type }) => type);
    expect(types).toEqual(expect.arrayContaining(['run-started', 'run-planned', 'shard-done']));
    expect(types).not.toContain('run-published');
    const { stdout: list } = await nightshift(['runs', 'list', ...state], { cwd });
    expect(list).toMatch(/ died$/);
  });
});

describe('runs prune', () => {
  it('removes records and logs of what ended long ago, after it said which', async () => {
    const path = `state/logs/${await idOf('digits')}.ndjson`;
    expect((await runs('prune', '--older-than', '1d')).stdout).toBe('removed 0 records of runs');
    const would = await runs('prune', '--older-than', '0m', '--dry-run');
    expect(would.stdout).toMatch(/^would remove 2 records of runs\n.* bad .*\n.* digits /);
    expect((await runs('prune', '--older-than', '0m', '--keep', '1')).stdout).toBe('removed 0 records of runs');
    expect((await runs('prune', '--older-than', '0m')).stdout).toBe('removed 2 records of runs');
    await expect(rm(join(folder.path, path))).rejects.toThrow('ENOENT');
    expect((await runs('list')).stderr).toContain('no runs are recorded yet');
  });

  it('asks for an age', async () => {
    expect((await runs('prune')).stderr).toContain("error USAGE: required option '--older-than <span>' not specified");
  });
});
