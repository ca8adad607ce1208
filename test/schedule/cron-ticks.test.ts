import { Cron } from 'croner';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatLogicalDate } from '../../src/core/zoned-date.ts';
import { readCron } from '../../src/schedule/cron-expression.ts';
import {
  countTicks,
  lastTicks,
  nextTick,
  previousTick,
  type TickRule,
  ticks,
  ticksWithin,
} from '../../src/schedule/cron-ticks.ts';
import { cpuSeconds } from '../house/cpu-seconds.ts';
import { randomCron } from './random-cron.ts';

const dayMs = 86_400_000;

function take(rule: TickRule, fromMs: number, count: number): readonly number[] {
  const found: number[] = [];
  for (const tick of ticks(rule, fromMs)) {
    found.push(tick);
    if (found.length === count) break;
  }
  return found;
}

function ruleOf(cron: string, timeZone: string, daylightSaving: TickRule['daylightSaving'] = 'runOnce'): TickRule {
  return { cron, timeZone, daylightSaving };
}

interface Row {
  readonly zone: string;
  readonly cron: string;
  readonly from: string;
  readonly due: readonly string[];
  /** Where the reference decides otherwise: why we do not. */
  readonly differs?: string;
}

/** Both changes of a year, or the only one of its kind; `due` is local time with its offset, without the year. */
const rows: readonly Row[] = [
  // 02:00 → 03:00 and 03:00 → 02:00.
  row('Europe/Paris', '30 2 * * *', '2026-03-28T12:00Z', '03-29T03:00+02:00 03-30T02:30+02:00'),
  row('Europe/Paris', '0 2,3 * * *', '2026-03-28T12:00Z', '03-29T03:00+02:00 03-30T02:00+02:00 03-30T03:00+02:00'),
  row('Europe/Paris', '*/20 2-3 * * *', '2026-03-28T12:00Z', '03-29T03:00+02:00 03-29T03:20+02:00 03-29T03:40+02:00'),
  row('Europe/Paris', '30 * * * *', '2026-03-29T00:00Z', '03-29T01:30+01:00 03-29T03:30+02:00 03-29T04:30+02:00'),
  row('Europe/Paris', '0 */2 * * *', '2026-03-28T22:30Z', '03-29T00:00+01:00 03-29T04:00+02:00 03-29T06:00+02:00'),
  row('Europe/Paris', '30 2 * * *', '2026-10-24T12:00Z', '10-25T02:30+02:00 10-26T02:30+01:00'),
  row('Europe/Paris', '0 3 * * *', '2026-10-24T12:00Z', '10-25T03:00+01:00 10-26T03:00+01:00'),
  row('Europe/Paris', '30 * * * *', '2026-10-25T00:00Z', '10-25T02:30+02:00 10-25T02:30+01:00 10-25T03:30+01:00'),
  row('Europe/Paris', '0 */2 * * *', '2026-10-24T21:30Z', '10-25T00:00+02:00 10-25T02:00+02:00 10-25T02:00+01:00'),
  row('America/New_York', '30 2 * * *', '2026-03-07T12:00Z', '03-08T03:00-04:00 03-09T02:30-04:00'),
  row('America/New_York', '0 2 * * SUN', '2026-03-07T12:00Z', '03-08T03:00-04:00 03-15T02:00-04:00'),
  row('America/New_York', '15 * * * *', '2026-03-08T06:00Z', '03-08T01:15-05:00 03-08T03:15-04:00'),
  row('America/New_York', '30 1 * * *', '2026-10-31T12:00Z', '11-01T01:30-04:00 11-02T01:30-05:00'),
  row('America/New_York', '15 * * * *', '2026-11-01T04:30Z', '11-01T01:15-04:00 11-01T01:15-05:00 11-01T02:15-05:00'),
  // At midnight: 00:00 → 01:00, and 24:00 → 23:00.
  row('America/Sao_Paulo', '0 0 * * *', '2018-11-03T12:00Z', '11-04T01:00-02:00 11-05T00:00-02:00'),
  row('America/Sao_Paulo', '0 0 4 11 *', '2018-11-03T12:00Z', '11-04T01:00-02:00 11-04T00:00-03:00'),
  row('America/Sao_Paulo', '30 23 * * *', '2018-02-17T12:00Z', '02-17T23:30-02:00 02-18T23:30-03:00'),
  row('America/Sao_Paulo', '0 0 * * *', '2018-02-17T12:00Z', '02-18T00:00-03:00 02-19T00:00-03:00'),
  row('America/Sao_Paulo', '30 * * * *', '2018-02-18T00:45Z', '02-17T23:30-02:00 02-17T23:30-03:00 02-18T00:30-03:00'),
  // By half an hour: 02:00 → 02:30 and 02:00 → 01:30.
  row('Australia/Lord_Howe', '15 2 * * *', '2026-10-03T00:00Z', '10-04T02:30+11:00 10-05T02:15+11:00'),
  row('Australia/Lord_Howe', '*/15 * * * *', '2026-10-03T15:15Z', '10-04T02:30+11:00 10-04T02:45+11:00'),
  row('Australia/Lord_Howe', '45 1 * * *', '2026-04-04T00:00Z', '04-05T01:45+11:00 04-06T01:45+10:30'),
  row('Australia/Lord_Howe', '15 1 * * *', '2026-04-04T00:00Z', '04-05T01:15+11:00 04-06T01:15+10:30'),
  row(
    'Australia/Lord_Howe',
    '*/15 * * * *',
    '2026-04-04T14:30Z',
    '04-05T01:45+11:00 04-05T01:30+10:30 04-05T01:45+10:30',
  ),
  // No change at all.
  row('Asia/Kolkata', '30 2 * * *', '2026-03-28T12:00Z', '03-29T02:30+05:30 03-30T02:30+05:30'),
  row('Asia/Kolkata', '30 2 * * *', '2026-10-24T12:00Z', '10-25T02:30+05:30 10-26T02:30+05:30'),
  // Back for Ramadan, and forth after it.
  row('Africa/Casablanca', '30 2 * * *', '2026-02-14T12:00Z', '02-15T02:30+01:00 02-16T02:30+00:00'),
  row('Africa/Casablanca', '30 2 * * *', '2026-03-21T12:00Z', '03-22T03:00+01:00 03-23T02:30+01:00'),
  row('Africa/Casablanca', '0 * * * *', '2026-02-15T00:30Z', '02-15T02:00+01:00 02-15T02:00+00:00 02-15T03:00+00:00'),
  // 30 December 2011 was left out as a whole.
  {
    ...row('Pacific/Apia', '30 2 * * *', '2011-12-29T13:00Z', '12-31T00:00+14:00 12-31T02:30+14:00 01-01T02:30+14:00'),
    differs: 'a tick that is left out runs at the first instant after the gap, however long that is',
  },
  row('Pacific/Apia', '0 0 * * *', '2011-12-29T13:00Z', '12-31T00:00+14:00 01-01T00:00+14:00'),
  row('Pacific/Apia', '0 * * * *', '2011-12-30T08:30Z', '12-29T23:00-10:00 12-31T00:00+14:00 12-31T01:00+14:00'),
];

function row(zone: string, cron: string, ...[from, due]: readonly [from: string, due: string]): Row {
  return { zone, cron, from, due: due.split(' ') };
}

function shown(tick: number, zone: string): string {
  return formatLogicalDate(tick, zone)
    .slice('2026-'.length)
    .replace(':00+', '+')
    .replace(/:00-(?=\d\d:\d\d$)/, '-');
}

describe('across a change of the clocks', () => {
  it.each(rows)('$zone $cron after $from is due $due', ({ zone, cron, from, due, differs }) => {
    const found = take(ruleOf(cron, zone), Date.parse(from), due.length);
    expect(found.map((tick) => shown(tick, zone))).toEqual(due);
    const reference = new Cron(cron, { timezone: zone, paused: true })
      .nextRuns(due.length, new Date(from))
      .map((date) => date.getTime());
    if (differs === undefined) expect(found).toEqual(reference);
    else expect(found, differs).not.toEqual(reference);
  });

  it.each([
    ['Europe/Paris', '30 2 * * *', '2026-03-28T12:00Z', '03-30T02:30+02:00'],
    ['Europe/Paris', '0 2,3 * * *', '2026-03-28T12:00Z', '03-29T03:00+02:00'],
    ['Europe/Paris', '30 2 * * *', '2026-10-24T12:00Z', '10-25T02:30+02:00'],
    ['America/Sao_Paulo', '0 0 * * *', '2018-11-03T12:00Z', '11-05T00:00-02:00'],
    ['Australia/Lord_Howe', '15 2 * * *', '2026-10-03T00:00Z', '10-05T02:15+11:00'],
    ['Pacific/Apia', '30 2 * * *', '2011-12-29T13:00Z', '12-31T02:30+14:00'],
  ])('%s %s after %s is due %s with daylightSaving: skip', (zone, cron, from, due) => {
    expect(shown(nextTick(ruleOf(cron, zone, 'skip'), Date.parse(from)) ?? 0, zone)).toBe(due);
  });

  it('counts what it lists', () => {
    for (const { zone, cron, from } of rows) {
      const range = { fromExclusiveMs: Date.parse(from), toMs: Date.parse(from) + 3 * dayMs };
      expect(countTicks(ruleOf(cron, zone), range)).toBe(ticksWithin(ruleOf(cron, zone), range).length);
    }
  });
});

const zones = fc.constantFrom(...new Set(rows.map(({ zone }) => zone)), 'UTC', 'America/St_Johns', 'Africa/Cairo');
const instants = fc.integer({ min: Date.UTC(2008, 0), max: Date.UTC(2030, 0) });
const rules = fc
  .tuple(randomCron, zones, fc.constantFrom('runOnce' as const, 'skip' as const))
  .filter(([cron]) => readCron(cron).state === 'valid')
  .map(([cron, timeZone, daylightSaving]) => ({ cron, timeZone, daylightSaving }));

describe('ticks', () => {
  it('ascend, and are the same from wherever one begins', () => {
    fc.assert(
      fc.property(rules, instants, (rule, fromMs) => {
        const found = take(rule, fromMs, 5);
        expect(found).toEqual([...new Set(found)].sort((a, b) => a - b));
        expect(found.every((tick) => tick > fromMs)).toBe(true);
        const [first, second] = found;
        if (first === undefined) return;
        expect(nextTick(rule, first)).toBe(second);
        expect(nextTick(rule, first - 1)).toBe(first);
        expect(previousTick(rule, first)).toBe(first);
      }),
      { numRuns: 200 },
    );
  });

  it('are counted as they are listed, and the last of them are the last of the list', () => {
    fc.assert(
      fc.property(rules, instants, fc.integer({ min: 1, max: 40 }), (rule, fromExclusiveMs, count) => {
        const range = { fromExclusiveMs, toMs: fromExclusiveMs + 20 * dayMs };
        const all = ticksWithin(rule, range);
        expect(countTicks(rule, range)).toBe(all.length);
        expect(lastTicks(rule, range, count)).toEqual(all.slice(-count));
      }),
      { numRuns: 100 },
    );
  });

  it('of every minute of three years are counted in no time', () => {
    const range = { fromExclusiveMs: Date.UTC(2025, 0) - 1, toMs: Date.UTC(2028, 0) - 1 };
    const begun = cpuSeconds();
    expect(countTicks(ruleOf('* * * * *', 'Europe/Paris'), range)).toBe(1095 * 1440);
    expect(lastTicks(ruleOf('* * * * *', 'Europe/Paris'), range, 3)).toHaveLength(3);
    expect(cpuSeconds() - begun).toBeLessThan(2);
  });

  it('that are rare are found: 29 February, and the fifth Monday of a February', () => {
    const next = (cron: string) => shown(nextTick(ruleOf(cron, 'UTC'), Date.UTC(2096, 2)) ?? 0, 'UTC');
    expect(next('0 0 29 2 *')).toBe('02-29T00:00+00:00');
    expect(new Date(nextTick(ruleOf('0 0 29 2 *', 'UTC'), Date.UTC(2096, 2)) ?? 0).getUTCFullYear()).toBe(2104);
    expect(new Date(nextTick(ruleOf('0 0 * 2 1#5', 'UTC'), Date.UTC(2073, 0)) ?? 0).getUTCFullYear()).toBe(2112);
  });

  it('of an expression that is never due are an error, not a search', () => {
    expect(() => nextTick(ruleOf('0 0 30 2 *', 'UTC'), 0)).toThrow('is never due');
  });
});
