import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CrontabTarget } from '../../src/schedule/crontab-target.ts';
import { SystemdTarget } from '../../src/schedule/systemd-target.ts';
import { unitName } from '../../src/schedule/systemd-units.ts';
import { chooseTarget, timerTargets } from '../../src/schedule/timer-targets.ts';
import { temporaryFolder } from '../e2e/nightshift.ts';
import { someTimer } from './some-timer.ts';
import { StandIns } from './stand-ins.ts';
import { describeTarget } from './target-contract.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let standIns: StandIns;
beforeEach(async () => {
  folder = await temporaryFolder();
  standIns = await StandIns.make(folder.path);
});
afterEach(() => folder[Symbol.asyncDispose]());

const systemd = (kind: 'user' | 'system' = 'user') =>
  new SystemdTarget({ kind, folder: join(folder.path, 'units'), env: standIns.env, user: { uid: 0, name: 'ada' } });

describeTarget('a crontab with lines of others', async () => {
  await standIns.addCrontab();
  await standIns.writeCrontab(Buffer.from('SHELL=/bin/bash\n0 4 * * * caf\xe9 \\% x', 'latin1'));
  const disturb = () => standIns.writeCrontab('1 1 * * * new\n');
  return { target: new CrontabTarget(standIns.env), whole: () => standIns.crontab(), disturb };
});

describeTarget('no crontab yet', async () => {
  await standIns.addCrontab();
  const disturb = () => standIns.writeCrontab('1 1 * * * new\n');
  return { target: new CrontabTarget(standIns.env), whole: () => standIns.crontab(), disturb };
});

describeTarget('systemd of a user', () => systemdCase('user'));
describeTarget('systemd of the system', () => systemdCase('system'));

async function systemdCase(kind: 'user' | 'system') {
  await standIns.addSystemd();
  const units = join(folder.path, 'units');
  await mkdir(units);
  await writeFile(join(units, 'nightshift-own.timer'), '[Timer]\nOnCalendar=daily\n');
  const whole = async () => {
    const names = (await readdir(units)).sort();
    return Promise.all(names.map(async (name) => [name, await readFile(join(units, name), 'utf8')]));
  };
  const disturb = () => writeFile(join(units, `${unitName(someTimer({ job: 'a' }))}.timer`), 'of somebody else');
  return { target: systemd(kind), whole, disturb };
}

describe('a crontab', () => {
  it('that cannot be read is an error, and never taken for an empty one', async () => {
    await standIns.addCrontab();
    const file = join(folder.path, 'bin/crontab');
    await writeFile(file, '#!/bin/sh\necho "You (ada) are not allowed to use this program (crontab)" >&2; exit 1\n');
    const target = new CrontabTarget(standIns.env);
    expect(await target.isAvailable()).toBe(false);
    const refused = { code: 'SCHEDULER_UNAVAILABLE', message: expect.stringContaining('not allowed') };
    await expect(target.plan({ install: [someTimer()], remove: [] })).rejects.toMatchObject(refused);
    expect(await target.read()).toEqual([]);
  });

  it('command that is not there is an error with what to do', async () => {
    const target = new CrontabTarget({ PATH: join(folder.path, 'bin') });
    await expect(target.plan({ install: [someTimer()], remove: [] })).rejects.toMatchObject({
      code: 'SCHEDULER_UNAVAILABLE',
      exitCode: 4,
      hint: expect.stringContaining('--target systemd'),
    });
  });
});

describe('a systemd manager', () => {
  it('is told to read units again, and to start the timer now and after each boot', async () => {
    await standIns.addSystemd();
    const target = systemd();
    await target.apply(await target.plan({ install: [someTimer()], remove: [] }));
    const unit = `${unitName(someTimer())}.timer`;
    const told = (await standIns.told()).split('\n').filter((line) => !/ (show|is-)/.test(line));
    expect(told).toEqual(['--user daemon-reload', `--user enable --quiet ${unit}`, `--user restart ${unit}`, '']);
  });

  it('whose timer somebody stopped gets it started again', async () => {
    await standIns.addSystemd();
    const target = systemd();
    const change = { install: [someTimer()], remove: [] };
    await target.apply(await target.plan(change));
    await rm(join(folder.path, 'timers', `${unitName(someTimer())}.timer`));
    const plan = await target.plan(change);
    expect(plan).toMatchObject({ steps: [{ did: 'updated' }], changes: [] });
    await target.apply(plan);
    expect((await target.plan(change)).steps).toMatchObject([{ did: 'unchanged' }]);
  });

  it('that does not answer is an error which names what it takes', async () => {
    await standIns.addDeadSystemd();
    const target = systemd();
    expect(await target.isAvailable()).toBe(false);
    await expect(target.plan({ install: [someTimer()], remove: [] })).rejects.toMatchObject({
      code: 'SCHEDULER_UNAVAILABLE',
      message: 'no systemd manager of your user answers: Failed to connect to bus: No medium found',
      hint: expect.stringMatching(/XDG_RUNTIME_DIR.*loginctl enable-linger ada/),
    });
  });

  it('of the system is for root, to remove too', async () => {
    await standIns.addSystemd();
    const root = systemd('system');
    await root.apply(await root.plan({ install: [someTimer()], remove: [] }));
    const options = { kind: 'system', folder: join(folder.path, 'units'), env: standIns.env } as const;
    const target = new SystemdTarget({ ...options, user: { uid: 1000, name: 'ada' } });
    const refused = { code: 'SCHEDULER_UNAVAILABLE', message: expect.stringContaining('only root') };
    await expect(target.plan({ install: [someTimer({ job: 'other' })], remove: [] })).rejects.toMatchObject(refused);
    await expect(target.plan({ install: [], remove: [someTimer().id] })).rejects.toMatchObject(refused);
  });
});

describe('the automatic target', () => {
  const chosen = async () => (await chooseTarget(timerTargets(standIns.env), 'auto')).name;

  it('is systemd of the user where it answers', async () => {
    await standIns.addCrontab();
    await standIns.addSystemd();
    expect(await chosen()).toBe('systemd');
  });

  it('is else the crontab', async () => {
    await standIns.addCrontab();
    await standIns.addDeadSystemd();
    expect(await chosen()).toBe('cron');
  });

  it('is an error where neither is there', async () => {
    const targets = timerTargets({ ...standIns.env, PATH: join(folder.path, 'bin') });
    await expect(chooseTarget(targets, 'auto')).rejects.toMatchObject({ code: 'SCHEDULER_UNAVAILABLE' });
  });
});
