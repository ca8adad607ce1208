import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readCron } from '../../src/schedule/cron-expression.ts';
import { nextTick } from '../../src/schedule/cron-ticks.ts';
import { onCalendarLines } from '../../src/schedule/on-calendar.ts';
import { readOnCalendar } from '../../src/schedule/read-on-calendar.ts';
import { hasSystemdAnalyze, systemdTicks } from './calendar-reference.ts';
import { randomCron } from './random-cron.ts';

const readable = [
  ['minutely', '* * * * *'],
  ['hourly', '0 * * * *'],
  ['daily', '0 0 * * *'],
  ['weekly', '0 0 * * 1'],
  ['monthly', '0 0 1 * *'],
  ['quarterly', '0 0 1 1,4,7,10 *'],
  ['semiannually', '0 0 1 1,7 *'],
  ['yearly', '0 0 1 1 *'],
  ['02:30', '30 2 * * *'],
  ['*-*-* 02:30:00', '30 2 * * *'],
  ['Mon..Fri 02:30', '30 2 * * 1-5'],
  ['Mon-Fri 02:30', '30 2 * * 1-5'],
  ['Sat,Sun 6:00', '0 6 * * 0,6'],
  ['monday,Wed *-*-* 00:00', '0 0 * * 1,3'],
  ['Fri..Sun', '0 0 * * 0,5-6'],
  ['*-*-01', '0 0 1 * *'],
  ['*-01,07-01 12:00', '0 12 1 1,7 *'],
  ['01-02 03:04', '4 3 2 1 *'],
  ['*:0/15', '*/15 * * * *'],
  ['0/6:00', '0 */6 * * *'],
  ['8..18/2:10', '10 8-18/2 * * *'],
  ['*-*-1/10', '0 0 */10 * *'],
  ['*:5/20', '5-59/20 * * * *'],
  ['*-*~01 03:00', '0 3 L * *'],
  ['Fri *-*-08..14 02:30', '30 2 * * 5#2'],
  ['Fri *-*~07/1', '0 0 * * 5L'],
] as const;

describe('a calendar expression that cron can say', () => {
  it.each(readable)('%s is %s', (written, cron) => {
    expect(readOnCalendar(written)).toEqual({ state: 'valid', cron, timeZone: undefined });
    expect(readOnCalendar(`${written} Europe/Paris`)).toEqual({ state: 'valid', cron, timeZone: 'Europe/Paris' });
  });

  it('is due when systemd says so', async ({ skip }) => {
    skip(
      !(await hasSystemdAnalyze()),
      'systemd-analyze is not installed: calendar expressions were held against nothing',
    );
    const fromMs = Date.UTC(2026, 4, 1, 12);
    const answers = await systemdTicks({ lines: readable.map(([written]) => `${written} UTC`), fromMs, count: 1 });
    const ours = readable.map(([, cron]) => [nextTick({ cron, timeZone: 'UTC', daylightSaving: 'runOnce' }, fromMs)]);
    expect(ours).toEqual(answers);
  });

  it('comes back from what is rendered for systemd', () => {
    fc.assert(
      fc.property(randomCron, (cron) => {
        const reading = readCron(cron);
        fc.pre(reading.state === 'valid');
        const [line, ...others] = onCalendarLines(reading.cron, 'Asia/Kolkata');
        fc.pre(line !== undefined && others.length === 0);
        const back = readOnCalendar(line);
        expect(back).toMatchObject({ state: 'valid', timeZone: 'Asia/Kolkata' });
        if (back.state !== 'valid') return;
        const again = readCron(back.cron);
        expect(again.state === 'valid' ? onCalendarLines(again.cron, 'Asia/Kolkata') : []).toEqual([line]);
      }),
      { numRuns: 500 },
    );
  });
});

describe('a calendar expression that cron cannot say names the nearest that it can', () => {
  it.each([
    ['02:30:15', 'asks for seconds', 'write the time 02:30:00'],
    ['*:*:0/10', 'asks for seconds', 'write the time *:*:00'],
    ['2026-*-* 01:00', 'asks for the year 2026', 'write *-*-*, for every year'],
    ['Mon *-*-01', 'both of a weekday and of a date', 'leave one of the two out'],
    ['*-*~03', 'counts days from the end of the month (~03)', 'write ~01 for the last day'],
    ['01:99', 'is 99 1 * * * in cron: the minute "99" is not from 0 to 59', 'write 0 to 59'],
    ['*-02-30', 'never due', 'write L for the last day'],
    ['02:30 Mars/Base', 'ends with Mars/Base, which is not a time zone', 'IANA'],
    ['Fri..Mon', 'has the weekdays Fri..Mon, which cannot be read', 'Mon..Fri or Sat,Sun'],
    ['Mon..Bar', 'has the weekdays Mon..Bar', 'Mon..Fri or Sat,Sun'],
    ['*/2:00', 'has */2, which cannot be read', '"daily"'],
    ['02:30 *-*-01', 'cannot be read', '"daily"'],
    ['1:2:3:4', 'has the time 1:2:3:4', '"daily"'],
    ['nightly', 'has the date nightly', '"daily"'],
    ['', 'cannot be read', '"daily"'],
  ])('%j %s', (written, text, hint) => {
    expect(readOnCalendar(written)).toEqual({
      state: 'invalid',
      text: expect.stringContaining(text),
      hint: expect.stringContaining(hint),
    });
  });

  it('whatever it is', () => {
    const texts = fc.string({ unit: fc.constantFrom(...'0123456789*/-.,:~ MonFriUTC') });
    fc.assert(
      fc.property(texts, (written) => {
        const reading = readOnCalendar(written);
        if (reading.state === 'valid') expect(readCron(reading.cron).state).toBe('valid');
        else expect(reading.hint).not.toBe('');
      }),
      { numRuns: 2000 },
    );
  });
});
