// A stand-in, until ticks are computed here: replace all three by what `schedule next` uses, and remove this file.
import { CronExpressionParser } from 'cron-parser';
import type { ScheduleSpec } from '../spec/job-spec.ts';
import { tickMinutes } from './tick-minutes.ts';

type When = Pick<ScheduleSpec, 'cron' | 'onCalendar'>;

/** The schedule in systemd's words: exact for `M H * * *`, else each hour at its minutes, as with cron. */
export function calendarsOf(when: When, timeZone: string): readonly string[] {
  const { cron, onCalendar } = when;
  if (onCalendar !== undefined)
    return [/(?:UTC|[A-Z]\w+\/\S+)$/.test(onCalendar) ? onCalendar : `${onCalendar} ${timeZone}`];
  const [, minute, hour] = /^(\d{1,2}) (\d{1,2}) \* \* \*$/.exec(cron ?? '') ?? [];
  if (minute !== undefined && hour !== undefined) return [`*-*-* ${padded(hour)}:${padded(minute)}:00 ${timeZone}`];
  const minutes = tickMinutes(when);
  return [
    `*-*-* *:${minutes.length === 60 ? '*' : minutes.map((each) => padded(String(each))).join(',')}:00 ${timeZone}`,
  ];
}

/** The next tick, in milliseconds; undefined where it is systemd's to say. */
export function nextTick(when: string, timeZone: string, nowMs: number): number | undefined {
  try {
    return CronExpressionParser.parse(when, { tz: timeZone, currentDate: new Date(nowMs) })
      .next()
      .getTime();
  } catch {
    return undefined;
  }
}

function padded(text: string): string {
  return text.padStart(2, '0');
}
