import { readCron, type Unreadable } from './cron-expression.ts';
import { ranges, weekdayNames } from './on-calendar.ts';

export type OnCalendarReading =
  | { readonly state: 'valid'; readonly cron: string; readonly timeZone: string | undefined }
  | ({ readonly state: 'invalid' } & Unreadable);

const shorthands: Readonly<Record<string, string>> = {
  minutely: '* * * * *',
  hourly: '0 * * * *',
  daily: '0 0 * * *',
  weekly: '0 0 * * 1',
  monthly: '0 0 1 * *',
  quarterly: '0 0 1 1,4,7,10 *',
  semiannually: '0 0 1 1,7 *',
  'semi-annually': '0 0 1 1,7 *',
  yearly: '0 0 1 1 *',
  annually: '0 0 1 1 *',
};

const general = 'write for example "Mon..Fri *-*-* 02:30:00", "*-*-01 02:30" or "daily"';

/** Thrown and caught in this file: what a calendar expression asks for that cron has no words for. */
class CannotSay extends Error {
  readonly text: string;
  readonly hint: string;

  constructor(text: string, hint: string) {
    super(text);
    this.text = text;
    this.hint = hint;
  }
}

/** The cron expression that says the same as one of systemd's, which knows seconds and years besides. */
export function readOnCalendar(written: string): OnCalendarReading {
  try {
    const words = written.trim().split(/\s+/);
    const timeZone = words.length > 1 ? zoneOf(words.at(-1) ?? '') : undefined;
    const cron = cronFor(timeZone === undefined ? words : words.slice(0, -1));
    const reading = readCron(cron);
    if (reading.state === 'valid') return { state: 'valid', cron, timeZone };
    const text = `${JSON.stringify(written)} is ${cron} in cron: ${reading.text.replace(/^"[^"]*":? (?:is )?/, '')}`;
    return { state: 'invalid', text, hint: reading.hint };
  } catch (error) {
    if (!(error instanceof CannotSay)) throw error;
    return { state: 'invalid', text: `${JSON.stringify(written)} ${error.text}`, hint: error.hint };
  }
}

function zoneOf(word: string): string | undefined {
  if (!/^[A-Za-z]/.test(word) || isWeekdays(word)) return undefined;
  try {
    new Intl.DateTimeFormat('en', { timeZone: word });
    return word;
  } catch {
    throw new CannotSay(`ends with ${word}, which is not a time zone`, 'write a zone of the IANA database, or none');
  }
}

function isWeekdays(word: string): boolean {
  return weekdayNames.some((name) => word.toLowerCase().startsWith(name.toLowerCase()));
}

function cronFor(words: readonly string[]): string {
  const [first = '', ...others] = words;
  const shorthand = shorthands[first.toLowerCase()];
  if (shorthand !== undefined && others.length === 0) return shorthand;
  const weekdays = isWeekdays(first) ? first : undefined;
  const rest = weekdays === undefined ? words : others;
  const date = rest.find((word) => !word.includes(':'));
  const time = rest.find((word) => word.includes(':'));
  const isOrdered = rest.join(' ') === [date, time].filter((word) => word !== undefined).join(' ');
  if (!isOrdered || (weekdays ?? date ?? time) === undefined || first === '')
    throw new CannotSay('cannot be read', general);
  const { minute, hour } = readTime(time ?? '00:00');
  return `${minute} ${hour} ${readDays(weekdays, date ?? '*-*-*')}`;
}

function readTime(time: string): { readonly minute: string; readonly hour: string } {
  const [hour = '', minute = '', second = '0', ...others] = time.split(':');
  if (others.length > 0) throw new CannotSay(`has the time ${time}, which cannot be read`, general);
  if (!/^0+$/.test(second))
    throw new CannotSay('asks for seconds, which cannot be had', `write the time ${hour}:${minute}:00`);
  return { minute: field(minute, { first: 0, last: 59 }), hour: field(hour, { first: 0, last: 23 }) };
}

/** The last three fields of cron. */
function readDays(weekdays: string | undefined, date: string): string {
  const { year, month: monthPart, day, isFromEnd } = splitDate(date);
  if (year !== '*')
    throw new CannotSay(`asks for the year ${year}`, `write ${date.replace(year, '*')}, for every year`);
  const month = field(monthPart, { first: 1, last: 12 });
  const numbers = weekdays === undefined ? [] : weekdayNumbers(weekdays);
  const [only, ...more] = numbers;
  if (isFromEnd) {
    if (/^0*1$/.test(day) && only === undefined) return `L ${month} *`;
    if (/^0*7\/0*1$/.test(day) && only !== undefined) return `* ${month} ${numbers.map((n) => `${n % 7}L`).join(',')}`;
    throw new CannotSay(
      `counts days from the end of the month (~${day})`,
      'write ~01 for the last day, or for example "Fri *-*~07/1" for the last Friday',
    );
  }
  const dayField = field(day, { first: 1, last: 31 });
  if (only === undefined) return `${dayField} ${month} *`;
  if (dayField === '*') return `* ${month} ${weekdayField(numbers)}`;
  const nth = weekOf(dayField);
  if (nth !== undefined && more.length === 0) return `* ${month} ${only % 7}#${nth}`;
  throw new CannotSay(
    'asks for days that are both of a weekday and of a date',
    'leave one of the two out, or write for example "Fri *-*-08..14" for the second Friday',
  );
}

interface DateParts {
  readonly year: string;
  readonly month: string;
  readonly day: string;
  readonly isFromEnd: boolean;
}

function splitDate(date: string): DateParts {
  const parts = /^(?:([^-~]+)-)?([^-~]+)([-~])([^-~]+)$/.exec(date);
  if (parts === null) throw new CannotSay(`has the date ${date}, which cannot be read`, general);
  const [, year = '*', month = '', sign, day = ''] = parts;
  return { year, month, day, isFromEnd: sign === '~' };
}

/** `8-14` is the second week of a month. */
function weekOf(dayField: string): number | undefined {
  const [, from, to] = /^(\d+)-(\d+)$/.exec(dayField) ?? [];
  const nth = (Number(from) + 6) / 7;
  return Number.isInteger(nth) && nth <= 5 && Number(to) === Math.min(nth * 7, 31) ? nth : undefined;
}

/** Monday is 1 and Sunday 7. */
function weekdayNumbers(written: string): readonly number[] {
  const numbers = written.split(',').flatMap((item) => {
    const [from = 0, to = from, ...others] = item.split(/\.\.|-/).map(weekdayNumber);
    if (from === 0 || to === 0 || to < from || others.length > 0)
      throw new CannotSay(`has the weekdays ${item}, which cannot be read`, 'write for example Mon..Fri or Sat,Sun');
    return Array.from({ length: to - from + 1 }, (_, i) => from + i);
  });
  return [...new Set(numbers)].sort((a, b) => a - b);
}

const longNames = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const;

function weekdayNumber(name: string): number {
  const lower = name.toLowerCase();
  return longNames.findIndex((long) => long === lower || long.slice(0, 3) === lower) + 1;
}

function weekdayField(numbers: readonly number[]): string {
  return ranges([...numbers.map((n) => n % 7)].sort((a, b) => a - b))
    .map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`))
    .join(',');
}

/** `0/15` → every 15th, `1..5` → `1-5`; cron's own checks come after. */
function field(written: string, { first, last }: { readonly first: number; readonly last: number }): string {
  if (written === '*') return '*';
  return written
    .split(',')
    .map((item) => {
      const [, from, to, step] = /^(\d+)(?:\.\.(\d+))?(?:\/(\d+))?$/.exec(item) ?? [];
      if (from === undefined) throw new CannotSay(`has ${item}, which cannot be read`, general);
      const start = Number(from);
      if (step === undefined) return to === undefined ? `${start}` : `${start}-${Number(to)}`;
      if (to === undefined && start === first) return `*/${Number(step)}`;
      return `${start}-${to === undefined ? last : Number(to)}/${Number(step)}`;
    })
    .join(',');
}
