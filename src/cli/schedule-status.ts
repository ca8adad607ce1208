import { resolve } from 'node:path';
import { isAlive } from '../core/host.ts';
import { formatLogicalDate } from '../core/zoned-date.ts';
import { type History, type JobKey, shownState } from '../history/contract.ts';
import { lastTicks, nextTick, type TickRule } from '../schedule/cron-ticks.ts';
import { aligned, cellText } from './aligned.ts';
import { chooseJobs } from './choose-jobs.ts';
import type { Paint } from './colour.ts';
import { findHistory } from './context.ts';
import type { Io } from './io.ts';
import { openSpec } from './open-spec.ts';
import { parseCount } from './parse-when.ts';
import { scheduledJobs } from './scheduled-jobs.ts';
import { warnOfZone } from './warn-of-zone.ts';

export interface StatusFlags {
  readonly count: string;
  readonly json?: boolean;
  readonly stateDir: string;
}

interface StatusRequest {
  readonly spec: string;
  readonly names: readonly string[];
  readonly flags: StatusFlags;
}

interface TickStatus {
  readonly logicalDate: string;
  /** What became of it; `open` when nobody decided yet. */
  readonly state: string;
  readonly runId: string | undefined;
  readonly reason: string | undefined;
}

interface JobStatus {
  readonly job: string;
  readonly state: 'paused' | 'suspended' | 'on' | 'unknown';
  readonly nextTick: string | undefined;
  /** Newest first. */
  readonly ticks: readonly TickStatus[];
}

const widestReason = 100;

/** What became of the last ticks. @returns the exit code */
export async function showScheduleStatus(io: Io, { spec: path, names, flags }: StatusRequest): Promise<number> {
  const count = parseCount('--count', flags.count);
  const spec = await openSpec({ spec: path, names, flags: {} });
  warnOfZone(io, chooseJobs(spec, names));
  using history = await findHistory(resolve(flags.stateDir));
  const nowMs = Date.now();
  const jobs = scheduledJobs(spec, names).map(({ name, schedule, rule }): JobStatus => {
    const key = { specPath: resolve(spec.path), job: name };
    const known = history?.schedule(key);
    const state = known?.pausedAtMs !== undefined ? 'paused' : known === undefined ? 'unknown' : 'on';
    const next = nextTick(rule, nowMs);
    return {
      job: name,
      state: schedule.suspend ? 'suspended' : state,
      nextTick: next === undefined ? undefined : formatLogicalDate(next, rule.timeZone),
      ticks:
        history === undefined ? [] : lastStates(history, key, { rule, nowMs, count, sinceMs: known?.installedAtMs }),
    };
  });
  if (flags.json === true) io.out(`${JSON.stringify({ v: 1, spec: resolve(spec.path), jobs }, undefined, 2)}\n`);
  else io.out(jobs.map((job) => statusText(job, io.paintOut)).join('\n'));
  return 0;
}

interface LastOf {
  readonly rule: TickRule;
  readonly nowMs: number;
  readonly count: number;
  readonly sinceMs: number | undefined;
}

function lastStates(history: History, key: JobKey, { rule, nowMs, count, sinceMs }: LastOf): readonly TickStatus[] {
  const decided = history.lastTicks(key, count);
  const open =
    sinceMs === undefined
      ? []
      : lastTicks(rule, { fromExclusiveMs: Math.max(sinceMs, decided[0]?.tickMs ?? 0), toMs: nowMs }, count);
  const all = [...open.toReversed().map((tickMs) => ({ tickMs, decision: undefined, reason: undefined })), ...decided];
  return all.slice(0, count).map(({ tickMs, decision, reason }) => {
    const [run] = history.runsOf({ ...key, logicalDates: [tickMs] });
    const ofRun = run === undefined ? undefined : shownState(run, isAlive);
    const state =
      decision === 'missed' || decision === 'skipped' ? decision : (ofRun ?? (decision === undefined ? 'open' : 'run'));
    return { logicalDate: formatLogicalDate(tickMs, rule.timeZone), state, runId: run?.runId, reason };
  });
}

function statusText({ job, state, nextTick: next, ticks }: JobStatus, paint: Paint): string {
  const how = { paused: 'paused', suspended: 'suspended', on: 'on', unknown: 'no timer has called yet' }[state];
  const head = `${job}: ${how}; next is ${next ?? 'never'}\n`;
  const bad = ['failed', 'missed', 'died', 'interrupted'];
  const lines = ticks.map((tick) => [
    tick.logicalDate,
    tick.runId ?? '',
    tick.state,
    tick.reason === undefined || tick.reason === tick.state ? '' : cellText(tick.reason, widestReason),
  ]);
  const table = aligned(lines, { indent: 2 });
  return (
    head +
    table.replaceAll(/\b(failed|missed|died|interrupted)\b(?= {2}|\n)/g, (word) =>
      bad.includes(word) ? paint('red', word) : word,
    )
  );
}
