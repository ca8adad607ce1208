import { mkdir, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeTimer, type ScheduledJob } from '../../src/schedule/describe-timer.ts';
import { outputFolder } from '../../src/schedule/job-folders.ts';
import { survivingPath } from '../../src/schedule/surviving-path.ts';
import { timerDigest } from '../../src/schedule/timer.ts';
import { parseSpec } from '../../src/spec/load-spec.ts';
import { temporaryFolder } from '../e2e/nightshift.ts';

const around = {
  ...{ spec: '/srv/jobs.yaml', node: '/usr/bin/node', bin: '/usr/bin/nightshift', home: '/home/ada', env: { A: '1' } },
  ...{
    stateFolder: '/home/ada/state',
    cacheFolder: '/home/ada/cache',
    machineZone: 'Europe/Paris',
    nowMs: Date.UTC(2026, 10, 26),
  },
};

function scheduled(schedule: object, rest: object = {}): ScheduledJob {
  const text = JSON.stringify({
    version: 1,
    jobs: { j: { model: 'm.onnx', input: 'in', output: 'out', ...rest, schedule } },
  });
  const [job] = parseSpec({ text, path: '/srv/jobs.yaml', env: {} }).jobs;
  if (job?.schedule === undefined) throw new Error('has no schedule');
  return { ...job, schedule: job.schedule };
}

describe('a timer of a job', () => {
  it.each([
    ['calls each hour, so that missed ticks are made up for', { cron: '30 2 * * *' }, ['0,30 * * * *']],
    [
      'calls at each hour of a zone that changes its clock, since a tick may be left out',
      { cron: '30 2 * * *', catchUp: 'none' },
      ['0,30 * * * *'],
    ],
    [
      'calls each hour where the zone is another',
      { cron: '30 2 * * *', catchUp: 'none', timeZone: 'UTC' },
      ['30 * * * *'],
    ],
    ['calls each hour where crontabs disagree', { cron: '30 2 * * MON', catchUp: 'none' }, ['0,30 * * * *']],
    ['calls every minute where it is due each', { cron: '* * * * *' }, ['* * * * *']],
    ['takes the minutes of a calendar', { onCalendar: 'Mon..Fri 22:15' }, ['0,15 * * * *']],
  ])('%s', (_what, schedule, cronTimes) =>
    expect(describeTimer(scheduled(schedule), around).cronTimes).toEqual(cronTimes),
  );

  it.each([
    [{ cron: '30 2 * * *' }, ['*-*-* 02:30:00 Europe/Paris', '*-*-* *:00,30:00 UTC']],
    [{ cron: '5,35 2 * * 1', timeZone: 'UTC' }, ['Mon *-*-* 02:05,35:00 UTC', '*-*-* *:05,35:00 UTC']],
    [{ cron: '5 2 * * 1', timeZone: 'UTC', catchUp: 'none' }, ['Mon *-*-* 02:05:00 UTC']],
    [{ onCalendar: 'Mon..Fri 22:15' }, ['Mon..Fri *-*-* 22:15:00 Europe/Paris', '*-*-* *:00,15:00 UTC']],
    [{ onCalendar: 'daily UTC' }, ['*-*-* 00:00:00 UTC', '*-*-* *:00:00 UTC']],
  ])('has calendars for %j: %j', (schedule, calendars) =>
    expect(describeTimer(scheduled(schedule), around).calendars).toEqual(calendars),
  );

  it('may take as long as all the runs of one call', () => {
    expect(describeTimer(scheduled({ cron: '@daily' }), around).timeoutMs).toBeUndefined();
    const timer = describeTimer(scheduled({ cron: '@daily', activeDeadline: '1h', maxCatchUp: 3 }), around);
    expect(timer.timeoutMs).toBe(3 * 3_600_000);
  });

  it('brings the variables that it counts on', () => {
    const { environment } = describeTimer(scheduled({ cron: '@daily', service: { environment: ['A'] } }), around);
    expect(environment).toEqual({ HOME: '/home/ada', PATH: '/usr/bin:/usr/local/bin:/bin', A: '1' });
    const missing = scheduled({ cron: '@daily', service: { environment: ['B'] } });
    expect(() => describeTimer(missing, around)).toThrow('B, which is not set');
  });

  it.each([
    [{}, undefined],
    [{ input: ['a', '/tmp/in/*.parquet'] }, '/tmp/in/*.parquet'],
    [{ model: '/var/tmp/m.onnx' }, '/var/tmp/m.onnx'],
    [{ output: '/tmpfs/out' }, undefined],
  ])('of %j has the temporary path %s', (rest, path) => {
    expect(describeTimer(scheduled({ cron: '@daily' }, rest), around).temporaryPath).toBe(path);
  });

  it('has a digest that changes with the schedule and the output, and with nothing else', () => {
    const digest = (schedule: object, rest: object = {}) => timerDigest(scheduled(schedule, rest));
    const one = digest({ cron: '@daily', jitter: '1m' });
    expect(digest({ jitter: '60s', cron: '@daily' }, { description: 'x', input: 'other' })).toBe(one);
    expect(digest({ cron: '@hourly', jitter: '1m' })).not.toBe(one);
    expect(digest({ cron: '@daily', jitter: '1m' }, { output: 'elsewhere' })).not.toBe(one);
  });
});

describe('the folder that a job writes to', () => {
  it.each([
    ['out/a', 'out'],
    ['out', 'out'],
    ['out/${date}/x', 'out'],
    ['out/day=${date}', 'out'],
    ['new/deep/a', ''],
    ['${date}', ''],
    ['o${date}', ''],
  ])('of %s is %j', async (path, expected) => {
    await using folder = await temporaryFolder();
    await mkdir(join(folder.path, 'out'));
    const { output } = scheduled({ cron: '@daily' });
    expect(outputFolder({ baseDir: folder.path, output: { ...output, path } })).toBe(join(folder.path, expected));
  });
});

describe('the path of a program', () => {
  it('is a link on the PATH where the file itself has a version in its path, and where that is the same file', async () => {
    await using folder = await temporaryFolder();
    const [old, versioned, links] = ['v22.0.0/bin', 'v24.1.0/bin', 'bin'].map((name) => join(folder.path, name));
    const [file, other, link] = [`${versioned}/tool`, `${old}/tool`, `${links}/tool`];
    for (const each of [old, versioned, links]) await mkdir(each ?? '', { recursive: true });
    for (const each of [file, other]) await writeFile(each, '');
    const searchPath = `relative:${old}:${versioned}:${links}`;
    const found = () => survivingPath({ path: file, searchPath, temporaryFolders: [] });
    expect(found()).toEqual({ path: file, warning: expect.stringContaining('has a version in its path') });
    await symlink(other, link);
    expect(found().path).toBe(file);
    await rm(link);
    await symlink(file, link);
    expect(found()).toEqual({ path: link });
  });

  it('is the file itself where only links in the npx cache lead to it, as from a checkout', async () => {
    await using folder = await temporaryFolder();
    const [checkout, cache] = ['checkout/bin', '.npm/_npx/1a2b/node_modules/.bin'].map((name) =>
      join(folder.path, name),
    );
    for (const each of [checkout, cache]) await mkdir(each ?? '', { recursive: true });
    const [file, link] = [join(checkout ?? '', 'nightshift.js'), join(cache ?? '', 'nightshift')];
    await writeFile(file, '');
    await symlink(file, link);
    expect(survivingPath({ path: link, searchPath: '', temporaryFolders: [] })).toEqual({ path: await realpath(file) });
  });

  it.each([
    ['/usr/bin/node', undefined],
    ['/root/.npm/_npx/1a2b/node_modules/.bin/nightshift', 'npx cache'],
    ['/tmp/x/bin/nightshift.js', 'temporary folder'],
    ['/opt/node-v24.1.0-linux-x64/bin/node', 'has a version in its path'],
    ['/home/a/.nvm/versions/node/v22.12.0/bin/node', 'has a version in its path'],
  ])('%s has the warning %s', (path, warning) => {
    const found = survivingPath({ path, searchPath: '', temporaryFolders: ['/tmp'] });
    expect(found).toEqual(warning === undefined ? { path } : { path, warning: expect.stringContaining(warning) });
  });
});

it("a timer's unit may write where the job keeps predictions", () => {
  const { writable } = describeTimer(
    scheduled({ cron: '30 2 * * *' }, { cache: { path: '/var/no-such/kept' } }),
    around,
  );
  expect(writable).toContain('/var');
  expect(describeTimer(scheduled({ cron: '30 2 * * *' }), around).writable).not.toContain('/var');
});
