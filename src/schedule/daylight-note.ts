import { clockChange, offsetAt } from '../core/zoned-date.ts';
import { readCron } from './cron-expression.ts';
import { nextTick, type TickRule } from './cron-ticks.ts';
import { dayMs, minuteMs, wallTimes } from './wall-time.ts';

/** What the clock's change does to a tick. */
export interface DaylightNote {
  readonly text: string;
  /** Whether the tick exists only to stand for one that the clock leaves out. */
  readonly isMadeUp: boolean;
}

/** A note for people on a tick of the rule as it is with `runOnce`. */
export function daylightNote(rule: TickRule, tickMs: number): DaylightNote | undefined {
  return gapNote(rule, tickMs) ?? repeatNote(rule, tickMs);
}

function gapNote(rule: TickRule, tickMs: number): DaylightNote | undefined {
  const { timeZone } = rule;
  const [before, after] = [offsetAt(tickMs - 1, timeZone), offsetAt(tickMs, timeZone)];
  const reading = readCron(rule.cron);
  if (after <= before || reading.state === 'invalid' || reading.cron.followsElapsedTime) return undefined;
  const left = [...wallTimes(reading.cron, tickMs + before, tickMs + after)];
  const [first] = left;
  if (first === undefined) return undefined;
  const isMadeUp = nextTick({ ...rule, daylightSaving: 'skip' }, tickMs - 1) !== tickMs;
  const others = left.length === 1 ? '' : ` and ${left.length - 1} more`;
  const what = `${clockText(first)}${others} ${left.length === 1 ? 'does' : 'do'} not exist that night`;
  const runs = `${isMadeUp ? 'runs' : 'one run'} at ${clockText(tickMs + after)}`;
  return { text: `${what}, ${rule.daylightSaving === 'skip' && isMadeUp ? 'does not run' : runs}`, isMadeUp };
}

function repeatNote(rule: TickRule, tickMs: number): DaylightNote | undefined {
  const { timeZone } = rule;
  const offset = offsetAt(tickMs, timeZone);
  const change = clockChange(timeZone, tickMs, tickMs + dayMs) ?? clockChange(timeZone, tickMs - dayMs, tickMs);
  if (change === undefined) return undefined;
  const [before, after] = [offsetAt(change - 1, timeZone), offsetAt(change, timeZone)];
  const wall = tickMs + offset;
  if (after >= before || wall < change + after || wall >= change + before) return undefined;
  const reading = readCron(rule.cron);
  const isTwice = reading.state === 'valid' && reading.cron.followsElapsedTime;
  const runs = isTwice ? 'runs both times' : 'runs the first time';
  return { text: `${clockText(wall)} comes twice that night, ${runs}`, isMadeUp: false };
}

function clockText(wallMs: number): string {
  const minutes = Math.floor((((wallMs % dayMs) + dayMs) % dayMs) / minuteMs);
  return `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
}
