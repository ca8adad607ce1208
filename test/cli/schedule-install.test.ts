import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nightshift, temporaryFolder, typeModel, writeSpec } from '../e2e/nightshift.ts';
import { StandIns } from '../schedule/stand-ins.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let standIns: StandIns;
beforeEach(async () => {
  folder = await temporaryFolder();
  standIns = await StandIns.make(folder.path);
  await standIns.addCrontab();
  await standIns.addDeadSystemd();
  await writeJobs({ cron: '30 2 * * *', timeZone: 'Asia/Kolkata' });
});
afterEach(() => folder[Symbol.asyncDispose]());

const job = { model: typeModel('square'), input: 'in.parquet', output: 'out' };
const writeJobs = (schedule: object) =>
  writeSpec(folder.path, {
    nightly: { ...job, output: 'out/nightly', schedule },
    hourly: { ...job, output: 'out/hourly', schedule: { cron: '5 * * * *', timeZone: 'UTC' } },
    never: { ...job, output: 'out/never' },
  });
const schedule = (...args: readonly string[]) =>
  nightshift(['schedule', ...args], { cwd: folder.path, env: standIns.env });
const foreign = 'MAILTO=ada\n0 4 * * * own';
const listed = async () => JSON.parse((await schedule('list', '--json')).stdout).timers;

describe('schedule install', () => {
  it('installs the jobs that have a schedule, says when they run and how to undo it', async () => {
    await standIns.writeCrontab(foreign);
    const { exitCode, stdout, stderr } = await schedule('install');
    expect(exitCode).toBe(0);
    expect(stdout.split('\n')).toEqual([
      expect.stringMatching(/^nightly {2}installed {2}cron {2}next \d{4}-\d\d-\d\dT02:30:00\+05:30$/),
      expect.stringMatching(/^hourly {3}installed {2}cron {2}next \S+:05:00\+00:00$/),
      'see  crontab -l',
      expect.stringMatching(/^see {2}\S+\/state\/nightshift\/logs\/nightly-[0-9a-f]{8}\.log$/),
      expect.stringMatching(/^see {2}\S+\/state\/nightshift\/logs\/hourly-[0-9a-f]{8}\.log$/),
      'undo nightshift schedule remove jobs.yaml',
    ]);
    expect(stderr).not.toContain('error');
    const text = (await standIns.crontab())?.toString() ?? '';
    expect(text.endsWith(`\n${foreign}`)).toBe(true);
    expect(text).toMatch(
      /^0 \* \* \* \* cd .* schedule run-due .*jobs\.yaml nightly --state-dir .*\/state\/nightshift >>/m,
    );
    expect(text.match(/^@reboot /gm)).toHaveLength(2);
  });

  it('writes lines that a shell can run, into the log alone', async () => {
    await schedule('install', 'jobs.yaml', 'nightly');
    const [, line = ''] = (await standIns.crontab())?.toString().split('\n') ?? [];
    const command = line.replace(/^0 \* \* \* \* /, '').replaceAll('\\%', '%');
    // What a timer calls is another command; that it is unknown shows that it was asked for.
    const { stdout, stderr } = await execa('/bin/sh', ['-c', command], {
      env: { PATH: '/usr/bin:/bin' },
      extendEnv: false,
      reject: false,
    });
    expect({ stdout, stderr }).toEqual({ stdout: '', stderr: '' });
  });

  it('says how to undo it in words that a shell takes', async () => {
    const spec = join(folder.path, "we ird%d'x.yaml");
    await rename(join(folder.path, 'jobs.yaml'), spec);
    const undo = /^undo nightshift (.*)$/m.exec((await schedule('install', spec)).stdout)?.[1] ?? '';
    const { stdout } = await execa('/bin/sh', ['-c', `printf '%s\\n' ${undo}`]);
    expect(stdout.split('\n')).toEqual(['schedule', 'remove', "we ird%d'x.yaml"]);
  });

  it('changes nothing a second time', async () => {
    await schedule('install');
    const before = await standIns.crontab();
    const { stdout } = await schedule('install');
    expect(stdout).toMatch(/^nightly {2}unchanged {2}cron/);
    expect(await standIns.crontab()).toEqual(before);
    expect((await schedule('install', '--dry-run')).stdout).toBe('nothing would change');
  });

  it('shows the diff with --dry-run, which patch takes, and changes nothing', async () => {
    await standIns.writeCrontab(`${foreign}\n`);
    const { exitCode, stdout } = await schedule('install', 'jobs.yaml', 'nightly', '--dry-run');
    expect(exitCode).toBe(0);
    expect((await standIns.crontab())?.toString()).toBe(`${foreign}\n`);
    await mkdir(join(folder.path, 'patched'));
    await writeFile(join(folder.path, 'patched/crontab'), `${foreign}\n`);
    const patch = await execa('patch', ['-s'], {
      cwd: join(folder.path, 'patched'),
      input: `${stdout}\n`,
      reject: false,
    });
    await schedule('install', 'jobs.yaml', 'nightly');
    if (patch.code !== 'ENOENT')
      expect((await execa('cat', [join(folder.path, 'patched/crontab')])).stdout).toBe(
        (await standIns.crontab())?.toString().trimEnd(),
      );
    await expect(standIns.told()).resolves.not.toContain('reload');
  });

  it('moves a timer to another target, and leaves none behind', async () => {
    await standIns.writeCrontab(foreign);
    await schedule('install', 'jobs.yaml', 'nightly');
    await standIns.addSystemd();
    const { stdout } = await schedule('install', 'jobs.yaml', 'nightly');
    expect(stdout).toMatch(/^nightly {2}installed {2}systemd .*\nnightly {2}removed {4}from cron$/m);
    expect((await standIns.crontab())?.toString()).toBe(foreign);
    expect(await listed()).toMatchObject([{ job: 'nightly', target: 'systemd', drift: [] }]);
    const back = JSON.parse((await schedule('install', 'jobs.yaml', 'nightly', '--target', 'cron', '--json')).stdout);
    expect(back.timers).toMatchObject([
      { did: 'installed', target: 'cron' },
      { did: 'removed', target: 'systemd' },
    ]);
    expect(await listed()).toMatchObject([{ job: 'nightly', target: 'cron' }]);
  });

  it.each([
    [['jobs.yaml', 'never'], 'USAGE: job never of jobs.yaml has no schedule'],
    [['jobs.yaml', 'nihgtly'], 'USAGE: jobs.yaml has no job nihgtly'],
    [['jobs.yaml', '--target', 'systemd'], 'SCHEDULER_UNAVAILABLE: no systemd manager of your user answers'],
    [['jobs.yaml', '--target', 'launchd'], 'USAGE: --target: "launchd" is not a choice'],
    [['none.yaml'], 'SPEC_NOT_FOUND: '],
  ])('refuses %j', async (args, message) => {
    const { exitCode, stdout, stderr } = await schedule('install', ...args);
    expect({ isRefused: exitCode === 2 || exitCode === 4, stdout }).toEqual({ isRefused: true, stdout: '' });
    expect(stderr).toContain(`error ${message}`);
    expect(await standIns.crontab()).toBeUndefined();
  });

  it('writes nothing where somebody else writes to the crontab at the same time, and asks to try again', async () => {
    await standIns.writeCrontab(foreign);
    await standIns.addBusyCrontab();
    const { exitCode, stderr } = await schedule('install', 'jobs.yaml', '--target', 'cron');
    expect(exitCode).toBe(75);
    expect(stderr).toContain('error SCHEDULE_CHANGED: ');
    expect((await standIns.crontab())?.toString()).not.toContain('nightshift');
  });

  it('writes down the variables that the spec names, and refuses one that is not set', async () => {
    await writeJobs({ cron: '30 2 * * *', service: { environment: ['MODELS_AT'] } });
    expect(await schedule('install')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('MODELS_AT, which is not set'),
    });
    const env = { ...standIns.env, MODELS_AT: "/it's 100%" };
    expect(await nightshift(['schedule', 'install'], { cwd: folder.path, env })).toMatchObject({ exitCode: 0 });
    expect((await standIns.crontab())?.toString()).toContain(` MODELS_AT='/it'"'"'s 100\\%' `);
  });
});

it('schedule install refuses a spec that needs what only this shell has, and list tells of one that came to', async () => {
  const write = (schedule: object, where?: string) =>
    writeSpec(folder.path, { nightly: { ...job, input: { path: 'in.parquet', where }, schedule } });
  const env = { ...standIns.env, WHERE: 'x > 1' };
  const asked = (...args: readonly string[]) => nightshift(['schedule', ...args], { cwd: folder.path, env });
  await write({ cron: '@daily' }, '${WHERE}');
  for (const more of [[], ['--dry-run']])
    expect(await asked('install', ...more)).toMatchObject({
      exitCode: 2,
      stdout: '',
      stderr: expect.stringMatching(
        /error USAGE: the timer of nightly would not have WHERE, .*\n.*hint: name WHERE in the job's schedule\.service\.environment/,
      ),
    });
  expect(await standIns.crontab()).toBeUndefined();
  await write({ cron: '@daily', service: { environment: ['WHERE'] } }, '${WHERE}');
  expect(await asked('install')).toMatchObject({ exitCode: 0 });
  expect((await asked('list')).stdout).toMatch(/ ok$/);
  await write({ cron: '@daily' });
  expect(await asked('install')).toMatchObject({ exitCode: 0 });
  await write({ cron: '@daily' }, '${WHERE}');
  expect((await asked('list')).stdout).toMatch(/ spec cannot be read by its timer: .* WHERE is not set$/);
});

describe('schedule list', () => {
  it('says so when nothing is installed', async () => {
    expect(await schedule('list')).toMatchObject({ exitCode: 0, stdout: 'no timer is installed' });
    expect(await listed()).toEqual([]);
  });

  it('tells what a timer no longer agrees with', async () => {
    await schedule('install', 'jobs.yaml', 'nightly');
    expect(await listed()).toMatchObject([{ job: 'nightly', when: '30 2 * * *', timeZone: 'Asia/Kolkata', drift: [] }]);
    expect((await schedule('list')).stdout).toMatch(
      /^nightly {2}jobs\.yaml {2}cron {2}30 2 \* \* \* Asia\/Kolkata {2}next \S+ {2}never ran {2}ok$/,
    );
    await writeJobs({ cron: '31 2 * * *' });
    expect(await listed()).toMatchObject([{ drift: ['spec changed since install'] }]);
    await schedule('install', 'jobs.yaml', 'nightly');
    expect(await listed()).toMatchObject([{ when: '31 2 * * *', drift: [] }]);
    await writeSpec(folder.path, { nightly: job });
    expect(await listed()).toMatchObject([{ drift: ['job has no schedule any more'] }]);
    await writeSpec(folder.path, { other: job });
    expect(await listed()).toMatchObject([{ drift: ['job is gone from the spec'] }]);
    await writeFile(join(folder.path, 'jobs.yaml'), '{');
    expect(await listed()).toMatchObject([{ drift: [expect.stringMatching(/^spec cannot be read: /)] }]);
    await rm(join(folder.path, 'jobs.yaml'));
    expect(await listed()).toMatchObject([{ drift: ['spec is gone'] }]);
  });

  it('tells that node or nightshift is gone', async () => {
    await schedule('install', 'jobs.yaml', 'nightly');
    const text = (await standIns.crontab())?.toString() ?? '';
    await standIns.writeCrontab(
      text.replace(/"node":"[^"]*"/, '"node":"/gone/node"').replace(/"bin":"[^"]*"/, '"bin":"/gone/nightshift"'),
    );
    expect(await listed()).toMatchObject([{ drift: ['node is gone', 'nightshift is gone'] }]);
  });
});

describe('schedule remove', () => {
  it('leaves the crontab as it was', async () => {
    await standIns.writeCrontab(foreign);
    await schedule('install');
    expect((await schedule('remove', 'jobs.yaml', 'hourly')).stdout).toMatch(
      /^hourly {2}removed {2}from cron {2}\S+jobs\.yaml$/,
    );
    expect(await listed()).toMatchObject([{ job: 'nightly' }]);
    expect((await schedule('remove', '--dry-run')).stdout).toContain('\n-# nightshift {');
    expect(await listed()).toHaveLength(1);
    expect(await schedule('remove')).toMatchObject({ exitCode: 0 });
    expect((await standIns.crontab())?.toString()).toBe(foreign);
  });

  it('needs no spec', async () => {
    await schedule('install');
    await rename(join(folder.path, 'jobs.yaml'), join(folder.path, 'moved.yaml'));
    const { exitCode, stdout } = await schedule('remove', '--json');
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout).timers.map(({ did }: { did: string }) => did)).toEqual(['removed', 'removed']);
    expect(await standIns.crontab()).toBeUndefined();
  });

  it('takes everything with --all, and says when there is nothing', async () => {
    await schedule('install');
    expect(await schedule('remove', 'other.yaml')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('error SCHEDULE_NOT_FOUND: no timer is installed for '),
    });
    expect(await schedule('remove', 'jobs.yaml', 'never')).toMatchObject({ exitCode: 2 });
    expect(await schedule('remove', '--all', 'nosuch.yaml')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('error USAGE: --all removes the timers of every spec, and nosuch.yaml is named'),
    });
    expect(await listed()).toHaveLength(2);
    expect((await schedule('remove', 'other.yaml')).stderr).toContain('--all removes all of it');
    expect(await schedule('remove', '--all')).toMatchObject({ exitCode: 0 });
    const again = await schedule('remove', '--all');
    expect(again).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('hint: nothing is installed') });
    expect(await listed()).toEqual([]);
  });
});
