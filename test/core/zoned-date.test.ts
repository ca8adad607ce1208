import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import {
  clockChange,
  type DateShift,
  formatLogicalDate,
  machineZone,
  parseLogicalDate,
  shift,
  startOf,
  strftime,
  unknownDirective,
} from '../../src/core/zoned-date.ts';

const paris = 'Europe/Paris';
const newYork = 'America/New_York';
const lordHowe = 'Australia/Lord_Howe';
const apia = 'Pacific/Apia';
const kolkata = 'Asia/Kolkata';
const havana = 'America/Havana';
const saoPaulo = 'America/Sao_Paulo';
const toronto = 'America/Toronto';
const zones = [
  paris,
  newYork,
  lordHowe,
  apia,
  kolkata,
  havana,
  saoPaulo,
  'UTC',
  'Asia/Kathmandu',
  'Pacific/Kiritimati',
];

const now = Date.parse('2026-11-23T01:30:15Z');

function parsed(text: string, zone: string): string {
  return new Date(parseLogicalDate(text, zone, now)).toISOString().replace('.000', '');
}

function refusalOf(text: string, zone: string) {
  try {
    parseLogicalDate(text, zone, now);
  } catch (error) {
    if (error instanceof AppError) return { code: error.code, message: error.message, hint: error.hint };
    throw error;
  }
  throw new Error(`${text} was taken`);
}

describe('a logical date', () => {
  it.each([
    ['2026-11-23', paris, '2026-11-22T23:00:00Z'],
    ['2026-11-23', newYork, '2026-11-23T05:00:00Z'],
    ['2026-11-23', kolkata, '2026-11-22T18:30:00Z'],
    ['2026-11-23T02', paris, '2026-11-23T01:00:00Z'],
    ['2026-11-23T02:30', paris, '2026-11-23T01:30:00Z'],
    ['2026-11-23T02:30:45', paris, '2026-11-23T01:30:45Z'],
    ['2026-11-23T02Z', paris, '2026-11-23T02:00:00Z'],
    ['2026-11-23T02:30z', paris, '2026-11-23T02:30:00Z'],
    ['2026-11-23T02:30+05:30', paris, '2026-11-22T21:00:00Z'],
    ['2026-11-23T02:30-0330', paris, '2026-11-23T06:00:00Z'],
    ['2026-11-23T02-03', paris, '2026-11-23T05:00:00Z'],
    ['today', paris, '2026-11-22T23:00:00Z'],
    ['today', newYork, '2026-11-22T05:00:00Z'],
    ['yesterday', paris, '2026-11-21T23:00:00Z'],
    ['yesterday', 'Pacific/Kiritimati', '2026-11-21T10:00:00Z'],
    // A local time that comes twice is the first of the two.
    ['2026-10-25T02:30', paris, '2026-10-25T00:30:00Z'],
    ['2026-10-25T02:30+01:00', paris, '2026-10-25T01:30:00Z'],
    ['2026-11-01T01:30', newYork, '2026-11-01T05:30:00Z'],
    ['2026-04-05T01:45', lordHowe, '2026-04-04T14:45:00Z'],
    // The night after a midnight that is left out, and one that comes twice.
    ['2018-11-04', saoPaulo, '2018-11-04T03:00:00Z'],
    ['2026-11-01', havana, '2026-11-01T04:00:00Z'],
    ['1919-03-31', toronto, '1919-03-31T04:30:00Z'],
    ['2011-12-31', apia, '2011-12-30T10:00:00Z'],
    ['2011-12-29', apia, '2011-12-29T10:00:00Z'],
    ['2024-02-29', paris, '2024-02-28T23:00:00Z'],
  ])('%s in %s is %s', (text, zone, instant) => {
    expect(parsed(text, zone)).toBe(instant);
  });

  it.each([
    ['2026-03-29T02:30', paris, '2026-03-29T03:00:00+02:00'],
    ['2026-03-08T02', newYork, '2026-03-08T03:00:00-04:00'],
    ['2026-10-04T02:15', lordHowe, '2026-10-04T02:30:00+11:00'],
    ['2011-12-30', apia, '2011-12-31T00:00:00+14:00'],
    ['2011-12-30T12:00', apia, '2011-12-31T00:00:00+14:00'],
  ])('%s, which the clock of %s leaves out, is refused', (text, zone, next) => {
    expect(refusalOf(text, zone)).toEqual({
      code: 'USAGE',
      message: `${text}: the clock of ${zone} leaves that out`,
      hint: `it goes on at ${next}`,
    });
  });

  it.each([
    '',
    'tomorrow',
    '2026',
    '2026-13-01',
    '2026-02-29',
    '2026-2-3',
    '0000-01-01',
    '2026-11-23T24',
    '2026-11-23T02:60',
    '2026-11-23T2',
    '2026-11-23T02+15:00',
    '2026-11-23T02+01:60',
    '2026-11-23Z',
    ' 2026-11-23',
    '2026-11-23\n',
  ])('%j is refused', (text) => {
    expect(refusalOf(text, paris)).toMatchObject({ code: 'USAGE', message: `${text}: is not a date` });
  });

  it('is read back as it was written, in any zone', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: Date.parse('1950-01-01') / 1000, max: Date.parse('2100-01-01') / 1000 }),
        fc.constantFrom(...zones.filter((zone) => zone !== apia), apia),
        fc.constantFrom(...zones),
        (seconds, zone, readIn) => {
          // Before 1980 some offsets have seconds, which ISO 8601 has no room for.
          fc.pre(seconds > 330_000_000 || zone === 'UTC');
          expect(parseLogicalDate(formatLogicalDate(seconds * 1000, zone), readIn, now)).toBe(seconds * 1000);
        },
      ),
    );
  });

  it.each([
    ['2026-11-23T01:30:00Z', paris, '2026-11-23T02:30:00+01:00'],
    ['2026-07-23T01:30:59.999Z', paris, '2026-07-23T03:30:59+02:00'],
    ['2026-11-23T01:30:00Z', newYork, '2026-11-22T20:30:00-05:00'],
    ['2026-11-23T01:30:00Z', kolkata, '2026-11-23T07:00:00+05:30'],
    ['2026-07-23T01:30:00Z', lordHowe, '2026-07-23T12:00:00+10:30'],
    ['2026-11-23T01:30:00Z', 'UTC', '2026-11-23T01:30:00+00:00'],
  ])('of %s in %s is written %s', (instant, zone, text) => {
    expect(formatLogicalDate(Date.parse(instant), zone)).toBe(text);
  });
});

describe('shifting a date', () => {
  it.each<[string, string, DateShift, string]>([
    // A day keeps the local time where the clock changes; hours pass.
    ['2026-03-30T02:30', paris, { days: -1 }, '2026-03-29T03:30:00+02:00'],
    ['2026-03-29T12:00', paris, { days: -1 }, '2026-03-28T12:00:00+01:00'],
    ['2026-03-29T12:00', paris, { hours: -24 }, '2026-03-28T11:00:00+01:00'],
    ['2026-10-25T12:00', paris, { days: -1 }, '2026-10-24T12:00:00+02:00'],
    ['2026-10-26T02:30', paris, { days: -1 }, '2026-10-25T02:30:00+02:00'],
    ['2026-10-25T02:30+02:00', paris, { hours: 1 }, '2026-10-25T02:30:00+01:00'],
    ['2026-10-25T02:30+01:00', paris, {}, '2026-10-25T02:30:00+01:00'],
    ['2026-03-08T12:00', newYork, { days: -1, hours: 1 }, '2026-03-07T13:00:00-05:00'],
    ['2026-10-04T12:00', lordHowe, { days: -1 }, '2026-10-03T12:00:00+10:30'],
    ['2026-10-03T02:15', lordHowe, { days: 1 }, '2026-10-04T02:45:00+11:00'],
    ['2011-12-31T08:00', apia, { days: -2 }, '2011-12-29T08:00:00-10:00'],
    ['2011-12-31T08:00', apia, { days: -1 }, '2011-12-31T08:00:00+14:00'],
    ['2026-03-31', kolkata, { months: -1 }, '2026-02-28T00:00:00+05:30'],
    ['2024-02-29', kolkata, { years: 1 }, '2025-02-28T00:00:00+05:30'],
    ['2026-03-31', kolkata, { months: -1, days: -1 }, '2026-02-27T00:00:00+05:30'],
    ['2026-11-23', kolkata, { weeks: -2 }, '2026-11-09T00:00:00+05:30'],
    ['2026-11-23T01:30', kolkata, { hours: -2 }, '2026-11-22T23:30:00+05:30'],
  ])('%s in %s by %j gives %s', (text, zone, by, expected) => {
    expect(formatLogicalDate(shift(parseLogicalDate(text, zone, now), zone, by), zone)).toBe(expected);
  });
});

describe('the start', () => {
  it.each<[string, string, 'day' | 'hour' | 'month', string]>([
    ['2026-03-29T12:34:56', paris, 'day', '2026-03-29T00:00:00+01:00'],
    ['2026-03-29T12:34:56', paris, 'month', '2026-03-01T00:00:00+01:00'],
    ['2026-04-29T12:34:56', paris, 'month', '2026-04-01T00:00:00+02:00'],
    ['2026-03-29T12:34:56', paris, 'hour', '2026-03-29T12:00:00+02:00'],
    ['2026-10-25T02:34+02:00', paris, 'hour', '2026-10-25T02:00:00+02:00'],
    ['2026-10-25T02:34+01:00', paris, 'hour', '2026-10-25T02:00:00+01:00'],
    ['2018-11-04T12:00', saoPaulo, 'day', '2018-11-04T01:00:00-02:00'],
    ['2026-11-01T00:30-05:00', havana, 'day', '2026-11-01T00:00:00-04:00'],
    ['2026-10-04T02:45', lordHowe, 'hour', '2026-10-04T02:30:00+11:00'],
    ['2026-04-05T01:45+10:30', lordHowe, 'hour', '2026-04-05T01:00:00+11:00'],
    ['2011-12-31T08:00', apia, 'day', '2011-12-31T00:00:00+14:00'],
    ['1919-03-31T12:00', toronto, 'day', '1919-03-31T00:30:00-04:00'],
    ['2026-11-23T07:45', kolkata, 'hour', '2026-11-23T07:00:00+05:30'],
  ])('of what %s in %s is in, by %s, is %s', (text, zone, unit, expected) => {
    expect(formatLogicalDate(startOf(parseLogicalDate(text, zone, now), zone, unit), zone)).toBe(expected);
  });

  it('is never later, and is its own start', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: Date.parse('2000-01-01'), max: Date.parse('2040-01-01') }),
        fc.constantFrom(...zones),
        fc.constantFrom('day', 'hour', 'month'),
        (ms, zone, unit) => {
          const start = startOf(ms, zone, unit);
          expect(start).toBeLessThanOrEqual(ms);
          expect(startOf(start, zone, unit)).toBe(start);
        },
      ),
    );
  });
});

describe('strftime', () => {
  it.each([
    ['%Y/%m/%d', '2027/01/03'],
    ['%y%m%dT%H%M%S', '270103T020405'],
    ['%j', '003'],
    ['%G-W%V-%u', '2026-W53-7'],
    ['%b %B %a %A', 'Jan January Sun Sunday'],
    ['%s', '1798938245'],
    ['%z', '+0100'],
    ['100%%d', '100%d'],
    ['é%dé', 'é03é'],
  ])('%s gives %s', (format, text) => {
    expect(strftime(Date.parse('2027-01-03T01:04:05Z'), paris, format)).toBe(text);
  });

  it.each([
    ['%Y-%m', undefined],
    ['%Y-%Q', '%Q'],
    ['%%Q', undefined],
    ['%Y%', '%'],
    ['%-d', '%-'],
    ['no', undefined],
  ])('of %s does not know %s', (format, unknown) => {
    expect(unknownDirective(format)).toBe(unknown);
  });
});

it('the machine has a zone', () => {
  expect(strftime(0, machineZone(), '%Y')).toMatch(/^19(69|70)$/);
});

it('a change of the clocks is found to the millisecond', () => {
  const noon = Date.parse('2026-03-28T12:00:00Z');
  expect(clockChange('Europe/Paris', noon, noon + 86_400_000)).toBe(Date.parse('2026-03-29T01:00:00Z'));
  expect(clockChange('Europe/Paris', noon - 86_400_000, noon)).toBeUndefined();
});
