import type { ScheduleSpec } from '../spec/job-spec.ts';
import { minutesOf } from './fire-minutes.ts';

type When = Pick<ScheduleSpec, 'cron' | 'onCalendar'>;

const everyMinute = Array.from({ length: 60 }, (_, minute) => minute);
const names = /^(?:@?(?:hourly|daily|midnight|weekly|monthly|yearly|annually|quarterly|semiannually))$/i;

/**
 * The minutes of an hour at which a schedule has ticks, in its own zone; every one where that cannot be read from it,
 * which only costs calls that find nothing due.
 */
export function tickMinutes({ cron, onCalendar }: When): readonly number[] {
  const expression = (cron ?? onCalendar ?? '').trim();
  if (names.test(expression)) return [0];
  return (cron === undefined ? ofCalendar(expression) : ofCron(expression)) ?? everyMinute;
}

/** A cron expression that every crontab takes as it is: no names, no seconds, no letters of one cron alone. */
export function isPlainCron(cron: string): boolean {
  return (
    /^@(?:hourly|daily|midnight|weekly|monthly|yearly|annually)$/.test(cron) ||
    /^(?:[\d*,/-]+ +){4}[\d*,/-]+$/.test(cron)
  );
}

function ofCron(cron: string): readonly number[] | undefined {
  const fields = cron.split(/\s+/);
  const [first = '', second = ''] = fields;
  if (fields.length === 5) return minutesOf(first);
  return fields.length === 6 ? withSeconds(minutesOf(second), first) : undefined;
}

function ofCalendar(calendar: string): readonly number[] | undefined {
  const [, minutes, seconds = '00'] = /(?:^|\s)[\d*,./]+:([\d*,./]+)(?::([\d*,./]+))?(?:\s|$)/.exec(calendar) ?? [];
  // A calendar without a time of day means its midnight.
  if (minutes === undefined) return /:|minutely/i.test(calendar) ? undefined : [0];
  return withSeconds(minutesOf(minutes), seconds);
}

/** A tick after the minute's beginning is past at the next minute. */
function withSeconds(minutes: readonly number[] | undefined, seconds: string): readonly number[] | undefined {
  if (minutes === undefined || /^0+$/.test(seconds)) return minutes;
  return [...new Set(minutes.flatMap((minute) => [minute, (minute + 1) % 60]))].sort((a, b) => a - b);
}
