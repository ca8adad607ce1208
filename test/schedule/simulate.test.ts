import { expect, it } from 'vitest';
import { formatLogicalDate } from '../../src/core/zoned-date.ts';
import type { DueSchedule } from '../../src/schedule/due.ts';
import { type Simulation, simulate } from '../../src/schedule/simulate.ts';

const hourMs = 3_600_000;

const nightly: DueSchedule = {
  cron: '30 2 * * *',
  timeZone: 'Europe/Paris',
  daylightSaving: 'runOnce',
  concurrencyPolicy: 'Forbid',
  startingDeadlineMs: undefined,
  catchUp: 'latest',
  maxCatchUp: 7,
  jitterMs: 0,
  suspend: false,
};

/** `25T02:30 run 24`: when, what, and for which day. */
function told({
  schedule,
  ...rest
}: Partial<Omit<Simulation, 'schedule'>> & { readonly schedule?: Partial<DueSchedule> }) {
  const simulation = {
    fromMs: Date.parse('2026-10-23T00:00Z'),
    toMs: Date.parse('2026-10-27T12:00Z'),
    durationMs: hourMs,
    down: [],
    ...rest,
    schedule: { ...nightly, ...schedule },
  };
  return [...simulate(simulation)].flatMap(({ atMs, decisions }) =>
    decisions.map(({ action, logicalDate }) => {
      const at = formatLogicalDate(atMs, 'Europe/Paris').slice(8, 16);
      return `${at} ${action} ${logicalDate.slice(8, 10)}`;
    }),
  );
}

it('runs once in the night in which the clock goes back', () => {
  expect(told({})).toEqual([
    '23T02:30 run 23',
    '24T02:30 run 24',
    '25T02:30 run 25',
    '26T02:30 run 26',
    '27T02:30 run 27',
  ]);
});

it('makes up for what was missed while the machine was down', () => {
  const down = [{ fromMs: Date.parse('2026-10-23T12:00Z'), toMs: Date.parse('2026-10-26T07:00Z') }];
  expect(told({ down })).toEqual([
    '23T02:30 run 23',
    '26T08:00 missed 24',
    '26T08:00 missed 25',
    '26T08:00 run 26',
    '27T02:30 run 27',
  ]);
  expect(told({ down, schedule: { catchUp: 'all' }, durationMs: 2 * hourMs })).toEqual([
    '23T02:30 run 23',
    '26T08:00 run 24',
    '26T08:00 wait 25',
    '26T08:00 wait 26',
    '26T10:00 run 25',
    '26T12:00 run 26',
    '27T02:30 run 27',
  ]);
});

it('waits, runs both or replaces where a run takes longer than the gap to the next', () => {
  const durationMs = 30 * hourMs;
  const until = { toMs: Date.parse('2026-10-24T12:00Z'), durationMs };
  expect(told(until)).toEqual(['23T02:30 run 23', '24T02:30 wait 24', '24T08:30 run 24']);
  expect(told({ ...until, schedule: { concurrencyPolicy: 'Allow' } })).toEqual(['23T02:30 run 23', '24T02:30 run 24']);
  expect(told({ ...until, schedule: { concurrencyPolicy: 'Replace' } })).toEqual([
    '23T02:30 run 23',
    '24T02:30 replace 24',
  ]);
});

it('lengthens a run by the time that the machine sleeps through it', () => {
  const down = [{ fromMs: Date.parse('2026-10-23T01:00Z'), toMs: Date.parse('2026-10-24T06:00Z') }];
  expect(told({ down, durationMs: 2 * hourMs, toMs: Date.parse('2026-10-24T12:00Z') })).toEqual([
    '23T02:30 run 23',
    '24T08:00 wait 24',
    '24T09:30 run 24',
  ]);
});

it('ends where a job is never due again before the end', () => {
  expect(told({ schedule: { cron: '0 0 1 1 *' } })).toEqual([]);
});
