import { describe, expect, it } from 'vitest';
import { parseAge, parseCount, parseDates, parseWhen } from '../../src/cli/parse-when.ts';

const nowMs = Date.parse('2026-11-24T12:00:00Z');
const usage = (option: string) =>
  expect.objectContaining({ code: 'USAGE', message: expect.stringMatching(`^${option} `), hint: expect.anything() });

describe('an instant that somebody writes', () => {
  it.each([
    ['30m', 1_800_000],
    ['12h', 43_200_000],
    ['7d', 604_800_000],
    ['2w', 1_209_600_000],
  ])('is so long ago: %s', (written, ageMs) => {
    expect(parseWhen('--since', written, nowMs)).toEqual({ fromMs: nowMs - ageMs, toMs: nowMs - ageMs });
    expect(parseAge('--older-than', written)).toBe(ageMs);
  });

  it('is a whole day of this machine', () => {
    const { fromMs, toMs } = parseWhen('--since', '2026-11-23', nowMs);
    expect([new Date(fromMs), new Date(toMs)]).toEqual([new Date(2026, 10, 23), new Date(2026, 10, 24)]);
  });

  it.each([
    ['2026-11-23T02:30:00+01:00', '2026-11-23T01:30:00Z'],
    ['2026-11-23 02:30Z', '2026-11-23T02:30:00Z'],
  ])('is a time: %s', (written, iso) => {
    expect(parseWhen('--since', written, nowMs).fromMs).toBe(Date.parse(iso));
  });

  it.each([
    '',
    'yesterday',
    '7',
    '7y',
    '-7d',
    '2026-02-30',
    '2026-13-01',
    '2026-11-23T25:00',
    '2026-11-23T02:30 o’clock',
  ])('is refused: %j', (written) => {
    expect(() => parseWhen('--since', written, nowMs)).toThrow(usage('--since'));
  });
});

describe('a logical date that somebody writes', () => {
  it.each([
    ['2026-11-23', '2026-11-23'],
    ['2026-11-23 02:30', '2026-11-23T02:30'],
    ['2026-11-23T02:30:00+01:00', undefined],
  ])('%s is looked for in the local times of jobs as %s', (written, local) => {
    expect(parseDates('--date', written).local).toBe(local);
  });

  it.each(['2013-02-99', '7d', 'now'])('is refused with what fits: %s', (written) => {
    expect(() => parseDates('--date', written)).toThrow(
      expect.objectContaining({
        code: 'USAGE',
        hint: 'write for example `--date 2026-11-23` or `--date 2026-11-23T02:30`',
      }),
    );
  });
});

it.each(['', '90', '2026-11-23', '1.5d'])('is no time span: %j', (written) => {
  expect(() => parseAge('--older-than', written)).toThrow(usage('--older-than'));
});

it('is a whole number, or refused', () => {
  expect(parseCount('--limit', '20')).toBe(20);
  for (const written of ['', '-1', '1.5', 'many', '1e3'])
    expect(() => parseCount('--limit', written)).toThrow(usage('--limit'));
  expect(() => parseCount('--limit', '0', 1)).toThrow('--limit 0: is not a whole number of at least 1');
});
