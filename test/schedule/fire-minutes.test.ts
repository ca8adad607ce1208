import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fireMinutes, minutesOf } from '../../src/schedule/fire-minutes.ts';
import { isPlainCron, tickMinutes } from '../../src/schedule/tick-minutes.ts';

const nowMs = Date.UTC(2026, 10, 26);
const zones = [
  'UTC',
  'Europe/Paris',
  'America/New_York',
  'Asia/Kolkata',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'America/St_Johns',
  'Pacific/Chatham',
];

/** The minute that a clock in a zone shows. */
const minuteIn = (timeZone: string, atMs: number) =>
  Number(new Intl.DateTimeFormat('en', { timeZone, minute: 'numeric' }).format(atMs));

describe('the minutes at which a timer calls', () => {
  it.each([
    ['UTC', 'UTC', [30], [30]],
    ['Europe/Paris', 'America/New_York', [30], [30]],
    ['Asia/Kolkata', 'UTC', [30], [0]],
    ['UTC', 'Asia/Kathmandu', [0, 10], [45, 55]],
    ['Australia/Lord_Howe', 'UTC', [15], [15, 45]],
  ])('of ticks in %s on a machine in %s at %j are %j', (jobZone, machineZone, minutes, expected) => {
    expect(fireMinutes({ minutes, jobZone, machineZone, nowMs })).toEqual(expected);
  });

  it('have every tick of the next two years among them', () => {
    const zone = fc.constantFrom(...zones);
    fc.assert(
      fc.property(zone, zone, fc.integer({ min: 0, max: 2 * 365 * 1440 }), (jobZone, machineZone, minutes) => {
        const atMs = nowMs + minutes * 60_000;
        const found = fireMinutes({ minutes: [minuteIn(jobZone, atMs)], jobZone, machineZone, nowMs });
        expect(found).toContain(minuteIn(machineZone, atMs));
      }),
      { numRuns: 200 },
    );
  });
});

it.each([
  ['5', [5]],
  ['5,35', [5, 35]],
  ['*/20', [0, 20, 40]],
  ['10-12', [10, 11, 12]],
  ['10..12', [10, 11, 12]],
  ['10-30/10', [10, 20, 30]],
  ['50/5', [50, 55]],
  ['60', undefined],
  ['5-', undefined],
  ['*/0', undefined],
  ['H', undefined],
  ['', undefined],
])('reads the minutes of %j as %j', (field, minutes) => expect(minutesOf(field)).toEqual(minutes));

it.each([
  [{ cron: '30 2 * * *' }, [30]],
  [{ cron: '@daily' }, [0]],
  [{ cron: '15 30 2 * * *' }, [30, 31]],
  [{ onCalendar: '*-*-* 02:30:00' }, [30]],
  [{ onCalendar: 'Mon..Fri 22:15 Europe/Paris' }, [15]],
  [{ onCalendar: 'hourly' }, [0]],
  [{ onCalendar: 'Mon *-*-1' }, [0]],
  [{ onCalendar: '*:0/20' }, [0, 20, 40]],
  [{ onCalendar: '*-*-* 02:30:30' }, [30, 31]],
])('finds the minutes of the ticks of %j: %j', (when, minutes) =>
  expect(tickMinutes({ cron: undefined, onCalendar: undefined, ...when })).toEqual(minutes),
);

it.each([[{ cron: 'H 2 * * *' }], [{ onCalendar: 'minutely' }], [{ onCalendar: '2:x' }]])(
  'calls every minute where it cannot read %j',
  (when) => {
    expect(tickMinutes({ cron: undefined, onCalendar: undefined, ...when })).toHaveLength(60);
  },
);

it.each([
  ['30 2 * * *', true],
  ['@daily', true],
  ['@reboot', false],
  ['0 30 2 * * *', false],
  ['30 2 L * *', false],
  ['30 2 * * MON', false],
  ['30 2 * * *\nx', false],
])('%j is what every crontab takes: %s', (cron, isPlain) => expect(isPlainCron(cron)).toBe(isPlain));
