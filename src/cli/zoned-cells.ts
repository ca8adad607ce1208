import { formatLogicalDate, offsetAt } from '../core/zoned-date.ts';

const weekdays = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const;

/** `Sun 2026-03-29 03:00 +02:00`: what a clock in the zone shows, and its offset. */
export function zonedCell(atMs: number, timeZone: string): string {
  const weekday = weekdays[new Date(atMs + offsetAt(atMs, timeZone)).getUTCDay()] ?? '';
  const [date = '', time = ''] = formatLogicalDate(atMs, timeZone).replace('Z', '+00:00').split('T');
  const [, clock = '', offset = ''] = /^([\d:.]+)(.*)$/.exec(time) ?? [];
  return `${weekday} ${date} ${clock.replace(/:00$/, '')} ${offset}`;
}
