import { formatLogicalDate } from '../core/zoned-date.ts';
import type { ScheduleSpec } from '../spec/job-spec.ts';
import { countTicks, lastTicks, nextTick, type TickRange, type TickRule, ticks } from './cron-ticks.ts';
import { spanText } from './span-text.ts';
import { tickRuleOf } from './tick-rule.ts';
import { dayMs, minuteMs } from './wall-time.ts';

export type DueSchedule = Pick<
  ScheduleSpec,
  | 'cron'
  | 'onCalendar'
  | 'timeZone'
  | 'daylightSaving'
  | 'concurrencyPolicy'
  | 'startingDeadlineMs'
  | 'catchUp'
  | 'maxCatchUp'
  | 'jitterMs'
  | 'suspend'
>;

export interface DueFacts {
  readonly schedule: DueSchedule;
  readonly nowMs: number;
  /** The last tick before which all are decided, or when the schedule was installed; exclusive. */
  readonly sinceMs: number;
  /** Ticks that were decided, whatever became of them: they stay so, also when the clock is set back. */
  readonly decided: ReadonlySet<number>;
  /** Whether somebody paused the job on this machine. */
  readonly isPaused: boolean;
  /** The runs of this job that go on now. */
  readonly running: readonly unknown[];
}

/** `wait` leaves a tick undecided; all others decide it. `replace` stops what runs and then runs. */
export type DueAction = 'run' | 'missed' | 'wait' | 'replace' | 'skip';

export interface DueDecision {
  readonly tickMs: number;
  /** ISO 8601, in the job's zone. */
  readonly logicalDate: string;
  readonly action: DueAction;
  readonly reason: string;
}

/** Ticks before those that are listed, all decided alike; there may be millions. */
export interface MoreTicks {
  readonly count: number;
  readonly fromExclusiveMs: number;
  readonly beforeMs: number;
  readonly action: 'missed' | 'skip';
  readonly reason: string;
}

export interface Due {
  /** Oldest tick first. */
  readonly decisions: readonly DueDecision[];
  readonly more: MoreTicks | undefined;
  /** None where the job is never due again. */
  readonly nextTickMs: number | undefined;
  readonly warnings: readonly string[];
}

/** How late a run begins at most where nothing is made up for and no deadline is set. */
const graceMs = 10 * minuteMs;
const listedAtLeast = 100;
const clockJumpMs = dayMs;

/** What is to be done now about the ticks of a job that nobody has decided yet. Pure: the same facts, the same answer. */
export function decideDue(facts: DueFacts): Due {
  const { schedule, nowMs, decided } = facts;
  const rule = tickRuleOf(schedule);
  const hasJumped = facts.sinceMs - nowMs > clockJumpMs;
  const sinceMs = hasJumped ? nowMs : facts.sinceMs;
  const range = { fromExclusiveMs: sinceMs, toMs: nowMs };
  const { listed, olderCount } = candidates(rule, range, {
    decided,
    limit: Math.max(schedule.maxCatchUp, listedAtLeast),
  });
  const inTime = listed.filter((tick) => nowMs - tick <= latestStartMs(schedule));
  const choice = { chosen: inTime.slice(-chosenAtMost(schedule)), newest: listed.at(-1) };
  const decisions = listed.map((tickMs): DueDecision => {
    const { action, reason } = decisionOn(tickMs, choice, facts);
    return { tickMs, logicalDate: formatLogicalDate(tickMs, rule.timeZone), action, reason };
  });
  return {
    decisions,
    more: moreOf({ count: olderCount, fromExclusiveMs: sinceMs, beforeMs: listed[0] ?? nowMs }, facts),
    nextTickMs: nextUndecided(rule, Math.max(nowMs, sinceMs), decided),
    warnings: hasJumped ? [jumpText(facts.sinceMs, nowMs, rule.timeZone)] : [],
  };
}

interface CandidateOptions {
  readonly decided: ReadonlySet<number>;
  readonly limit: number;
}

/** The newest undecided ticks, and how many came before them. */
function candidates(rule: TickRule, range: TickRange, { decided, limit }: CandidateOptions) {
  if (range.fromExclusiveMs >= range.toMs) return { listed: [], olderCount: 0 };
  const decidedHere = [...decided].filter(
    (tick) => tick > range.fromExclusiveMs && tick <= range.toMs && nextTick(rule, tick - 1) === tick,
  );
  const newest = lastTicks(rule, range, limit + decidedHere.length);
  const listed = newest.filter((tick) => !decided.has(tick)).slice(-limit);
  return { listed, olderCount: countTicks(rule, range) - decidedHere.length - listed.length };
}

type Decided = Pick<DueDecision, 'action' | 'reason'>;

interface Choice {
  /** Ticks that get a run, oldest first. */
  readonly chosen: readonly number[];
  readonly newest: number | undefined;
}

function decisionOn(tickMs: number, { chosen, newest }: Choice, facts: DueFacts): Decided {
  const passed = passReason(facts);
  if (passed !== undefined) return { action: 'skip', reason: passed };
  const { schedule, running, nowMs } = facts;
  if (!chosen.includes(tickMs)) return { action: 'missed', reason: missedReason(tickMs, facts) };
  const isFirst = tickMs === chosen[0];
  const how = lateness(tickMs, { isNewest: tickMs === newest, nowMs, jitterMs: schedule.jitterMs });
  switch (schedule.concurrencyPolicy) {
    case 'Allow':
      return { action: 'run', reason: how };
    case 'Replace':
      return running.length > 0
        ? { action: 'replace', reason: `${how}; the run that still goes on is stopped` }
        : { action: 'run', reason: how };
    case 'Forbid':
      if (running.length > 0) return { action: 'wait', reason: 'a run of this job still goes on' };
      return isFirst
        ? { action: 'run', reason: how }
        : { action: 'wait', reason: 'an older logical date of this job runs first' };
  }
}

function passReason({ schedule, isPaused }: DueFacts): string | undefined {
  if (schedule.suspend) return 'schedule.suspend is true; a tick that passes so is not made up for';
  return isPaused ? 'the job is paused; a tick that passes so is not made up for' : undefined;
}

/** With Replace a second run would stop the first at once, so that only the newest makes sense. */
function chosenAtMost({ catchUp, maxCatchUp, concurrencyPolicy }: DueSchedule): number {
  return catchUp === 'all' && concurrencyPolicy !== 'Replace' ? maxCatchUp : 1;
}

/** The jitter is a delay that was asked for, so it does not count as late. */
function latestStartMs({ catchUp, startingDeadlineMs, jitterMs }: DueSchedule): number {
  return jitterMs + (startingDeadlineMs ?? (catchUp === 'none' ? graceMs : Number.POSITIVE_INFINITY));
}

function missedReason(tickMs: number, { schedule, nowMs, running }: DueFacts): string {
  const { catchUp, maxCatchUp, concurrencyPolicy, startingDeadlineMs } = schedule;
  const lateMs = nowMs - tickMs;
  if (lateMs > latestStartMs(schedule)) {
    const setting = startingDeadlineMs === undefined ? 'catchUp: none' : 'startingDeadline';
    const blocked = running.length > 0 ? ', and a run of this job still goes on' : '';
    return `${spanText(lateMs)} late, over the ${spanText(latestStartMs(schedule))} that schedule.${setting} allows${blocked}`;
  }
  if (catchUp === 'all')
    return concurrencyPolicy === 'Replace'
      ? 'a newer one is due, and would replace it at once'
      : `older than the last ${maxCatchUp} that schedule.maxCatchUp makes up for`;
  return `a newer one is due, and schedule.catchUp is ${catchUp}`;
}

interface Lateness {
  readonly isNewest: boolean;
  readonly nowMs: number;
  readonly jitterMs: number;
}

function lateness(tickMs: number, { isNewest, nowMs, jitterMs }: Lateness): string {
  const lateMs = nowMs - tickMs;
  if (isNewest && lateMs <= minuteMs + jitterMs) return 'on time';
  return isNewest ? `${spanText(lateMs)} late` : `made up for, ${spanText(lateMs)} late`;
}

function moreOf(older: Pick<MoreTicks, 'count' | 'fromExclusiveMs' | 'beforeMs'>, facts: DueFacts) {
  if (older.count <= 0) return undefined;
  const passed = passReason(facts);
  const reason = `and ${older.count.toLocaleString('en-US')} more before these`;
  return { ...older, action: passed === undefined ? 'missed' : 'skip', reason } as const;
}

function nextUndecided(rule: TickRule, afterMs: number, decided: ReadonlySet<number>): number | undefined {
  for (const tick of ticks(rule, afterMs)) if (!decided.has(tick)) return tick;
  return undefined;
}

function jumpText(sinceMs: number, nowMs: number, timeZone: string): string {
  return (
    `the last decided tick, ${formatLogicalDate(sinceMs, timeZone)}, lies ${spanText(sinceMs - nowMs)} in the future: ` +
    'the clock had jumped ahead; ticks are decided from now on'
  );
}
