import { join } from 'node:path';
import { execa } from 'execa';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changedCrontab, quoted, timerLines, timersInCrontab } from '../../src/schedule/crontab.ts';
import { markerLine, parseMarkerLine } from '../../src/schedule/timer.ts';
import { someTimer } from './some-timer.ts';

/** What a value may be: everything but control characters, with those that mean something in a shell or to cron often. */
const value = fc
  .string({
    unit: fc.oneof(
      fc.constantFrom('%', '\\', "'", '"', '$', '`', ' ', '\t', '#', '!', '~'),
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
    ),
  })
  .filter((text) => !/(?!\t)\p{Cc}/u.test(text));

const timer = fc
  .record({
    job: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,20}$/),
    spec: value.map((text) => `/srv/${text}`),
    folder: value,
  })
  .map(({ job, spec, folder }) => someTimer({ job, spec, folder, environment: { A: folder.slice(0, 9) } }));

/** Lines as others may have them, in bytes that need be no text, with the last one ended or not. */
const foreign = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes.filter((byte) => byte !== 10))),
      fc
        .constantFrom(
          '# m h dom mon dow command',
          'MAILTO=""',
          'CRON_TZ=Asia/Tokyo',
          '0 4 * * * cd /x && ./y \\% z',
          '# nightshift',
          '# nightshift {"v":1}',
          '\r',
          '',
        )
        .map(Buffer.from),
    ),
    { maxLength: 12 },
  )
  .chain((lines) => fc.tuple(fc.constant(lines), fc.constantFrom('\n', '\r\n'), fc.boolean()))
  .map(([lines, end, isEnded]) => {
    const all = Buffer.concat(lines.flatMap((line) => [line, Buffer.from(end)]));
    return isEnded ? all : all.subarray(0, Math.max(0, all.length - end.length));
  });

/** What cron hands to the shell. Debian's also makes one backslash of two, cronie's does not. */
function afterCron(command: string, isDebian: boolean): string {
  expect(command.replaceAll(/\\./g, '')).not.toContain('%');
  return command.replaceAll(isDebian ? /\\([%\\])/g : /\\(%)/g, '$1');
}

describe('the lines of a timer', () => {
  it('are what they were', async () => {
    await expect(timerLines(someTimer())).toMatchFileSnapshot(join(import.meta.dirname, 'golden/late-flights.crontab'));
  });

  it('say everything of the timer that they are listed by', () => {
    fc.assert(
      fc.property(timer, (each) => {
        const { v, id, spec, job, when, timeZone, digest, node, bin } = each;
        expect(timersInCrontab(Buffer.from(timerLines(each)))).toEqual([
          { v, id, spec, job, when, timeZone, digest, node, bin },
        ]);
        expect(markerLine(each)).not.toContain('\n');
      }),
    );
  });

  it.each([true, false])(
    'give the shell each value as it is, where cron unescapes as Debian’s: %s',
    async (isDebian) => {
      await fc.assert(
        fc.asyncProperty(fc.array(value, { minLength: 1, maxLength: 40 }), async (values) => {
          const words = values.map((each) => quoted('the value', each)).join(' ');
          const { stdout } = await execa('/bin/sh', ['-c', `printf '%s\\0' ${afterCron(words, isDebian)}`]);
          expect(stdout.split('\0').slice(0, -1)).toEqual(values);
        }),
        { numRuns: 25 },
      );
    },
  );

  it.each(['\n', '\0', '\r', '\u001B', '\u0085'])('hold no %j', (control) => {
    for (const changes of [{ folder: `/srv/a${control}b` }, { environment: { A: control } }, { bin: `/x${control}` }])
      expect(() => timerLines(someTimer(changes))).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });

  it('are refused where cron would cut them off', () => {
    const long = (length: number) => someTimer({ environment: { A: 'x'.repeat(length) } });
    const rest = Buffer.byteLength(timerLines(long(1)).split('\n')[1] ?? '') - Buffer.byteLength('30 * * * * ') - 1;
    expect(timerLines(long(998 - rest))).toContain('xxx');
    expect(() => timerLines(long(999 - rest))).toThrow('longer than the 998 bytes');
  });
});

describe('a crontab of others', () => {
  it('is the same, byte for byte, after timers were installed, changed and removed', () => {
    fc.assert(
      fc.property(foreign, fc.uniqueArray(timer, { selector: ({ id }) => id, maxLength: 4 }), (before, timers) => {
        const installed = changedCrontab(before, { install: timers, remove: [] });
        expect(timersInCrontab(installed).map(({ id }) => id)).toEqual(timers.map(({ id }) => id));
        expect(installed.subarray(installed.length - before.length).equals(before)).toBe(true);
        expect(changedCrontab(installed, { install: timers, remove: [] }).equals(installed)).toBe(true);
        const others = timers.map((each) => ({ ...each, cronTimes: ['1,2 * * * *', '3 4 * * *'] }));
        const changed = changedCrontab(installed, { install: others, remove: [] });
        expect(changed.subarray(changed.length - before.length).equals(before)).toBe(true);
        const [first, ...rest] = timers.map(({ id }) => id);
        const some = changedCrontab(changed, { install: [], remove: first === undefined ? [] : [first] });
        expect(timersInCrontab(some).map(({ id }) => id)).toEqual(rest);
        expect(changedCrontab(some, { install: [], remove: rest }).equals(before)).toBe(true);
      }),
    );
  });

  it.each(['\u2028', '\u2029'])('loses none of ours to a %j, which ends a line for JavaScript alone', (separator) => {
    const timer = someTimer({ spec: `/srv/a${separator}b`, folder: `/srv/${separator}` });
    const installed = changedCrontab(Buffer.from('own\n'), { install: [timer], remove: [] });
    expect(timersInCrontab(installed)).toHaveLength(1);
    expect(changedCrontab(installed, { install: [], remove: [timer.id] }).toString()).toBe('own\n');
  });

  it('keeps lines that somebody put between ours, and in their order', () => {
    const [marker = '', hourly = '', reboot = ''] = timerLines(someTimer()).split('\n');
    const text = ['A=1', marker, '# mine', hourly, '0 0 * * * own', reboot, 'B=2', ''].join('\n');
    const same = changedCrontab(Buffer.from(text), { install: [someTimer()], remove: [] });
    expect(same.toString()).toBe(text);
    const changed = changedCrontab(same, { install: [someTimer({ cronTimes: ['5 * * * *'] })], remove: [] });
    expect(
      changed
        .toString()
        .split('\n')
        .filter((line) => !line.includes('nightshift')),
    ).toEqual(['A=1', '# mine', '0 0 * * * own', 'B=2', '']);
    expect(changed.toString()).not.toContain('30 * * * *');
    const removed = changedCrontab(changed, { install: [], remove: [someTimer().id] });
    expect(removed.toString()).toBe('A=1\n# mine\n0 0 * * * own\nB=2\n');
  });

  it('finds our lines in a file that an editor gave other line ends', () => {
    const text = Buffer.from(`${timerLines(someTimer())}0 0 * * * own\n`.replaceAll('\n', '\r\n'));
    expect(timersInCrontab(text)).toHaveLength(1);
    expect(changedCrontab(text, { install: [], remove: [someTimer().id] }).toString()).toBe('0 0 * * * own\r\n');
  });

  it('keeps the timers that a change does not name', () => {
    const [a, b] = [someTimer({ job: 'a' }), someTimer({ job: 'b' })];
    const both = changedCrontab(Buffer.alloc(0), { install: [a, b], remove: [] });
    expect(changedCrontab(both, { install: [], remove: [a.id] }).toString()).toBe(timerLines(b));
    expect(changedCrontab(both, { install: [a], remove: [] }).equals(both)).toBe(true);
  });
});

it.each(['# nightshift {', '# nightshift {"v":2}', '#nightshift {}', '# nightshift {"v":1,"id":"x"}', ''])(
  'takes %j for no marker',
  (line) => {
    expect(parseMarkerLine(line)).toBeUndefined();
  },
);
