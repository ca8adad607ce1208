import { describe, expect, it } from 'vitest';
import { type Job, nightshift, root, temporaryFolder, writeSpec } from '../e2e/nightshift.ts';

const minimal = { model: 'm.onnx', input: 'in.csv', output: 'out' };
const nightly: Job = { ...minimal, schedule: { cron: '30 2 * * *', timeZone: 'Europe/Paris', catchUp: 'all' } };
const half: Job = { ...minimal, output: 'out-b', schedule: { onCalendar: '*:0/30 Asia/Kolkata', suspend: true } };
const plain: Job = { ...minimal, output: 'out-c' };

async function schedule(jobs: Readonly<Record<string, Job>>, ...args: readonly string[]) {
  await using folder = await temporaryFolder();
  await writeSpec(folder.path, jobs);
  return await nightshift(['schedule', ...args], { cwd: folder.path });
}

describe('schedule next', () => {
  it('tells when every scheduled job is due, in its zone, and what the clocks do', async () => {
    const result = await schedule({ nightly, half, plain }, 'next', '-n', '2', '--from', '2026-03-29');
    expect(result).toEqual({
      exitCode: 0,
      stderr: '',
      stdout: `nightly: 30 2 * * *, Europe/Paris
  Sun 2026-03-29 03:00 +02:00  02:30 does not exist that night, runs at 03:00
  Mon 2026-03-30 02:30 +02:00
half: *:0/30, Asia/Kolkata, suspended
  Sun 2026-03-29 00:00 +05:30
  Sun 2026-03-29 00:30 +05:30`,
    });
  });

  it.each([
    ['2026-10-25', 'runOnce', ['Sun 2026-10-25 02:30 +02:00  02:30 comes twice that night, runs the first time']],
    [
      '2026-03-29',
      'skip',
      ['Sun 2026-03-29 03:00 +02:00  02:30 does not exist that night, does not run', 'Mon 2026-03-30 02:30 +02:00'],
    ],
  ])('from %s with daylightSaving %s', async (from, daylightSaving, lines) => {
    const args = ['next', '-n', '1', '--from', from, '--set', `schedule.daylightSaving=${daylightSaving}`];
    expect((await schedule({ nightly }, ...args)).stdout.split('\n').slice(1)).toEqual(
      lines.map((line) => `  ${line}`),
    );
  });

  it('is one JSON document with --json', async () => {
    const args = ['next', 'jobs.yaml', 'nightly', '-n', '1', '--from', '2026-03-29', '--json'];
    const { stdout } = await schedule({ nightly, half }, ...args);
    expect(JSON.parse(stdout)).toEqual({
      v: 1,
      spec: 'jobs.yaml',
      jobs: [
        {
          job: 'nightly',
          cron: '30 2 * * *',
          timeZone: 'Europe/Paris',
          suspended: false,
          ticks: [
            {
              time: '2026-03-29T03:00:00+02:00',
              utc: '2026-03-29T01:00:00.000Z',
              runs: true,
              note: '02:30 does not exist that night, runs at 03:00',
            },
          ],
        },
      ],
    });
  });

  it("takes the machine's zone where the schedule names none", async () => {
    await using folder = await temporaryFolder();
    await writeSpec(folder.path, { a: { ...minimal, schedule: { cron: '@daily' } } });
    const args = ['schedule', 'next', '-n', '1', '--from', '2026-11-23'];
    const { stdout } = await nightshift(args, { cwd: folder.path, env: { TZ: 'Pacific/Apia' } });
    expect(stdout).toBe('a: @daily, Pacific/Apia\n  Mon 2026-11-23 00:00 +13:00');
  });
});

describe('schedule simulate', () => {
  it('tells what is made up for after the machine was down', async () => {
    const down = '2026-10-24T12:00..2026-10-26T08:00';
    const args = ['simulate', '--from', '2026-10-24', '--to', '2026-10-26T20:00', '--down', down, '--duration', '2h'];
    expect((await schedule({ nightly }, ...args)).stdout).toBe(`nightly: 30 2 * * *, Europe/Paris
  Sat 2026-10-24 02:30 +02:00  run      2026-10-24T02:30:00+02:00  on time
  Mon 2026-10-26 08:00 +01:00  run      2026-10-25T02:30:00+02:00  made up for, 1 d 6 h late; 02:30 comes twice that night, runs the first time
                               wait     2026-10-26T02:30:00+01:00  an older logical date of this job runs first
  Mon 2026-10-26 10:00 +01:00  run      2026-10-26T02:30:00+01:00  7 h 30 min late`);
  });

  it('is one JSON document with --json, of the next ten dates', async () => {
    const { stdout } = await schedule({ nightly }, 'simulate', '--from', '2026-11-23', '--json');
    const document: unknown = JSON.parse(stdout);
    const step = { decisions: [{ action: 'run', reason: 'on time' }] };
    expect(document).toMatchObject({ v: 1, jobs: [{ job: 'nightly', cut: false, steps: Array(10).fill(step) }] });
  });

  it('stops, and says so, where there is too much to show', async () => {
    const args = ['simulate', '--from', '2026-01-01', '--to', '2027-01-01', '--set', 'schedule.suspend=false'];
    const { stdout } = await schedule({ half }, ...args);
    expect(stdout.split('\n')).toHaveLength(1002);
    expect(stdout).toMatch(/and so on; 1000 moments are shown at most, see --to$/);
  });
});

describe('a schedule command that cannot be followed', () => {
  it.each([
    [['next', 'jobs.yaml', 'plain'], 'job plain of jobs.yaml has no schedule', 'those that have one are nightly'],
    [['next', 'jobs.yaml', 'nihgtly'], 'jobs.yaml has no job nihgtly', 'did you mean nightly?'],
    [['next', '-n', 'all'], '--count all: is not a whole number from 1 to 1000', '`-n 10`'],
    [['next', '--from', 'soon'], '--from soon: is not a date', '`--from 2026-11-23`'],
    [['simulate', '--down', 'soon'], '--down soon: is not a range of dates', '`--down 2026-11-23..'],
    [['simulate', '--down', '2026-11-23..2026-11-22'], 'ends before it begins', 'the earlier date first'],
    [['simulate', '--from', '2026-11-23', '--to', '2026-11-22'], 'is not after the beginning', 'see --from'],
    [['simulate', '--duration', '0s'], '--duration 0s: is less than a second', '1s or more'],
    [['nxet'], "unknown command 'nxet'", 'did you mean next?'],
  ])('%j', async (args, message, hint) => {
    const { exitCode, stdout, stderr } = await schedule({ nightly, plain }, ...args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    const [first, second] = stderr.split('\n');
    expect(first).toMatch(/^error USAGE: /);
    expect(first).toContain(message);
    expect(second).toContain(hint);
  });

  it('says so where no job has a schedule', async () => {
    expect(await schedule({ plain }, 'next')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('error USAGE: no job of jobs.yaml has a schedule\nhint: give it one in the spec'),
    });
  });
});

describe('every command that opens a spec', () => {
  it.each([['validate'], ['plan'], ['run'], ['schedule', 'next']])(
    '%s refuses a schedule that cannot be read',
    async (...command) => {
      await using folder = await temporaryFolder();
      const cron: Job = { ...minimal, schedule: { cron: '*/5 * * *' } };
      const onCalendar: Job = { ...plain, schedule: { onCalendar: '02:30:15' } };
      await writeSpec(folder.path, { cron, onCalendar });
      const { exitCode, stderr } = await nightshift(command, { cwd: folder.path });
      expect(exitCode).toBe(2);
      expect(stderr).toMatch(
        /error SPEC_INVALID: jobs\.yaml:9:9 jobs\.cron\.schedule\.cron: "\*\/5 \* \* \*" has 4 fields, expected 5/,
      );
      expect(stderr).toContain('hint: write minute hour day month weekday, e.g. "*/5 * * * *"');
      if (command[0] === 'validate')
        expect(stderr).toContain('jobs.onCalendar.schedule.onCalendar: "02:30:15" asks for seconds');
      else expect(stderr).toContain('(and 1 more)');
    },
  );

  it('refuses two zones that differ', async () => {
    const job: Job = { ...minimal, schedule: { onCalendar: '02:30 Asia/Kolkata', timeZone: 'Europe/Paris' } };
    const { stderr } = await schedule({ job }, 'next');
    expect(stderr).toContain('"02:30 Asia/Kolkata" names another zone than schedule.timeZone, Europe/Paris');
  });
});

it('schedule without a command shows its commands', async () => {
  const { exitCode, stderr } = await nightshift(['schedule'], { cwd: root });
  expect(exitCode).toBe(2);
  expect(stderr).toMatch(/^ {2}next .*\n {2}simulate /m);
});

describe('a TZ that names no zone', () => {
  const ofMachine: Job = { ...minimal, schedule: { cron: '@daily' } };
  it.each([
    ['next', 'jobs.yaml', 'ofMachine'],
    ['simulate', 'jobs.yaml', 'ofMachine'],
    ['status', 'jobs.yaml', 'ofMachine', '--state-dir', 'state'],
    ['run-due', 'jobs.yaml', 'ofMachine', '--dry-run', '--state-dir', 'state'],
  ])('is told of once by schedule %s, where a job has no zone of its own', async (...args) => {
    await using folder = await temporaryFolder();
    await writeSpec(folder.path, { ofMachine, nightly });
    const ask = (TZ: string, words: readonly string[]) =>
      nightshift(['schedule', ...words], { cwd: folder.path, env: { TZ } });
    const { exitCode, stderr } = await ask('Foo/Bar', args);
    expect(exitCode).toBe(0);
    expect(stderr.match(/warning: TZ is "Foo\/Bar", which names no time zone; UTC is taken/g)).toHaveLength(1);
    expect((await ask('Asia/Tokyo', args)).stderr).not.toContain('warning');
    const own = args.map((word) => (word === 'ofMachine' ? 'nightly' : word));
    expect((await ask('Foo/Bar', own)).stderr).not.toContain('warning');
  });
});
