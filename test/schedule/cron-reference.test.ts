import { CronExpressionParser } from 'cron-parser';
import { Cron } from 'croner';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readCron } from '../../src/schedule/cron-expression.ts';
import { ticksWithin } from '../../src/schedule/cron-ticks.ts';
import { onCalendarLines } from '../../src/schedule/on-calendar.ts';
import { hasSystemdAnalyze, systemdTicks, systemdVersion } from './calendar-reference.ts';
import { randomCron } from './random-cron.ts';

const zones = ['UTC', 'Europe/Paris', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kolkata'] as const;
/** No zone of these changes its clocks in between. */
const quiet = { fromExclusiveMs: Date.UTC(2026, 4, 1, 12), toMs: Date.UTC(2026, 8, 20) } as const;
const count = 4;

const dueCron = randomCron.filter((cron) => readCron(cron).state === 'valid');

function ours(cron: string, timeZone: string): readonly number[] {
  return ticksWithin({ cron, timeZone, daylightSaving: 'runOnce' }, quiet).slice(0, count);
}

function within(dates: readonly number[]): readonly number[] {
  return dates.filter((date) => date <= quiet.toMs);
}

describe('away from changes of the clocks', () => {
  it('ticks are those of cron-parser', () => {
    fc.assert(
      fc.property(dueCron, fc.constantFrom(...zones), (cron, tz) => {
        const expression = CronExpressionParser.parse(cron, { tz, currentDate: new Date(quiet.fromExclusiveMs) });
        const theirs = expression.take(count).map((date) => date.getTime());
        expect(ours(cron, tz)).toEqual(within(theirs));
      }),
      { numRuns: 300 },
    );
  });

  it('ticks are those of croner', () => {
    fc.assert(
      fc.property(dueCron, fc.constantFrom(...zones), (cron, timezone) => {
        const dates = new Cron(cron, { timezone, paused: true }).nextRuns(count, new Date(quiet.fromExclusiveMs));
        expect(ours(cron, timezone)).toEqual(within(dates.map((date) => date.getTime())));
      }),
      { numRuns: 300 },
    );
  });

  it('ticks are those of systemd for what is rendered for it', async ({ skip }) => {
    skip(!(await hasSystemdAnalyze()), 'systemd-analyze is not installed: OnCalendar lines were held against nothing');
    const samples = fc.sample(fc.tuple(dueCron, fc.constantFrom(...zones)), 300).map(([cron, zone]) => {
      const reading = readCron(cron);
      return { cron, zone, lines: reading.state === 'valid' ? onCalendarLines(reading.cron, zone) : [] };
    });
    const lines = samples.flatMap((sample) => sample.lines);
    const answers = await systemdTicks({ lines, fromMs: quiet.fromExclusiveMs, count });
    let at = 0;
    for (const { cron, zone, lines: own } of samples) {
      const theirs = answers.slice(at, at + own.length).flat();
      at += own.length;
      const merged = [...new Set(theirs)].sort((a, b) => a - b).slice(0, count);
      expect({ cron, zone, ticks: ours(cron, zone) }).toEqual({ cron, zone, ticks: within(merged) });
    }
  });
});

/** A timer that is installed with these lines needs something else to call it at the ticks that systemd leaves out. */
describe('as the clocks change, systemd', () => {
  it.for([
    ['30 2 * * *', '2026-03-28T12:00Z', '03-29T01:00 03-30T00:30', '03-30T00:30', 'leaves out what the clock does'],
    ['30 2 * * *', '2026-10-24T12:00Z', '10-25T00:30 10-26T01:30', '10-25T00:30 10-26T01:30', 'agrees: the first time'],
    [
      '30 * * * *',
      '2026-03-29T00:15Z',
      '03-29T00:30 03-29T01:30',
      '03-29T00:30 03-29T01:30',
      'agrees: nothing is made up',
    ],
    ['30 * * * *', '2026-10-25T00:15Z', '10-25T00:30 10-25T01:30', '10-25T00:30 10-25T02:30', 'leaves out an hour'],
  ])('for %s after %s: ours %s, theirs %s: it %s', async ([cron = '', from = '', own = '', theirs = ''], { skip }) => {
    const fromMs = Date.parse(from);
    const rule = { cron, timeZone: 'Europe/Paris', daylightSaving: 'runOnce' } as const;
    const range = { fromExclusiveMs: fromMs, toMs: fromMs + 2 * 86_400_000 };
    expect(utcTexts(ticksWithin(rule, range)).slice(0, own.split(' ').length)).toEqual(own.split(' '));
    skip((await systemdVersion()) !== 252, 'systemd is not the version 252 whose answers these are');
    const reading = readCron(cron);
    const lines = reading.state === 'valid' ? onCalendarLines(reading.cron, rule.timeZone) : [];
    const [answer = []] = await systemdTicks({ lines, fromMs, count: theirs.split(' ').length });
    expect(utcTexts(answer)).toEqual(theirs.split(' '));
  });
});

function utcTexts(ticks: readonly number[]): readonly string[] {
  return ticks.map((tick) => new Date(tick).toISOString().slice('2026-'.length, '2026-03-29T01:00'.length));
}
