import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { flightsJob } from '../cli/flights-job.ts';
import { holdingWorkers } from './holding-workers.ts';
import {
  eventsIn,
  type Job,
  makeParquet,
  nightshift,
  publishedColumn,
  runJob,
  runJobs,
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

const inFolder = (name: string) => join(folder.path, name);
const jsonIn = async (path: string) => JSON.parse(await readFile(inFolder(path), 'utf8'));
const cli = (...args: readonly string[]) => nightshift(args, { cwd: folder.path });
const runIds = (output: string) => readdir(inFolder(`${output}/_nightshift/runs`));

const paris = { cron: '30 2 * * *', timeZone: 'Europe/Paris' };
/** Gather, which fails for x above 3. */
const job = (more: Job = {}) => ({
  model: typeModel('throws'),
  input: 'in/${date}.parquet',
  features: { x: 'x' },
  output: { path: 'out/${date}', keep: ['id'] },
  execution: { shardRows: 2 },
  schedule: paris,
  ...more,
});
const makeInput = (name: string, x = 'i', first = 0) =>
  makeParquet(inFolder(`in/${name}.parquet`), `SELECT i + ${first} AS id, ${x} AS x FROM range(4) t(i)`);

describe('run --date', () => {
  it('reads and writes what the templates name on that date, and records it', async () => {
    await makeInput('2026-11-23');
    await makeInput('2026-11-22', 'i', 10);
    const { exitCode, events } = await runJob(folder.path, job(), ['--date', '2026-11-23T02:30']);
    expect(exitCode).toBe(0);
    const logicalDate = '2026-11-23T02:30:00+01:00';
    const dated = events.filter((event) => event.type === 'run-started' || event.type === 'run-published');
    expect(dated).toMatchObject([
      { logicalDate, dated: true },
      { logicalDate, dated: true },
    ]);
    expect(await publishedColumn(folder.path, 'id', 'out/2026-11-23')).toEqual([0n, 1n, 2n, 3n]);
    expect(await jsonIn('out/2026-11-23/_nightshift/manifest.json')).toMatchObject({ runs: [{ logicalDate }] });
    const [runId = ''] = await runIds('out/2026-11-23');
    expect(await jsonIn(`out/2026-11-23/_nightshift/runs/${runId}/plan.json`)).toMatchObject({ logicalDate });
    expect(await cli('run', '--date', '2026-11-22')).toMatchObject({
      exitCode: 0,
      stderr: expect.stringMatching(/published 4 rows.*\n {2}date {5}2026-11-22\n/),
    });
    expect(await publishedColumn(folder.path, 'id', 'out/2026-11-22')).toEqual([10n, 11n, 12n, 13n]);
  });

  it('takes the date of each job in its zone, and one instant for all of them without', async () => {
    const jobs = {
      paris: job({ input: 'in/${job}-${date:%dT%H}.parquet', output: 'out/${job}' }),
      kolkata: job({
        input: 'in/${job}-${date:%dT%H}.parquet',
        output: 'out/${job}',
        schedule: { ...paris, timeZone: 'Asia/Kolkata' },
      }),
    };
    await makeInput('paris-22T23');
    await makeInput('kolkata-23T03');
    expect(await runJobs(folder.path, jobs, ['--date', '2026-11-22T22:00Z'])).toMatchObject({ exitCode: 0 });
    expect(await jsonIn('out/kolkata/_nightshift/manifest.json')).toMatchObject({
      runs: [{ logicalDate: '2026-11-23T03:30:00+05:30' }],
    });
  });

  it("is seen in the machine's zone where the job has no schedule", async () => {
    await makeInput('2026-11-23');
    const { schedule: _schedule, ...unscheduled } = job();
    await writeSpec(folder.path, { job: unscheduled });
    const env = { TZ: 'Australia/Lord_Howe' };
    const finished = await nightshift(['run', '--date', '2026-11-23', '--json'], { cwd: folder.path, env });
    expect(finished.exitCode).toBe(0);
    expect(eventsIn(finished)[0]).toMatchObject({ logicalDate: '2026-11-23T00:00:00+11:00' });
  });

  it('that has no input says which date, with exit code 4', async () => {
    await writeSpec(folder.path, { job: job({ input: 'in/${date-1d}/*.parquet' }) });
    const expected = {
      exitCode: 4,
      stderr: expect.stringMatching(
        /^error INPUT_NOT_FOUND: jobs\.yaml:\d+:\d+ jobs\.job\.input\.path: no file matches \S+\/in\/2026-11-22\/\*\.parquet \(logical date 2026-11-23\)\n/,
      ),
    };
    expect(await cli('run', '--date', '2026-11-23')).toMatchObject(expected);
    expect(await cli('plan', '--date', '2026-11-23')).toMatchObject(expected);
    expect(await readdir(folder.path)).toEqual(['jobs.yaml']);
  });

  it.each([
    ['2026-02-30', '--date 2026-02-30: is not a date'],
    ['2026-03-29T02:30', '--date 2026-03-29T02:30: the clock of Europe/Paris leaves that out'],
  ])('%s is refused with exit code 2', async (date, message) => {
    await writeSpec(folder.path, { job: job() });
    const { exitCode, stderr } = await cli('run', '--date', date);
    expect({ exitCode, first: stderr.split('\n')[0] }).toEqual({ exitCode: 2, first: `error USAGE: ${message}` });
  });

  it('that gives two jobs one output is refused', async () => {
    const other = job({ output: 'out/2026-${date:%m-%d}' });
    await writeSpec(folder.path, { one: job(), other });
    expect(await cli('run', '--date', '2026-11-23')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('out/2026-11-23 is the output of job one too'),
    });
  });
});

describe('a job without templates', () => {
  const plain = (output: object = {}) =>
    job({ input: 'in/a.parquet', output: { path: 'out', keep: ['id'], ...output } });

  it('goes on the next day, for the day that it was begun for unless another is asked for', async () => {
    await makeInput('a', 'CASE i WHEN 3 THEN 9 ELSE i END');
    expect(await runJob(folder.path, plain(), ['--date', '2026-11-22'])).toMatchObject({ exitCode: 3 });
    const allowed = ['--max-rejected', '1'];
    const { events, exitCode } = await runJob(folder.path, plain(), allowed);
    expect(exitCode).toBe(0);
    const [started] = events.filter((event) => event.type === 'run-started');
    expect(started).toMatchObject({ resumes: true, logicalDate: '2026-11-22T00:00:00+01:00' });
    expect(started).not.toHaveProperty('dated');
    expect(await runJob(folder.path, plain({ mode: 'overwrite' }))).toMatchObject({ exitCode: 3 });
    const asked = await runJob(folder.path, plain({ mode: 'overwrite' }), [...allowed, '--date', '2026-11-23']);
    expect(asked.events.find((event) => event.type === 'run-started')).toMatchObject({
      resumes: true,
      logicalDate: '2026-11-23T00:00:00+01:00',
    });
    expect(await jsonIn('out/_nightshift/manifest.json')).toMatchObject({
      runs: [{ logicalDate: '2026-11-23T00:00:00+01:00' }],
    });
  });

  it('goes on with a run that an earlier version began, which has no date', async () => {
    await makeInput('a', 'CASE i WHEN 3 THEN 9 ELSE i END');
    await runJob(folder.path, plain());
    const [runId = ''] = await runIds('out');
    const path = `out/_nightshift/runs/${runId}/plan.json`;
    const { logicalDate: _logicalDate, ...before } = await jsonIn(path);
    await writeFile(inFolder(path), JSON.stringify(before));
    const { exitCode, events } = await runJob(folder.path, plain(), ['--max-rejected', '1']);
    expect(exitCode).toBe(0);
    expect(events[0]).toMatchObject({ type: 'run-started', resumes: true, runId, logicalDate: expect.any(String) });
  });

  it('shows a date only where one was asked for', async () => {
    await makeInput('a');
    await writeSpec(folder.path, { job: plain() });
    expect((await cli('plan')).stdout).not.toContain('date ');
    expect((await cli('plan', '--date', '2026-11-23')).stdout).toContain('\n  date       2026-11-23\n');
    expect(JSON.parse((await cli('plan', '--date', '2026-11-23', '--json')).stdout)).toMatchObject({
      jobs: [{ logicalDate: '2026-11-23T00:00:00+01:00' }],
    });
    expect((await cli('run')).stderr).not.toContain('date ');
  });
});

describe('a condition with a date', () => {
  it.each([
    ['DATE', "DATE '2026-11-22' + i::INTEGER"],
    ['TIMESTAMP', "TIMESTAMP '2026-11-22 00:00:00' + i * INTERVAL 1 DAY"],
    ['VARCHAR', "strftime(DATE '2026-11-22' + i::INTEGER, '%Y-%m-%d')"],
  ])('keeps the rows of a %s column that are of that date', async (_type, day) => {
    await makeParquet(inFolder('in/a.parquet'), `SELECT i AS id, i AS x, ${day} AS day FROM range(4) t(i)`);
    const where = "day = ${date} AND strftime(day::DATE, '%d') = '${date:%d}' AND '${job}' = 'job'";
    const asked = job({ input: { path: 'in/a.parquet', where }, output: { path: 'out', keep: ['id'] } });
    expect(await runJob(folder.path, asked, ['--date', '2026-11-24'])).toMatchObject({ exitCode: 0 });
    expect(await publishedColumn(folder.path, 'id')).toEqual([2n]);
  });
});

describe('${run.id} in the output', () => {
  const byRun = () => job({ input: 'in/a.parquet', output: { path: 'out/${run.id}', keep: ['id'] } });

  it('gives each run a folder of its own, and --resume finds it again', async () => {
    await makeInput('a', 'CASE i WHEN 3 THEN 9 ELSE i END');
    await writeSpec(folder.path, { job: byRun() });
    const first = await cli('run');
    const [runId = ''] = await readdir(inFolder('out'));
    expect(first).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining(
        `job: this is run ${runId}; if it is cut off, --resume ${runId} goes on with it\n`,
      ),
    });
    expect(await runIds(`out/${runId}`)).toEqual([runId]);
    const resumed = await cli('run', '--resume', runId, '--max-rejected', '1', '--json');
    expect(resumed.exitCode).toBe(0);
    expect(resumed.stderr).not.toContain('this is run');
    expect(eventsIn(resumed).find((event) => event.type === 'run-started')).toMatchObject({ resumes: true, runId });
    expect(await publishedColumn(folder.path, 'id', `out/${runId}`)).toEqual([0n, 1n, 2n]);
    await cli('run');
    expect(await readdir(inFolder('out'))).toHaveLength(2);
  });

  it('is named by the hint of a run that is interrupted, and that command goes on', async () => {
    const flights = {
      ...flightsJob,
      output: { ...flightsJob.output, path: 'out/${run.id}' },
      execution: { shardRows: 150, batchSize: 50 },
    };
    await writeSpec(folder.path, { flights });
    const env = holdingWorkers({ shards: '1' });
    const run = start(['run', '--json'], { cwd: folder.path, env });
    for await (const line of createInterface({ input: run.stdout })) if (line.includes('"shard-done"')) break;
    run.kill('SIGINT');
    const { exitCode, stderr } = await run;
    const [runId = ''] = await readdir(inFolder('out'));
    expect(exitCode).toBe(130);
    expect(stderr).toContain(`hint: run the same command again with --resume ${runId} to go on; finished shards`);
    const resumed = await cli('run', '--resume', runId, '--json');
    expect(resumed.exitCode).toBe(0);
    expect(eventsIn(resumed)[0]).toMatchObject({ type: 'run-started', resumes: true, runId });
  });

  it.each([
    ['20261124T023000Z-1f9c2a', /no such unfinished run/],
    ['../elsewhere', /"\.\.\/elsewhere" is not the id of a run/],
  ])('leaves nothing where --resume %s has no run', async (runId, message) => {
    await makeInput('a');
    await writeSpec(folder.path, { job: byRun() });
    expect(await cli('run', '--resume', runId)).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(message),
    });
    expect((await readdir(folder.path)).sort()).toEqual(['in', 'jobs.yaml']);
  });
});

describe('rerun', () => {
  it('repeats a run of a job with a schedule and templates, for the date that it was for', async () => {
    await makeInput('2026-11-23');
    await runJob(folder.path, job(), ['--date', '2026-11-23']);
    expect(await cli('rerun', 'out/2026-11-23')).toMatchObject({ exitCode: 0 });
    expect(await jsonIn('out/2026-11-23/_nightshift/manifest.json')).toMatchObject({
      runs: [{ logicalDate: '2026-11-23T00:00:00+01:00' }],
    });
  });
});

it('validate fills with now', async () => {
  const path = 'in/${date:%Y}.parquet';
  // The year may end meanwhile.
  for (const year of [0, 1]) await makeInput(String(new Date().getUTCFullYear() + year));
  await writeSpec(folder.path, { job: job({ input: path, schedule: { ...paris, timeZone: 'UTC' } }) });
  expect(await cli('validate')).toMatchObject({ exitCode: 0, stdout: 'ok job' });
});
