import { dirname, join } from 'node:path';
import { AppError } from '../core/errors.ts';
import type { JobSpec, ScheduleSpec } from '../spec/job-spec.ts';
import { fireMinutes } from './fire-minutes.ts';
import { outputFolder, temporaryPathOf } from './job-folders.ts';
import { isPlainCron, tickMinutes } from './tick-minutes.ts';
import { calendarsOf } from './ticks-stand-in.ts';
import { type Timer, timerDigest, timerId } from './timer.ts';

export interface Surroundings {
  /** The spec's absolute path. */
  readonly spec: string;
  readonly node: string;
  readonly bin: string;
  readonly stateFolder: string;
  readonly cacheFolder: string;
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The zone in which cron and systemd reckon. */
  readonly machineZone: string;
  readonly nowMs: number;
}

export type ScheduledJob = JobSpec & { readonly schedule: ScheduleSpec };

/**
 * What is to be installed for a job.
 * @throws AppError USAGE for an environment variable that is not set
 */
export function describeTimer(job: ScheduledJob, around: Surroundings): Timer {
  const { spec, node, bin, stateFolder, machineZone } = around;
  const { schedule } = job;
  const timeZone = schedule.timeZone ?? machineZone;
  const id = timerId(spec, job.name);
  const temporaryPath = temporaryPathOf(job, [spec, node, bin, stateFolder]);
  return {
    ...{ v: 1, id, spec, job: job.name, node, bin, timeZone },
    when: schedule.cron ?? schedule.onCalendar ?? '',
    digest: timerDigest(job),
    args: ['schedule', 'run-due', spec, job.name, '--state-dir', stateFolder],
    folder: dirname(spec),
    environment: environmentOf(schedule, around),
    logFile: join(stateFolder, 'logs', `${job.name.slice(0, 150)}-${id}.log`),
    cronTimes: cronTimes(schedule, { timeZone, around }),
    calendars: calendarsOf(schedule, timeZone),
    jitterMs: schedule.jitterMs,
    ...(schedule.activeDeadlineMs === undefined ? {} : { timeoutMs: schedule.activeDeadlineMs * schedule.maxCatchUp }),
    service: schedule.service,
    writable: [...new Set([outputFolder(job), stateFolder, around.cacheFolder])],
    ...(temporaryPath === undefined ? {} : { temporaryPath }),
  };
}

/** Cron and systemd give a call hardly any variables: what it counts on is written down. */
function environmentOf({ service }: ScheduleSpec, { env, home, node }: Surroundings): Readonly<Record<string, string>> {
  const searchPath = [...new Set([dirname(node), '/usr/local/bin', '/usr/bin', '/bin'])].join(':');
  const chosen = service.environment.map((name) => {
    const value = env[name];
    if (value !== undefined) return [name, value] as const;
    throw new AppError('USAGE', `schedule.service.environment names ${name}, which is not set`, {
      hint: `set ${name} and install again, or take it out of the spec`,
    });
  });
  return { HOME: home, PATH: searchPath, ...Object.fromEntries(chosen) };
}

/** Calls that find nothing due are cheap, and one each hour makes up for what a sleeping machine missed. */
function cronTimes(
  schedule: ScheduleSpec,
  { timeZone, around }: { readonly timeZone: string; readonly around: Surroundings },
): readonly string[] {
  const { machineZone, nowMs } = around;
  const { cron, catchUp } = schedule;
  if (catchUp === 'none' && timeZone === machineZone && cron !== undefined && isPlainCron(cron)) return [cron];
  const minutes = fireMinutes({ minutes: tickMinutes(schedule), jobZone: timeZone, machineZone, nowMs });
  return [`${minutes.length === 60 ? '*' : minutes.join(',')} * * * *`];
}
