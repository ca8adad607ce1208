import { AppError } from '../core/errors.ts';
import type { LogicalDates } from '../history/contract.ts';

const unitMs = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

/** Instants from the first on; the second does not count any more. */
export interface When {
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * What a person means by an instant: so long ago (`7d`), a day of the machine's zone (`2026-11-23`), or an ISO time,
 * which is in the machine's zone too unless it names another.
 * @throws AppError USAGE that names the option
 */
export function parseWhen(option: string, written: string, nowMs: number): When {
  const ageMs = ageOf(written);
  if (ageMs !== undefined) return { fromMs: nowMs - ageMs, toMs: nowMs - ageMs };
  const found = whenOf(written);
  if (found !== undefined) return found;
  throw new AppError('USAGE', `${option} ${written}: is neither a time span like 7d nor a date like 2026-11-23`, {
    hint: `write for example \`${option} 7d\` or \`${option} 2026-11-23\``,
  });
}

/**
 * The logical dates that a person means: each in the zone of its job, unless the time names another.
 * @throws AppError USAGE that names the option
 */
export function parseDates(option: string, written: string): LogicalDates {
  const found = whenOf(written);
  if (found === undefined)
    throw new AppError('USAGE', `${option} ${written}: is not a date like 2026-11-23`, {
      hint: `write for example \`${option} 2026-11-23\` or \`${option} 2026-11-23T02:30\``,
    });
  const [local] = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?)?$/.exec(written) ?? [];
  return local === undefined ? found : { ...found, local: local.replace(' ', 'T') };
}

function whenOf(written: string): When | undefined {
  const [, year, month, day, time] = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d:\d\d\S*))?$/.exec(written) ?? [];
  const start = new Date(Number(year), Number(month) - 1, Number(day));
  // A day that the month has not would be one of the next.
  const isDay = start.getMonth() === Number(month) - 1 && start.getDate() === Number(day);
  if (isDay && time === undefined) {
    const next = new Date(Number(year), Number(month) - 1, Number(day) + 1);
    return { fromMs: start.getTime(), toMs: next.getTime() };
  }
  const instant = Date.parse(`${year}-${month}-${day}T${time}`);
  return isDay && !Number.isNaN(instant) ? { fromMs: instant, toMs: instant + 1 } : undefined;
}

/**
 * Milliseconds of `90d`, `12h`, `2w`.
 * @throws AppError USAGE that names the option
 */
export function parseAge(option: string, written: string): number {
  const ageMs = ageOf(written);
  if (ageMs !== undefined) return ageMs;
  throw new AppError('USAGE', `${option} ${written}: is not a time span with a unit of m, h, d or w`, {
    hint: `write for example \`${option} 90d\``,
  });
}

/**
 * A whole number, not negative.
 * @param least what it must be at least
 * @throws AppError USAGE that names the option
 */
export function parseCount(option: string, written: string, least = 0): number {
  if (/^\d{1,9}$/.test(written) && Number(written) >= least) return Number(written);
  const what = least === 0 ? 'a whole number' : `a whole number of at least ${least}`;
  throw new AppError('USAGE', `${option} ${written}: is not ${what}`, {
    hint: `write for example \`${option} 20\``,
  });
}

function ageOf(written: string): number | undefined {
  const [, count, unit] = /^(\d{1,6})([mhdw])$/.exec(written) ?? [];
  const isUnit = unit === 'm' || unit === 'h' || unit === 'd' || unit === 'w';
  return count !== undefined && isUnit ? Number(count) * unitMs[unit] : undefined;
}
