import { AppError } from '../core/errors.ts';
import { parseLogicalDate } from '../core/zoned-date.ts';
import type { TickRule } from '../schedule/cron-ticks.ts';
import { tickRuleOf } from '../schedule/tick-rule.ts';
import type { JobSpec, ScheduleSpec } from '../spec/job-spec.ts';
import type { LoadedSpec } from '../spec/load-spec.ts';
import { chooseJobs } from './choose-jobs.ts';

export type ScheduledJob = JobSpec & { readonly schedule: ScheduleSpec; readonly rule: TickRule };

/**
 * The jobs that are named, or all that have a schedule.
 * @throws AppError USAGE for a name that the spec has not, and where there is no schedule
 */
export function scheduledJobs(spec: LoadedSpec, names: readonly string[]): readonly ScheduledJob[] {
  const scheduled = chooseJobs(spec, names).flatMap((job) => {
    const { schedule } = job;
    if (schedule !== undefined) return [{ ...job, schedule, rule: tickRuleOf(schedule) }];
    if (names.length === 0) return [];
    throw noSchedule(`job ${job.name} of ${spec.path} has no schedule`, spec);
  });
  if (scheduled.length === 0) throw noSchedule(`no job of ${spec.path} has a schedule`, spec);
  return scheduled;
}

/** @throws AppError USAGE that names the option */
export function dateOption(option: string, written: string, { timeZone }: TickRule): number {
  try {
    return parseLogicalDate(written, timeZone, Date.now());
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw new AppError('USAGE', `${option} ${error.message}`, {
      hint: `write for example \`${option} 2026-11-23\` or \`${option} 2026-11-23T02:30:00+01:00\``,
    });
  }
}

function noSchedule(message: string, spec: LoadedSpec): AppError {
  const others = spec.jobs.filter(({ schedule }) => schedule !== undefined).map(({ name }) => name);
  const hint = 'give it one in the spec: `schedule: { cron: "30 2 * * *", timeZone: Europe/Paris }`';
  return new AppError('USAGE', message, {
    hint: others.length === 0 ? hint : `${hint}; those that have one are ${others.join(', ')}`,
  });
}
