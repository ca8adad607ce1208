import { AppError } from '../core/errors.ts';
import { parseLogicalDate, shift, startOf } from '../core/zoned-date.ts';

export const partitionUnits = ['day', 'hour', 'month'] as const;
export type PartitionUnit = (typeof partitionUnits)[number];

export interface PartitionRange {
  /** As people write dates; a day or a month, `2026-11`, that ends the range is in it whole. */
  readonly from: string;
  readonly to: string;
  readonly every: PartitionUnit;
  readonly zone: string;
  readonly nowMs: number;
}

/** More is a mistake more often than a wish, and each is a run. */
const partitionsAtMost = 10_000;
const monthForm = /^\d{4}-\d{2}$/;
const dayForm = /^(\d{4}-\d{2}-\d{2}|today|yesterday)$/;

/**
 * The days, hours or months that begin in a range, oldest first.
 * @throws AppError USAGE
 */
export function partitionDates(range: PartitionRange): readonly number[] {
  const { every, zone } = range;
  const { fromMs, endMs } = bounds(range);
  const dates: number[] = [];
  for (let ms = startOf(fromMs, zone, every); ms < endMs; ms = nextStart(ms, zone, every)) {
    if (ms >= fromMs) dates.push(ms);
    if (dates.length > partitionsAtMost) {
      throw new AppError(
        'USAGE',
        `--from ${range.from} --to ${range.to}: are more than ${partitionsAtMost} ${every}s`,
        {
          hint: 'take a shorter range',
        },
      );
    }
  }
  if (dates.length > 0) return dates;
  throw new AppError('USAGE', `--from ${range.from} --to ${range.to}: no ${every} begins in that range`, {
    hint: 'both ends count; --from comes first',
  });
}

/** First instant that counts, and first that does not any more. */
function bounds({ from, to, zone, nowMs }: Omit<PartitionRange, 'every'>): { fromMs: number; endMs: number } {
  const fromMs = parseLogicalDate(monthForm.test(from) ? `${from}-01` : from, zone, nowMs);
  if (monthForm.test(to)) {
    return { fromMs, endMs: nextStart(parseLogicalDate(`${to}-01`, zone, nowMs), zone, 'month') };
  }
  const toMs = parseLogicalDate(to, zone, nowMs);
  return { fromMs, endMs: dayForm.test(to) ? nextStart(toMs, zone, 'day') : toMs + 1 };
}

/** The first day, hour or month that begins after an instant. */
export function nextStart(ms: number, zone: string, every: PartitionUnit): number {
  for (let count = 1; ; count++) {
    const by = { day: { days: count }, hour: { hours: count }, month: { months: count } } as const;
    const next = startOf(shift(ms, zone, by[every]), zone, every);
    // Where the clock is set back by half an hour, an hour later is in the same hour still.
    if (next > ms) return next;
  }
}
