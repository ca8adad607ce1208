import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { messageOf } from '../core/errors.ts';
import { environment, isAlive } from '../core/host.ts';
import { formatLogicalDate } from '../core/zoned-date.ts';
import { type History, type RunRecord, shownState } from '../history/contract.ts';
import { type TimerMarker, timerDigest } from '../schedule/timer.ts';
import { timerTargets } from '../schedule/timer-targets.ts';
import type { JobSpec } from '../spec/job-spec.ts';
import { loadSpec } from '../spec/load-spec.ts';
import { aligned } from './aligned.ts';
import { findHistory } from './context.ts';
import type { Io } from './io.ts';
import { nextTickText } from './next-tick-text.ts';
import { recordJson } from './run-record-text.ts';
import { shownPath } from './shown-path.ts';
import { timerEnvironment } from './timer-environment.ts';

export interface ScheduleListFlags {
  readonly json?: boolean;
  readonly stateDir: string;
}

interface ListedTimer extends TimerMarker {
  readonly target: string;
  /** Undefined where the expression cannot be read any more. */
  readonly next: string | undefined;
  readonly isPaused: boolean;
  /** The newest that is recorded. */
  readonly last: RunRecord | undefined;
  /** What it no longer agrees with; empty when all is well. */
  readonly drift: readonly string[];
}

export async function scheduleList(io: Io, flags: ScheduleListFlags): Promise<number> {
  const timers: ListedTimer[] = [];
  using history = await findHistory(resolve(flags.stateDir));
  for (const target of timerTargets(environment()))
    for (const timer of await target.read())
      timers.push({
        ...timer,
        target: target.name,
        next: nextTickText(timer),
        ...knownOf(history, timer),
        drift: await driftOf(timer),
      });
  if (flags.json === true) io.out(`${JSON.stringify({ v: 1, timers: timers.map(listRecord) }, undefined, 2)}\n`);
  else io.out(timers.length === 0 ? 'no timer is installed\n' : listText(timers, io));
  return 0;
}

function knownOf(history: History | undefined, { spec, job }: TimerMarker): Pick<ListedTimer, 'isPaused' | 'last'> {
  const key = { specPath: spec, job };
  const [last] = history?.latestRuns(key) ?? [];
  return { isPaused: history?.schedule(key)?.pausedAtMs !== undefined, last };
}

async function driftOf(timer: TimerMarker): Promise<readonly string[]> {
  const programs = [
    ...(existsSync(timer.node) ? [] : ['node is gone']),
    ...(existsSync(timer.bin) ? [] : ['nightshift is gone']),
  ];
  return [...programs, ...(await specDrift(timer))];
}

async function specDrift({ spec: path, job: name, digest }: TimerMarker): Promise<readonly string[]> {
  if (!existsSync(path)) return ['spec is gone'];
  try {
    const spec = await loadSpec({ path, env: environment() });
    const job = spec.jobs.find((candidate) => candidate.name === name);
    if (job === undefined) return ['job is gone from the spec'];
    if (job.schedule === undefined) return ['job has no schedule any more'];
    const drift = timerDigest(job) === digest ? [] : ['spec changed since install'];
    return [...drift, ...(await environmentDrift(path, job))];
  } catch (error) {
    return [`spec cannot be read: ${messageOf(error)}`];
  }
}

/** What is set in this shell need not be for the timer. */
async function environmentDrift(path: string, job: JobSpec): Promise<readonly string[]> {
  try {
    await loadSpec({ path, env: timerEnvironment(job, environment()) });
    return [];
  } catch (error) {
    return [`spec cannot be read by its timer: ${messageOf(error)}`];
  }
}

function listRecord(timer: ListedTimer): object {
  const { job, spec, target, when, timeZone, next, isPaused, last, drift, id, node, bin } = timer;
  const lastRun = last === undefined ? null : recordJson(last);
  return { job, spec, target, when, timeZone, next: next ?? null, paused: isPaused, lastRun, drift, id, node, bin };
}

function listText(timers: readonly ListedTimer[], io: Io): string {
  const rows = timers.map(({ job, spec, target, when, timeZone, next, isPaused, last, drift }) => [
    job,
    shownPath(spec, process.cwd()),
    target,
    `${when} ${timeZone}`,
    isPaused ? 'paused' : next === undefined ? '' : `next ${next}`,
    last === undefined
      ? 'never ran'
      : `last ${formatLogicalDate(last.startedAtMs, timeZone)} ${shownState(last, isAlive)}`,
    drift.length === 0 ? 'ok' : io.paintOut('yellow', drift.join(', ')),
  ]);
  return aligned(rows, { indent: 0 });
}
