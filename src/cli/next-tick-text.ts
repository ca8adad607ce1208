import { formatLogicalDate } from '../core/zoned-date.ts';
import { nextTick } from '../schedule/cron-ticks.ts';
import { ruleOfText } from '../schedule/tick-rule.ts';
import type { TimerMarker } from '../schedule/timer.ts';

/** When a timer is due next; undefined where its expression is never due, or cannot be read any more. */
export function nextTickText({ when, timeZone }: Pick<TimerMarker, 'when' | 'timeZone'>): string | undefined {
  const rule = ruleOfText(when, timeZone);
  const at = rule === undefined ? undefined : nextTick(rule, Date.now());
  return at === undefined ? undefined : formatLogicalDate(at, timeZone);
}
