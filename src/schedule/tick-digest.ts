import { createHash } from 'node:crypto';
import type { ScheduleSpec } from '../spec/job-spec.ts';

/** Of what says when a job is due: two schedules of one digest have the same ticks. */
export function tickDigest({ cron, onCalendar, timeZone, daylightSaving }: ScheduleSpec): string {
  const text = JSON.stringify([cron, onCalendar, timeZone, daylightSaving]);
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
