import { dirname, join } from 'node:path';
import { AppError } from '../core/errors.ts';
import type { JobSpec, ScheduleSpec } from '../spec/job-spec.ts';
import { type Cron, readCron } from './cron-expression.ts';
import type { TickRule } from './cron-ticks.ts';
import { changesClock, fireMinutes, leapMinutes } from './fire-minutes.ts';
import { cacheFolders, outputFolder, temporaryPathOf } from './job-folders.ts';
import { onCalendarLines } from './on-calendar.ts';
import { tickRuleOf } from './tick-rule.ts';
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
  const rule = tickRuleOf(schedule, machineZone);
  const { timeZone } = rule;
  const cron = cronOf(rule);
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
    cronTimes: cronTimes(schedule, { rule, cron, around }),
    calendars: calendars(schedule, { rule, cron, around }),
    jitterMs: schedule.jitterMs,
    ...(schedule.activeDeadlineMs === undefined ? {} : { timeoutMs: schedule.activeDeadlineMs * schedule.maxCatchUp }),
    service: schedule.service,
    writable: [...new Set([outputFolder(job), ...cacheFolders(job), stateFolder, around.cacheFolder])],
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

interface Calls {
  readonly rule: TickRule;
  readonly cron: Cron;
  readonly around: Surroundings;
}

/** Calls that find nothing due are cheap, and one each hour makes up for what a sleeping machine missed. */
function cronTimes({ catchUp, onCalendar }: ScheduleSpec, { rule, cron, around }: Calls): readonly string[] {
  const { machineZone, nowMs } = around;
  const isTheirs = rule.timeZone === machineZone && onCalendar === undefined && isPlainCron(rule.cron);
  if (catchUp === 'none' && isTheirs && !changesClock(machineZone, nowMs)) return [rule.cron];
  const minutes = hourlyMinutes({ rule, cron, around }, machineZone);
  return [`${minutes.length === 60 ? '*' : minutes.join(',')} * * * *`];
}

/**
 * The ticks in systemd's words, and a call each hour beside them: systemd passes over what the clock leaves out and over
 * an hour that comes twice, and a tick that was left open is due again.
 */
function calendars({ catchUp }: ScheduleSpec, calls: Calls): readonly string[] {
  const { rule, cron, around } = calls;
  const lines = onCalendarLines(cron, rule.timeZone);
  if (catchUp === 'none' && !changesClock(rule.timeZone, around.nowMs)) return lines;
  const minutes = hourlyMinutes(calls, 'UTC').map((minute) => String(minute).padStart(2, '0'));
  return [...lines, `*-*-* *:${minutes.length === 60 ? '*' : minutes.join(',')}:00 UTC`];
}

/** By the clock of a zone, the minutes of an hour at which a tick may be due. */
function hourlyMinutes({ rule, cron, around }: Calls, machineZone: string): readonly number[] {
  const zones = { jobZone: rule.timeZone, machineZone, nowMs: around.nowMs };
  const leaps = cron.followsElapsedTime ? [] : leapMinutes(zones);
  return [...new Set([...fireMinutes({ ...zones, minutes: cron.minutes }), ...leaps])].sort((a, b) => a - b);
}

/** A cron expression that every crontab takes as it is: no names, no letters of one cron alone. */
function isPlainCron(cron: string): boolean {
  return (
    /^@(?:hourly|daily|midnight|weekly|monthly|yearly|annually)$/.test(cron) ||
    /^(?:[\d*,/-]+ +){4}[\d*,/-]+$/.test(cron)
  );
}

function cronOf({ cron }: TickRule): Cron {
  const reading = readCron(cron);
  if (reading.state === 'valid') return reading.cron;
  throw new Error(`${cron} was not checked: ${reading.text}`);
}
