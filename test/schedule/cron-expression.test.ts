import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readCron } from '../../src/schedule/cron-expression.ts';

function refused(written: string) {
  const reading = readCron(written);
  return reading.state === 'invalid' ? { text: reading.text, hint: reading.hint } : 'it was accepted';
}

describe('a cron expression that cannot be read says why', () => {
  it.each([
    ['*/5 * * *', '"*/5 * * *" has 4 fields, expected 5', 'write minute hour day month weekday, e.g. "*/5 * * * *"'],
    ['30', '"30" has 1 field, expected 5', 'e.g. "30 * * * *"'],
    ['', '"" has 0 fields, expected 5', 'e.g. "30 2 * * *"'],
    ['99 * * *', '"99 * * *" has 4 fields, expected 5', 'e.g. "30 2 * * *"'],
    ['1 2 3 4 5 6 7', '"1 2 3 4 5 6 7" has 7 fields, expected 5', 'e.g. "30 2 * * *"'],
    ['0 30 2 * * *', '"0 30 2 * * *" has 6 fields: seconds cannot be asked for', 'leave the seconds out: "30 2 * * *"'],
    ['@reboot', '"@reboot" cannot be scheduled', 'missed runs are made up for'],
    ['@nightly', '"@nightly" is not known', '@hourly, @daily'],
    ['@secondly', '"@secondly" is not known', '@hourly, @daily'],
    ['61 * * * *', 'the minute "61" is not from 0 to 59', 'write 0 to 59'],
    ['0 24 * * *', 'the hour "24" is not from 0 to 23', 'write 0 to 23'],
    ['0 5-30 * * *', 'the hour "5-30" leaves the range from 0 to 23', 'write 0 to 23'],
    ['0 5-3 * * *', 'the hour "5-3" ends before it begins', 'write 0 to 23'],
    ['0 0 0 * *', 'the day of month "0" is not from 1 to 31', 'L for the last'],
    ['0 0 * FOO *', 'the month "FOO" has the unknown name foo', 'JAN to DEC'],
    ['0 0 * * 8', 'the day of week "8" is not from 0 to 7', 'MON-FRI'],
    [
      '0 0 * * 5#6',
      'the day of week "5#6" is not the 1st to the 5th of its kind in a month',
      '5#2 for the second Friday',
    ],
    ['0 0 * * L', 'the day of week "L" cannot be read', '5L for the last'],
    ['0 0 * * 0,7', 'the day of week "0,7" names 0 twice', 'MON-FRI'],
    ['*/0 * * * *', 'the minute "*/0" has a step that is not 1 or more', 'write 0 to 59'],
    ['a * * * *', 'the minute "a" cannot be read', 'write 0 to 59'],
    ['? * * * *', 'the minute "?" cannot be read', 'write 0 to 59'],
    ['H * * * *', 'the minute "H" would be drawn by lot', 'write 0 to 59'],
    ['0 0 1W * *', 'the day of month "1W" cannot be read', 'L for the last'],
    ['0 0 30 2 *', '"0 0 30 2 *" is never due: no month of it has such a day', 'write L for the last day'],
    ['0 0 31 2,4,6 *', 'is never due', 'write L for the last day'],
  ])('%j: %s', (written, text, hint) => {
    expect(refused(written)).toEqual({ text: expect.stringContaining(text), hint: expect.stringContaining(hint) });
  });

  it('whatever it is', () => {
    const words = fc.string({ unit: fc.constantFrom(...'0123456789*/-,#L?WH@ abcMONjan') });
    fc.assert(
      fc.property(words, (written) => {
        const reading = readCron(written);
        if (reading.state === 'invalid') expect(reading.hint).not.toBe('');
        else expect(reading.cron.minutesOfDay.length).toBeGreaterThan(0);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('a cron expression stands for values', () => {
  it.each([
    ['@hourly', '0 * * * *'],
    ['@daily', '0 0 * * *'],
    ['@midnight', '0 0 * * *'],
    ['@weekly', '0 0 * * SUN'],
    ['@monthly', '0 0 1 * *'],
    ['@yearly', '0 0 1 JAN *'],
    [' 0  0 * * 7 ', '0 0 * * 0'],
    ['0 0 * * mon-Fri', '0 0 * * 1,2,3,4,5'],
    ['*/15 9-17/4 * * *', '0,15,30,45 9,13,17 * * *'],
    ['5/20 * * * *', '5,25,45 * * * *'],
    ['0 0 ? * ?', '0 0 * * *'],
    ['0 0 * * FRI#2', '0 0 * * 5#2'],
  ])('%s as %s does', (written, same) => {
    expect(readCron(written)).toEqual(readCron(same));
    expect(readCron(written).state).toBe('valid');
  });

  it.each([
    ['0 * * * *', true],
    ['0 */2 * * *', true],
    ['0 0-23 * * *', true],
    ['0 0-22 * * *', false],
    ['* 2 * * *', false],
  ])('%s follows elapsed time: %s', (written, followsElapsedTime) => {
    expect(readCron(written)).toMatchObject({ state: 'valid', cron: { followsElapsedTime } });
  });

  it('such as 30 February or a Monday', () => {
    expect(readCron('0 0 30 2 MON').state).toBe('valid');
  });
});
