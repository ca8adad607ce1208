import { AppError } from '../core/errors.ts';
import { clockChange, offsetAt } from '../core/zoned-date.ts';
import { type Cron, readCron } from './cron-expression.ts';
import { countWallTimes, dayMs, wallTimes } from './wall-time.ts';

/** What decides when a job is due. */
export interface TickRule {
  readonly cron: string;
  readonly timeZone: string;
  readonly daylightSaving: 'runOnce' | 'skip';
}

/** A range of instants: after the first, up to and with the second. */
export interface TickRange {
  readonly fromExclusiveMs: number;
  readonly toMs: number;
}

/** A fifth Monday in a February comes every 28 years, and every 40 across a century. */
const longestWaitMs = 41 * 366 * dayMs;
/** So far back the clock is watched to know which wall times have been already: no zone was ever set back by more. */
const warmUpMs = 2 * dayMs;

/**
 * The instants after one at which the rule is due, one after the other and without an end.
 * A wall time that the clock leaves out is due at the first instant after the gap, one that comes twice the first time;
 * where the hour is open, ticks follow elapsed time instead. Two that fall on one instant are one.
 */
export function ticks(rule: TickRule, fromExclusiveMs: number): Generator<number> {
  return ticksBetween(rule, { fromExclusiveMs, toMs: Number.POSITIVE_INFINITY });
}

function* ticksBetween(rule: TickRule, { fromExclusiveMs, toMs }: TickRange): Generator<number> {
  const cron = cronOf(rule);
  let last = fromExclusiveMs;
  for (const stretch of stretches(rule, cron, fromExclusiveMs)) {
    if (stretch.startMs > toMs || stretch.startMs - last > longestWaitMs) return;
    for (const tick of ticksOf(stretch, cron)) {
      if (tick <= last) continue;
      if (tick > toMs) return;
      yield tick;
      last = tick;
    }
  }
}

/** The first tick after an instant; none where the rule is not due within a lifetime. */
export function nextTick(rule: TickRule, fromExclusiveMs: number): number | undefined {
  return ticks(rule, fromExclusiveMs).next().value ?? undefined;
}

/** The newest tick at or before an instant. */
export function previousTick(rule: TickRule, toMs: number): number | undefined {
  return lastTicks(rule, { fromExclusiveMs: toMs - longestWaitMs, toMs }, 1)[0];
}

export function ticksWithin(rule: TickRule, range: TickRange): readonly number[] {
  return [...ticksBetween(rule, range)];
}

/** How many ticks a range has, at the price of its days. */
export function countTicks(rule: TickRule, { fromExclusiveMs, toMs }: TickRange): number {
  const cron = cronOf(rule);
  let count = 0;
  for (const { startMs, endMs, offsetMs, wallFrom, madeUp } of stretches(rule, cron, fromExclusiveMs)) {
    if (startMs > toMs) break;
    const from = Math.max(wallFrom, fromExclusiveMs + 1 + offsetMs);
    const to = Math.min(endMs, toMs + 1) + offsetMs;
    if (from < to) count += countWallTimes(cron, from, to);
    const isOwn = madeUp && startMs > fromExclusiveMs && countWallTimes(cron, wallFrom, wallFrom + 1) === 0;
    if (isOwn) count += 1;
  }
  return count;
}

/** The newest ticks of a range, oldest first, without walking through those before them. */
export function lastTicks(rule: TickRule, range: TickRange, count: number): readonly number[] {
  for (let days = 1; ; days *= 4) {
    const fromExclusiveMs = Math.max(range.fromExclusiveMs, range.toMs - days * dayMs);
    const window = { fromExclusiveMs, toMs: range.toMs };
    if (fromExclusiveMs === range.fromExclusiveMs || countTicks(rule, window) >= count)
      return ticksWithin(rule, window).slice(-count);
  }
}

/** A stretch of time in which the zone's offset stays, and the wall times that are due by it. */
interface Stretch {
  readonly startMs: number;
  readonly endMs: number;
  readonly offsetMs: number;
  /** Before this, the clock has shown the wall times of the stretch already. */
  readonly wallFrom: number;
  /** Whether something was due in the gap before the stretch, and is at its start. */
  readonly madeUp: boolean;
}

function* stretches({ timeZone, daylightSaving }: TickRule, cron: Cron, aroundMs: number): Generator<Stretch> {
  let startMs = aroundMs - warmUpMs;
  let shown = startMs + offsetAt(startMs, timeZone);
  while (true) {
    const offsetMs = offsetAt(startMs, timeZone);
    const endMs = clockChange(timeZone, startMs, startMs + dayMs) ?? startMs + dayMs;
    const wallStart = startMs + offsetMs;
    const followsClock = !cron.followsElapsedTime;
    const wallFrom = followsClock ? Math.max(wallStart, shown) : wallStart;
    const isGap = followsClock && daylightSaving === 'runOnce' && wallStart > shown;
    yield { startMs, endMs, offsetMs, wallFrom, madeUp: isGap && countWallTimes(cron, shown, wallStart) > 0 };
    shown = Math.max(shown, endMs + offsetMs);
    startMs = endMs;
  }
}

function* ticksOf({ startMs, endMs, offsetMs, wallFrom, madeUp }: Stretch, cron: Cron): Generator<number> {
  if (madeUp) yield startMs;
  for (const wall of wallTimes(cron, wallFrom, endMs + offsetMs)) yield wall - offsetMs;
}

function cronOf({ cron }: TickRule): Cron {
  const reading = readCron(cron);
  if (reading.state === 'valid') return reading.cron;
  throw new AppError('SPEC_INVALID', `cron: ${reading.text}`, { hint: reading.hint });
}
