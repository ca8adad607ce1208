import { AppError } from '../core/errors.ts';

const unitMs = { s: 1000, m: 60_000, h: 3_600_000 } as const;

/**
 * Milliseconds of `30s`, `10m` or `1h`.
 * @throws AppError USAGE that names the option
 */
export function parseDuration(option: string, written: string): number {
  const [, count, unit] = /^(\d+(?:\.\d+)?)([smh])$/.exec(written) ?? [];
  if (count !== undefined && (unit === 's' || unit === 'm' || unit === 'h')) return Number(count) * unitMs[unit];
  throw new AppError('USAGE', `${option} ${written}: is not a duration with a unit of s, m or h`, {
    hint: `write for example \`${option} 10m\``,
  });
}
