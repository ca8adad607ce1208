import { describe, expect, it } from 'vitest';
import { formatLogicalDate } from '../../src/core/zoned-date.ts';
import { type PartitionRange, partitionDates } from '../../src/schedule/partition-dates.ts';

const nowMs = Date.parse('2026-11-23T12:00Z');

function dates(range: Partial<PartitionRange> & Pick<PartitionRange, 'from' | 'to'>): readonly string[] {
  const whole = { every: 'day', zone: 'Europe/Paris', nowMs, ...range } as const;
  return partitionDates(whole).map((ms) => formatLogicalDate(ms, whole.zone));
}

describe('the dates of a range', () => {
  it.each([
    ['2026-11-01', '2026-11-03', ['2026-11-01T00', '2026-11-02T00', '2026-11-03T00']],
    ['2026-11-01', '2026-11-01', ['2026-11-01T00']],
    ['2026-11-01T00:01', '2026-11-03T00:00', ['2026-11-02T00', '2026-11-03T00']],
    ['yesterday', 'today', ['2026-11-22T00', '2026-11-23T00']],
    ['2026-03-28', '2026-03-30', ['2026-03-28T00', '2026-03-29T00', '2026-03-30T00']],
    ['2026-10-24', '2026-10-26', ['2026-10-24T00', '2026-10-25T00', '2026-10-26T00']],
  ])('have both ends: days from %s to %s', (from, to, expected) => {
    expect(dates({ from, to }).map((date) => date.slice(0, 13))).toEqual(expected);
  });

  it.each([
    ['2026-02', 28],
    ['2028-02', 29],
    ['2026-12', 31],
  ])('have all days of the month %s', (month, count) => {
    expect(dates({ from: month, to: month })).toHaveLength(count);
  });

  it.each([
    ['2026-01', '2026-03', ['2026-01-01', '2026-02-01', '2026-03-01']],
    ['2026-01-15', '2026-03-01', ['2026-02-01', '2026-03-01']],
    ['2025-12', '2026-01', ['2025-12-01', '2026-01-01']],
  ])('are months from %s to %s', (from, to, expected) => {
    expect(dates({ from, to, every: 'month' }).map((date) => date.slice(0, 10))).toEqual(expected);
  });

  it.each([
    ['Europe/Paris', '2026-03-29', 23],
    ['Europe/Paris', '2026-10-25', 25],
    ['Australia/Lord_Howe', '2026-04-05', 24],
    ['Australia/Lord_Howe', '2026-10-04', 24],
    ['America/Sao_Paulo', '2018-11-04', 23],
    ['Asia/Kathmandu', '2026-01-01', 24],
  ])('are hours in %s on %s: %i', (zone, day, count) => {
    const found = dates({ from: day, to: day, every: 'hour', zone });
    expect(found).toHaveLength(count);
    expect(new Set(found).size).toBe(count);
  });

  it('pass over a day that a zone leaves out, and begin a day that has no midnight when it begins', () => {
    expect(dates({ from: '2011-12-29', to: '2011-12-31', zone: 'Pacific/Apia' })).toEqual([
      '2011-12-29T00:00:00-10:00',
      '2011-12-31T00:00:00+14:00',
    ]);
    expect(dates({ from: '2018-11-04', to: '2018-11-05', zone: 'America/Sao_Paulo' })).toEqual([
      '2018-11-04T01:00:00-02:00',
      '2018-11-05T00:00:00-02:00',
    ]);
  });

  it.each([
    ['2026-11-03', '2026-11-01', /no day begins in that range/],
    ['1990-01-01', '2026-11-01', /are more than 10000 days/],
    ['2026-13', '2026-14', /is not a date/],
    ['soon', '2026-11-01', /soon: is not a date/],
  ])('from %s to %s are refused', (from, to, message) => {
    expect(() => dates({ from, to })).toThrow(
      expect.objectContaining({ code: 'USAGE', message: expect.stringMatching(message) }),
    );
  });
});
