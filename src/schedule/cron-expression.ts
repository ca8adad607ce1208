import { CronExpressionParser } from 'cron-parser';
import { messageOf } from '../core/errors.ts';

/** A cron expression as the sets of values that it stands for. */
export interface Cron {
  /** Minutes since midnight, ascending. */
  readonly minutesOfDay: readonly number[];
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly months: readonly number[];
  /** Days of the month; `isAny` for `*`, `hasLast` for `L`. */
  readonly days: { readonly isAny: boolean; readonly values: readonly number[]; readonly hasLast: boolean };
  /** Sunday is 0; `nth` for `5#2`, `last` for `5L`. */
  readonly weekdays: {
    readonly isAny: boolean;
    readonly values: readonly number[];
    readonly nth: number | undefined;
    readonly last: readonly number[];
  };
  /**
   * Whether ticks follow elapsed time where the clock changes: the hour field begins with `*` or names all hours.
   * Otherwise they follow the clock on the wall.
   */
  readonly followsElapsedTime: boolean;
}

/** What is wrong with an expression: `text` follows the place, as in every problem of a spec. */
export interface Unreadable {
  readonly text: string;
  readonly hint: string;
}

export type CronReading =
  | { readonly state: 'valid'; readonly cron: Cron }
  | ({ readonly state: 'invalid' } & Unreadable);

/** Days in each month at most. */
const monthLengths = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;

const macros: Readonly<Record<string, string>> = {
  '@hourly': '0 * * * *',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@weekly': '0 0 * * 0',
  '@monthly': '0 0 1 * *',
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
};

const fieldNames = ['minute', 'hour', 'day of month', 'month', 'day of week'] as const;
const examples: Readonly<Record<(typeof fieldNames)[number], string>> = {
  minute: '0 to 59, e.g. 30, */15 or 0,30',
  hour: '0 to 23, e.g. 2, */6 or 9-17',
  'day of month': '1 to 31, e.g. 1, 1,15 or L for the last',
  month: '1 to 12 or JAN to DEC, e.g. */3 or JAN,JUL',
  'day of week': '0 to 7 or SUN to SAT, e.g. MON-FRI, 5#2 for the second Friday or 5L for the last',
};

/** Reads five fields, or `@daily` and the like; cron-parser knows the grammar. */
export function readCron(written: string): CronReading {
  const trimmed = written.trim();
  if (trimmed.startsWith('@') && macros[trimmed] === undefined) return unknownMacro(written, trimmed);
  const fields = (macros[trimmed] ?? trimmed).split(/\s+/);
  if (fields.length !== fieldNames.length || trimmed === '') return wrongCount(written, trimmed === '' ? [] : fields);
  for (const [at, name] of fieldNames.entries()) {
    const reason = fieldProblem(fields[at] ?? '', at);
    if (reason === undefined) continue;
    const text = `${JSON.stringify(written)}: the ${name} ${JSON.stringify(fields[at])} ${reason}`;
    return { state: 'invalid', text, hint: `write ${examples[name]}` };
  }
  const cron = valuesOf(fields);
  if (cron === undefined || !canHappen(cron)) {
    const text = `${JSON.stringify(written)} is never due: no month of it has such a day`;
    return { state: 'invalid', text, hint: 'write L for the last day of a month, or another month' };
  }
  return { state: 'valid', cron };
}

/** None where cron-parser refuses fields that are right one by one: it looks for the day in the month. */
function parsedFields(fields: readonly string[]) {
  try {
    return CronExpressionParser.parse(fields.join(' '), { tz: 'UTC' }).fields;
  } catch {
    return undefined;
  }
}

function valuesOf(fields: readonly string[]): Cron | undefined {
  const parsed = parsedFields(fields);
  if (parsed === undefined) return undefined;
  const { minute, hour, dayOfMonth, month, dayOfWeek } = parsed;
  const [, hourField = ''] = fields;
  const minutes = numbersOf(minute.values);
  const hours = numbersOf(hour.values);
  return {
    minutesOfDay: hours.flatMap((h) => minutes.map((m) => h * 60 + m)),
    minutes,
    hours,
    months: numbersOf(month.values),
    days: { isAny: dayOfMonth.isWildcard, values: numbersOf(dayOfMonth.values), hasLast: dayOfMonth.hasLastChar },
    weekdays: {
      isAny: dayOfWeek.isWildcard,
      values: [...new Set(numbersOf(dayOfWeek.values).map((day) => day % 7))].sort((a, b) => a - b),
      nth: dayOfWeek.nthDay === 0 ? undefined : dayOfWeek.nthDay,
      last: dayOfWeek.values.flatMap((value) => (typeof value === 'string' ? [Number.parseInt(value, 10) % 7] : [])),
    },
    followsElapsedTime: hourField.startsWith('*') || hours.length === 24,
  };
}

function numbersOf(values: readonly (number | string)[]): readonly number[] {
  // A number in a list stays text in some of its fields.
  return values.flatMap((value) => (/^\d+$/.test(String(value)) ? [Number(value)] : [])).sort((a, b) => a - b);
}

function canHappen({ days, weekdays, months }: Cron): boolean {
  if (days.isAny || !weekdays.isAny || days.hasLast) return true;
  return months.some((month) => days.values.some((day) => day <= (monthLengths[month - 1] ?? 0)));
}

/** What is wrong with one field, the others left open. */
function fieldProblem(field: string, at: number): string | undefined {
  if (/(^|,)H/.test(field)) return 'would be drawn by lot';
  if (/\?/.test(field) && at !== 2 && at !== 4) return 'cannot be read';
  if (/^[*?]?$/.test(field)) return undefined;
  try {
    CronExpressionParser.parse(fieldNames.map((_, i) => (i === at ? field : '*')).join(' '));
    return undefined;
  } catch (error) {
    return reasonOf(messageOf(error));
  }
}

/** cron-parser's messages in our words. */
function reasonOf(message: string): string {
  const range = /got range (\d+)-(\d+) expected range (\d+)-(\d+)/.exec(message);
  if (range !== null) return `leaves the range from ${range[3]} to ${range[4]}`;
  const value = /got value (\S+) expected range (\d+)-(\d+)/.exec(message);
  if (value !== null) return `is not from ${value[2]} to ${value[3]}`;
  if (/min\((\d+)\) > max\((\d+)\)/.test(message)) return 'ends before it begins';
  const twice = /duplicate values found: (\S+)/.exec(message);
  if (twice !== null) return `names ${twice[1]} twice`;
  const alias = /cannot resolve alias "(.*)"/.exec(message);
  if (alias !== null) return `has the unknown name ${alias[1]}`;
  if (/cannot repeat/.test(message)) return 'has a step that is not 1 or more';
  if (/occurrence number/.test(message)) return 'is not the 1st to the 5th of its kind in a month';
  return 'cannot be read';
}

function wrongCount(written: string, fields: readonly string[]): CronReading {
  const count = `${fields.length} ${fields.length === 1 ? 'field' : 'fields'}`;
  if (fields.length === 6) {
    const text = `${JSON.stringify(written)} has 6 fields: seconds cannot be asked for`;
    return { state: 'invalid', text, hint: `leave the seconds out: "${fields.slice(1).join(' ')}"` };
  }
  const example =
    fields.length > 0 && fields.length < fieldNames.length
      ? [...fields, ...fieldNames.slice(fields.length).map(() => '*')].join(' ')
      : '30 2 * * *';
  return {
    state: 'invalid',
    text: `${JSON.stringify(written)} has ${count}, expected 5`,
    hint: `write minute hour day month weekday, e.g. "${readable(example)}"; @hourly, @daily, @weekly, @monthly and @yearly are known too`,
  };
}

/** The fields as far as they were written, if these make sense; else something that does. */
function readable(example: string): string {
  return readCron(example).state === 'valid' ? example : '30 2 * * *';
}

function unknownMacro(written: string, name: string): CronReading {
  if (name === '@reboot') {
    const hint = 'a start of the machine is no date; missed runs are made up for when it is up again';
    return { state: 'invalid', text: '"@reboot" cannot be scheduled', hint };
  }
  const hint = `write ${Object.keys(macros).join(', ')}, or five fields`;
  return { state: 'invalid', text: `${JSON.stringify(written)} is not known`, hint };
}
