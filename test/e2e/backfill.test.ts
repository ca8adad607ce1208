import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { dayJob } from './days.ts';
import { holdingWorkers } from './holding-workers.ts';
import {
  eventsIn,
  type Job,
  makeParquet,
  nightshift,
  publishedColumn,
  sql,
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
const state = ['--state-dir', 'state'];
const from = (first: string, last: string, ...more: readonly string[]) =>
  nightshift(['backfill', 'days', '--from', first, '--to', last, ...state, ...more], { cwd: folder.path });

/** Gather over a small table a day, which fails for x above 3. */
const smallJob = (output: object = {}): Job => ({
  model: typeModel('throws'),
  input: 'in/${date}.parquet',
  features: { x: 'x' },
  output: { path: 'out/dt=${date}', keep: ['id'], ...output },
  schedule: { cron: '30 2 * * *', timeZone: 'UTC' },
});
const makeDay = (day: number, x = 'i') =>
  makeParquet(inFolder(`in/2026-11-0${day}.parquet`), `SELECT i + ${day * 10} AS id, ${x} AS x FROM range(2) t(i)`);

async function threeDays(output: object = {}): Promise<void> {
  await writeSpec(folder.path, { days: smallJob(output) });
  for (const day of [1, 2, 3]) await makeDay(day);
}

/** Until a run has committed something, and has not ended. */
async function untilUnderWay(): Promise<void> {
  await vi.waitFor(
    () => {
      const logs = readdirSync(inFolder('state/logs')).map((name) =>
        readFileSync(inFolder(`state/logs/${name}`), 'utf8'),
      );
      expect(logs.some((log) => log.includes('"shard-done"') && !log.includes('"run-published"'))).toBe(true);
    },
    { timeout: 120_000, interval: 10 },
  );
}

describe('backfill', () => {
  it('tells what it would run, and changes nothing', async () => {
    await threeDays();
    const { exitCode, stdout, stderr } = await from('2026-11-01', '2026-11-03', '--dry-run');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '3 runs to do' });
    expect(stdout.split('\n')[0]).toBe(`2026-11-01  run  missing  ${inFolder('out/dt=2026-11-01')}`);
    expect(readdirSync(folder.path).toSorted()).toEqual(['in', 'jobs.yaml']);
  });

  it('runs every day once, passes over what is published, and runs again what was removed', async () => {
    await threeDays();
    const first = await from('2026-11-01', '2026-11-03');
    expect(first).toMatchObject({ exitCode: 0, stderr: expect.stringMatching(/3 published$/) });
    expect(await publishedColumn(folder.path, 'id', 'out/dt=2026-11-02')).toEqual([20n, 21n]);
    expect(await from('2026-11-01', '2026-11-03')).toMatchObject({
      exitCode: 0,
      stdout: '',
      stderr: '0 runs to do, 3 passed over\n3 passed over',
    });
    await rm(inFolder('out/dt=2026-11-02'), { recursive: true });
    const third = await from('2026-11-01', '2026-11-03', '--only-missing', '--json');
    expect(eventsIn(third).map(({ type, state, logicalDate }) => [type, state, logicalDate])).toEqual([
      ['backfill-planned', undefined, undefined],
      ['partition-passed', 'published', '2026-11-01T00:00:00+00:00'],
      ['partition-passed', 'published', '2026-11-03T00:00:00+00:00'],
      ['partition-started', undefined, '2026-11-02T00:00:00+00:00'],
      ['partition-ended', 'published', '2026-11-02T00:00:00+00:00'],
    ]);
    expect(eventsIn(third).at(-1)).toMatchObject({
      ...{ v: 1, job: 'days', output: inFolder('out/dt=2026-11-02'), exitCode: 0, seconds: expect.any(Number) },
      ...{ runId: expect.stringMatching(/^\d{8}T/), rows: { in: 2, out: 2, rejected: 0, filtered: 0 } },
    });
  });

  it('of a day whose input is missing fails that day only, and --failed runs it once more', async () => {
    await threeDays();
    await rename(inFolder('in/2026-11-02.parquet'), inFolder('later.parquet'));
    const first = await from('2026-11-01', '2026-11-03');
    expect(first.exitCode).toBe(4);
    expect(first.stdout.split('\n').map((line) => line.split(/ {2,}/).at(-2))).toEqual([
      'published',
      'failed',
      'published',
    ]);
    expect(first.stdout).toContain('INPUT_NOT_FOUND');
    await rename(inFolder('later.parquet'), inFolder('in/2026-11-02.parquet'));
    await rm(inFolder('out/dt=2026-11-03'), { recursive: true });
    const planned = await from('2026-11-01', '2026-11-03', '--failed', '--dry-run');
    expect(planned.stdout.split('\n')[2]).toMatch(/^2026-11-03 {2}leave out {2}missing /);
    expect(planned.stderr).toBe(
      '1 run to do, 1 passed over, 1 left out that never ran or lost what was published; leave --failed away to run them, too',
    );
    const second = await from('2026-11-01', '2026-11-03', '--failed');
    expect(second).toMatchObject({
      exitCode: 0,
      stderr: expect.stringMatching(/1 published, 1 passed over, 1 left out$/),
    });
    expect(existsSync(inFolder('out/dt=2026-11-02/_SUCCESS'))).toBe(true);
    expect(existsSync(inFolder('out/dt=2026-11-03'))).toBe(false);
  });

  it.each(['error', 'overwrite', 'append'])('--all replaces what is published, with mode %s', async (mode) => {
    await threeDays({ mode });
    await from('2026-11-01', '2026-11-02');
    await makeDay(2, 'i + 1');
    const again = await from('2026-11-01', '2026-11-02', '--all', '--reverse', '--max-parallel', '1', '--json');
    expect(again.exitCode).toBe(0);
    expect(
      eventsIn(again).flatMap(({ type, logicalDate }) => (type === 'partition-started' ? [logicalDate] : [])),
    ).toEqual(['2026-11-02T00:00:00+00:00', '2026-11-01T00:00:00+00:00']);
    expect(await publishedColumn(folder.path, 'id', 'out/dt=2026-11-01')).toEqual([10n, 11n]);
    expect(await publishedColumn(folder.path, 'id', 'out/dt=2026-11-02')).toEqual([20n, 21n]);
  });

  it('appends days to one output, one after the other, each once', async () => {
    await threeDays({ path: 'out', mode: 'append' });
    expect(await from('2026-11-01', '2026-11-02', '--max-parallel', '3')).toMatchObject({ exitCode: 0 });
    expect(await from('2026-11-03', '2026-11-03')).toMatchObject({ exitCode: 0 });
    expect(await from('2026-11-01', '2026-11-03')).toMatchObject({ exitCode: 0, stdout: '' });
    const ids = await sql(`SELECT id FROM read_parquet('${inFolder('out/*.parquet')}') ORDER BY id`);
    expect(ids.map(({ id }) => id)).toEqual([10n, 11n, 20n, 21n, 30n, 31n]);
    expect(await from('2026-11-01', '2026-11-03', '--all')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('its rows would be there twice'),
    });
  });

  it.each(['01', '02'])('runs a day again whose folder holds that of another month, from day %s on', async (day) => {
    await threeDays({ path: 'out/${date:%d}', mode: 'overwrite' });
    await makeParquet(inFolder('in/2026-10-01.parquet'), 'SELECT 1 AS id, 1 AS x');
    await makeParquet(inFolder('in/2026-10-02.parquet'), 'SELECT 2 AS id, 1 AS x');
    expect(await from('2026-10-01', '2026-10-02')).toMatchObject({ exitCode: 0 });
    expect(await from(`2026-11-${day}`, '2026-11-02')).toMatchObject({
      exitCode: 0,
      stderr: expect.stringMatching(/\d published$/),
    });
    expect(await publishedColumn(folder.path, 'id', 'out/02')).toEqual([20n, 21n]);
  });

  it('runs a day again whose folder holds what another job published for it', async () => {
    await writeSpec(folder.path, { days: smallJob(), other: smallJob() });
    await makeDay(1);
    const other = ['backfill', 'jobs.yaml', 'other', '--from', '2026-11-01', '--to', '2026-11-01', ...state];
    expect(await nightshift(other, { cwd: folder.path })).toMatchObject({ exitCode: 0 });
    expect(await from('2026-11-01', '2026-11-01')).toMatchObject({
      exitCode: 2,
      stdout: expect.stringContaining('OUTPUT_EXISTS'),
    });
  });

  it.each([
    ['passes over', 'out/dt=${date}', 'out/dt=2026-11-01', /1 passed over$/],
    ['runs again', 'out/${date:%d}', 'out/01', /1 published$/],
  ])('%s what an older version published without a date to %s', async (_what, path, output, said) => {
    await threeDays({ path, mode: 'overwrite' });
    await from('2026-11-01', '2026-11-01');
    const manifest = inFolder(`${output}/_nightshift/manifest.json`);
    await writeFile(manifest, (await readFile(manifest, 'utf8')).replace(/"logicalDate": "[^"]*",/, ''));
    expect(await from('2026-11-01', '2026-11-01')).toMatchObject({ exitCode: 0, stderr: expect.stringMatching(said) });
  });

  it('knows what is published where each run has an output of its own', async () => {
    await threeDays({ path: 'out/${run.id}' });
    expect(await from('2026-11-01', '2026-11-02')).toMatchObject({ exitCode: 0 });
    const [one = ''] = readdirSync(inFolder('out'));
    await rm(inFolder(`out/${one}`), { recursive: true });
    expect(await from('2026-11-01', '2026-11-02')).toMatchObject({
      exitCode: 0,
      stderr: expect.stringMatching(/1 published, 1 passed over$/),
    });
    expect(readdirSync(inFolder('out'))).toHaveLength(2);
  });

  it.each([
    ['has lost a part', (at: string) => rm(`${at}/part-00000.parquet`)],
    ['has lost its marker', (at: string) => rm(`${at}/_SUCCESS`)],
    ['has a part that was cut', (at: string) => truncate(`${at}/part-00000.parquet`, 10)],
  ])('publishes a day again whose output %s', async (_what, damage) => {
    await threeDays({ mode: 'overwrite' });
    await from('2026-11-01', '2026-11-02');
    await damage(inFolder('out/dt=2026-11-02'));
    const planned = await from('2026-11-01', '2026-11-02', '--dry-run');
    expect(planned.stdout.split('\n')[1]).toMatch(/^2026-11-02 {2}run {8}damaged /);
    expect(await from('2026-11-01', '2026-11-02')).toMatchObject({
      exitCode: 0,
      stderr: expect.stringMatching(/1 published, 1 passed over$/),
    });
    expect(await nightshift(['verify', 'out/dt=2026-11-02'], { cwd: folder.path })).toMatchObject({ exitCode: 0 });
  });

  it('asks the folders that the template names, where each run has an output of its own', async () => {
    await threeDays({ path: 'out/${run.id}' });
    await from('2026-11-01', '2026-11-01');
    const [one = ''] = readdirSync(inFolder('out'));
    const planned = await from('2026-11-01', '2026-11-02', '--dry-run');
    expect(planned.stdout.split('\n')).toEqual([
      `2026-11-01  pass over  published  ${inFolder(`out/${one}`)}`,
      `2026-11-02  run        missing    ${inFolder('out/${run.id}')}`,
    ]);
    await writeSpec(folder.path, { days: smallJob({ path: 'elsewhere/${run.id}' }) });
    expect(await from('2026-11-01', '2026-11-01')).toMatchObject({
      exitCode: 0,
      stderr: expect.stringMatching(/1 published$/),
    });
    expect(readdirSync(inFolder('elsewhere'))).toHaveLength(1);
  });

  it('is refused where two dates would publish over each other', async () => {
    await threeDays({ path: 'out/${date:%Y-%m}', mode: 'overwrite' });
    expect(await from('2026-11-01', '2026-11-03')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('would publish several days to'),
    });
    expect(existsSync(inFolder('out'))).toBe(false);
  });

  it.each([
    [['--form', '2013-01-01', '--to', '2013-01-02'], "unknown option '--form'", 'did you mean --from?'],
    [['--to', '2013-01-02'], 'a backfill needs --from', 'name the first and the last date'],
    [[], 'a backfill needs --from and --to', 'name the first and the last date'],
  ])('of %j says what is wrong', async (args, said, hint) => {
    const { exitCode, stderr } = await nightshift(['backfill', 'days', ...args], { cwd: folder.path });
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`error USAGE: ${said}\nhint: ${hint}`);
  });

  it('stops well at SIGINT with exit code 130, and the same command goes on', async () => {
    await writeSpec(folder.path, { days: dayJob() });
    const args = ['backfill', 'days', '--from', '2013-01-01', '--to', '2013-01-03', ...state];
    const env = holdingWorkers({ output: 'out/dt=2013-01-0[23]', shards: '1' });
    const run = start([...args, '--json'], { cwd: folder.path, env });
    for await (const line of createInterface({ input: run.stdout })) if (line.includes('"partition-ended"')) break;
    await untilUnderWay();
    run.kill('SIGINT');
    const { exitCode, stdout, stderr } = await run;
    expect({ exitCode, stderr }).toEqual({ exitCode: 130, stderr: expect.stringContaining('error INTERRUPTED') });
    const planned = await nightshift([...args, '--dry-run'], { cwd: folder.path });
    expect(planned.stdout).toMatch(/ run +interrupted /);
    expect(planned.stdout).not.toContain('failed');
    const cut = eventsIn({ stdout }).filter(({ state: became }) => became === 'interrupted');
    expect(cut.map(({ message }) => message)).toContain('stopped by SIGINT');
    const again = await nightshift(args, { cwd: folder.path });
    expect(again).toMatchObject({ exitCode: 0, stderr: expect.stringMatching(/\d published, \d passed over$/) });
    expect(readdirSync(inFolder('out'))).toHaveLength(3);
  });
});
