import type { Cron } from './cron-expression.ts';

/** Sunday, 0 in cron, comes last in systemd. */
export const weekdayNames = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const;

const longestMonth = 31;

/**
 * A cron expression in systemd's words: several lines where cron's "or" has no other form, each in the zone.
 * An hour that the clock leaves out does not elapse in systemd: it has no words for "at the next instant".
 */
export function onCalendarLines(cron: Cron, timeZone: string): readonly string[] {
  const time = `${component(cron.hours, { first: 0, last: 23 })}:${component(cron.minutes, { first: 0, last: 59 })}:00`;
  return datesOf(cron).map((date) => `${date} ${time} ${timeZone}`);
}

function datesOf(cron: Cron): readonly string[] {
  const { days, weekdays } = cron;
  const month = component(cron.months, { first: 1, last: 12 });
  if (days.isAny && weekdays.isAny) return [`*-${month}-*`];
  const dates: string[] = [];
  const possible = days.values.filter((day) => cron.months.some((m) => day <= lengthOf(m)));
  if (!days.isAny && possible.length > 0)
    dates.push(`*-${month}-${component(possible, { first: 1, last: longestMonth })}`);
  if (!days.isAny && days.hasLast) dates.push(`*-${month}~01`);
  if (weekdays.isAny) return dates;
  if (weekdays.values.length > 0) {
    const { nth } = weekdays;
    const window = nth === undefined ? '*' : `${twoDigits(nth * 7 - 6)}..${twoDigits(Math.min(nth * 7, longestMonth))}`;
    dates.push(`${weekdayList(weekdays.values)} *-${month}-${window}`);
  }
  if (weekdays.last.length > 0) dates.push(`${weekdayList(weekdays.last)} *-${month}~07/1`);
  return dates;
}

function lengthOf(month: number): number {
  // A leap year, so that 29 February is a day.
  return new Date(Date.UTC(2024, month, 0)).getUTCDate();
}

function weekdayList(values: readonly number[]): string {
  const ordered = values.map((day) => (day === 0 ? 7 : day)).sort((a, b) => a - b);
  return ranges(ordered)
    .map(([from, to]) => (from === to ? nameOf(from) : `${nameOf(from)}..${nameOf(to)}`))
    .join(',');
}

function nameOf(day: number): string {
  return weekdayNames[day - 1] ?? '';
}

function component(values: readonly number[], { first, last }: { first: number; last: number }): string {
  if (values.length === last - first + 1) return '*';
  return ranges(values)
    .map(([from, to]) => (from === to ? twoDigits(from) : `${twoDigits(from)}..${twoDigits(to)}`))
    .join(',');
}

/** Ascending values as the ranges that have no gap. */
export function ranges(values: readonly number[]): readonly (readonly [from: number, to: number])[] {
  const found: [number, number][] = [];
  for (const value of values) {
    const current = found.at(-1);
    if (current !== undefined && current[1] === value - 1) current[1] = value;
    else found.push([value, value]);
  }
  return found;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}
