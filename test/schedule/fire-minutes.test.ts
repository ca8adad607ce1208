import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changesClock, fireMinutes, leapMinutes } from '../../src/schedule/fire-minutes.ts';

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
  ['Europe/Paris', 'UTC', true, [0]],
  ['Australia/Lord_Howe', 'UTC', true, [30]],
  ['Australia/Lord_Howe', 'Asia/Kathmandu', true, [15]],
  ['Asia/Kolkata', 'UTC', false, []],
])('the clock of %s leaps, as %s shows it: %j, at %j', (jobZone, machineZone, changes, minutes) => {
  expect(changesClock(jobZone, nowMs)).toBe(changes);
  expect(leapMinutes({ jobZone, machineZone, nowMs })).toEqual(minutes);
});
