import { DateTime, IANAZone } from 'luxon';
import { AppError } from './errors.ts';

/*
 * Dates are instants (epoch milliseconds) seen in a zone of the IANA database. What its clock shows is counted as if it
 * showed UTC: "wall" milliseconds, on which the calendar has no gaps.
 */

/** What is added to a date: years, months, weeks and days of the calendar, then hours that pass. */
export interface DateShift {
  readonly years?: number;
  readonly months?: number;
  readonly weeks?: number;
  readonly days?: number;
  readonly hours?: number;
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** The zone of the machine's own clock; UTC where it does not say. */
export function machineZone(): string {
  return knownMachineZone() ?? 'UTC';
}

/** Undefined where the machine, or TZ, names none that is known. */
export function knownMachineZone(): string | undefined {
  const { timeZone } = new Intl.DateTimeFormat().resolvedOptions();
  return IANAZone.isValidZone(timeZone) ? timeZone : undefined;
}

/**
 * The same local time some days, months or years on (the last day of a month that has no such day), then hours later.
 * A local time that the clock leaves out is moved on by as much as the clock is; of one that comes twice it is the first.
 */
export function shift(ms: number, zone: string, { hours = 0, ...calendar }: DateShift): number {
  const wall = wallOf(ms, zone);
  const moved = onCalendar(wall).plus(calendar).toMillis();
  if (moved === wall) return ms + hours * hourMs;
  const [first = moved - offsetAt(moved - dayMs, zone)] = instantsOf(moved, zone);
  return first + hours * hourMs;
}

/** The first instant of the day, hour or month that an instant is in; an hour that comes twice is two hours. */
export function startOf(ms: number, zone: string, unit: 'day' | 'hour' | 'month'): number {
  const wall = onCalendar(wallOf(ms, zone)).startOf(unit).toMillis();
  const instants = instantsOf(wall, zone);
  const start = unit === 'hour' ? instants.findLast((instant) => instant <= ms) : instants[0];
  return start ?? endOfGap(wall, zone);
}

/** `2026-11-23T02:30:00+01:00`; parseLogicalDate reads it. */
export function formatLogicalDate(ms: number, zone: string): string {
  return `${strftime(ms, zone, '%Y-%m-%dT%H:%M:%S')}${offsetText(ms, zone, ':')}`;
}

const dateForm = /^(\d{4}-\d{2}-\d{2})(?:T(\d{2})(?::(\d{2})(?::(\d{2}))?)?(Z|[+-]\d{2}(?::?\d{2})?)?)?$/i;

/**
 * The instant that a text names: `2026-11-23` (its first), `2026-11-23T02`, `2026-11-23T02:30`, with seconds, with an
 * offset or Z; `today` or `yesterday` (their first). Of a local time that comes twice it is the first.
 * @throws AppError USAGE
 */
export function parseLogicalDate(text: string, zone: string, now: number): number {
  if (text === 'today') return startOf(now, zone, 'day');
  if (text === 'yesterday') return startOf(shift(startOf(now, zone, 'day'), zone, { days: -1 }), zone, 'day');
  const [, day, hour, minute = '00', second = '00', offset] = dateForm.exec(text) ?? [];
  // Luxon takes 24:00, too.
  const wall =
    day === undefined || hour === '24'
      ? undefined
      : DateTime.fromISO(`${day}T${hour ?? '00'}:${minute}:${second}`, { zone: 'utc' });
  if (wall?.isValid !== true || wall.year < 1) throw notADate(text);
  const wallMs = wall.toMillis();
  if (offset !== undefined) return wallMs - offsetFrom(offset, text);
  const [first] = instantsOf(wallMs, zone);
  if (first !== undefined) return first;
  const next = endOfGap(wallMs, zone);
  // A day may begin at one o'clock; a day that is left out whole has no beginning.
  if (hour === undefined && strftime(next, zone, '%Y-%m-%d') === day) return next;
  throw new AppError('USAGE', `${text}: the clock of ${zone} leaves that out`, {
    hint: `it goes on at ${formatLogicalDate(next, zone)}`,
  });
}

function offsetFrom(written: string, text: string): number {
  const [, sign, hours, minutes = '0'] = /^([+-])(\d{2}):?(\d{2})?$/.exec(written) ?? [];
  if (hours === undefined) return 0;
  if (Number(hours) > 14 || Number(minutes) > 59) throw notADate(text);
  return (sign === '-' ? -1 : 1) * (Number(hours) * hourMs + Number(minutes) * 60_000);
}

function notADate(text: string): AppError {
  return new AppError('USAGE', `${text}: is not a date`, {
    hint: 'write 2026-11-23, 2026-11-23T02:30 (with an offset like +01:00 or Z, if need be), today or yesterday',
  });
}

const months = 'January February March April May June July August September October November December'.split(' ');
const weekdays = 'Monday Tuesday Wednesday Thursday Friday Saturday Sunday'.split(' ');

type Directive = (wall: DateTime, place: { readonly ms: number; readonly zone: string }) => string;

const directives = new Map<string, Directive>([
  ['Y', ({ year }) => padded(year, 4)],
  ['y', ({ year }) => padded(year % 100)],
  ['m', ({ month }) => padded(month)],
  ['d', ({ day }) => padded(day)],
  ['H', ({ hour }) => padded(hour)],
  ['M', ({ minute }) => padded(minute)],
  ['S', ({ second }) => padded(second)],
  ['j', ({ ordinal }) => padded(ordinal, 3)],
  ['G', ({ weekYear }) => padded(weekYear, 4)],
  ['V', ({ weekNumber }) => padded(weekNumber)],
  ['u', ({ weekday }) => String(weekday)],
  ['b', ({ month }) => (months[month - 1] ?? '').slice(0, 3)],
  ['B', ({ month }) => months[month - 1] ?? ''],
  ['a', ({ weekday }) => (weekdays[weekday - 1] ?? '').slice(0, 3)],
  ['A', ({ weekday }) => weekdays[weekday - 1] ?? ''],
  ['s', (_wall, { ms }) => String(Math.floor(ms / 1000))],
  ['z', (_wall, { ms, zone }) => offsetText(ms, zone, '')],
  ['%', () => '%'],
]);

/** `%Y %y …`: what strftime understands, for messages. */
export const knownDirectives = [...directives.keys()].map((letter) => `%${letter}`).join(' ');

/** The first directive of a format that strftime does not understand; `%` where a format ends with it. */
export function unknownDirective(format: string): string | undefined {
  return (format.match(/%.?/gsu) ?? []).find((directive) => !directives.has(directive.slice(1)));
}

/** A date by a format as C's strftime takes it, in the C locale; what it does not know stays as it is. */
export function strftime(ms: number, zone: string, format: string): string {
  const wall = onCalendar(wallOf(ms, zone));
  return format.replace(/%(.)/gsu, (whole, letter: string) => directives.get(letter)?.(wall, { ms, zone }) ?? whole);
}

function padded(value: number, length = 2): string {
  return String(value).padStart(length, '0');
}

function offsetText(ms: number, zone: string, separator: string): string {
  const minutes = Math.round(offsetAt(ms, zone) / 60_000);
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${padded(Math.floor(size / 60))}${separator}${padded(size % 60)}`;
}

function onCalendar(wall: number): DateTime {
  return DateTime.fromMillis(wall, { zone: 'utc', locale: 'en' });
}

/**
 * The instant at which the clock changes between two instants, none where it does not.
 * Two changes that cancel each other in between are not seen; ask for a day or less.
 */
export function clockChange(zone: string, fromMs: number, toMs: number): number | undefined {
  const before = offsetAt(fromMs, zone);
  if (offsetAt(toMs, zone) === before) return undefined;
  let [low, high] = [fromMs, toMs];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(middle, zone) === before) low = middle;
    else high = middle;
  }
  return high;
}

/** How much the clock is ahead of UTC, in milliseconds. */
export function offsetAt(ms: number, zone: string): number {
  return Math.round(IANAZone.create(zone).offset(ms) * 60_000);
}

function wallOf(ms: number, zone: string): number {
  return ms + offsetAt(ms, zone);
}

/** The instants at which the clock shows a local time, in order: none in a gap, two where it was set back. */
function instantsOf(wall: number, zone: string): readonly number[] {
  // A day before and after, since a zone may leave out or repeat as much as a day.
  const offsets = new Set([offsetAt(wall - dayMs, zone), offsetAt(wall + dayMs, zone)]);
  return [...offsets]
    .map((offset) => wall - offset)
    .filter((instant) => wallOf(instant, zone) === wall)
    .sort((a, b) => a - b);
}

/** The instant at which the clock leaps over a local time. */
function endOfGap(wall: number, zone: string): number {
  let before = wall - offsetAt(wall + dayMs, zone);
  let after = wall - offsetAt(wall - dayMs, zone);
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (wallOf(middle, zone) < wall) before = middle;
    else after = middle;
  }
  return after;
}
