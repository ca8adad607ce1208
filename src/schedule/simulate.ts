import { nextTick } from './cron-ticks.ts';
import { type DueDecision, type DueSchedule, decideDue, type MoreTicks } from './due.ts';
import { tickRuleOf } from './tick-rule.ts';

/** A time in which the machine is off or asleep. */
export interface Downtime {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface Simulation {
  readonly schedule: DueSchedule;
  readonly fromMs: number;
  readonly toMs: number;
  /** How long each run takes. */
  readonly durationMs: number;
  readonly down: readonly Downtime[];
}

export interface SimulatedStep {
  /** When the decision falls. */
  readonly atMs: number;
  readonly decisions: readonly DueDecision[];
  readonly more: MoreTicks | undefined;
}

interface State {
  readonly sinceMs: number;
  readonly decided: ReadonlySet<number>;
  readonly waiting: ReadonlySet<number>;
  readonly ends: readonly number[];
}

/** Walks through time from tick to tick, and from the end of a run to what waits for it, as a timer would. */
export function* simulate({ schedule, fromMs, toMs, durationMs, down }: Simulation): Generator<SimulatedStep> {
  let atMs = awake(nextTick(tickRuleOf(schedule), fromMs) ?? Number.POSITIVE_INFINITY, down);
  let state: State = { sinceMs: fromMs, decided: new Set(), waiting: new Set(), ends: [] };
  while (atMs <= toMs) {
    const nowMs = atMs;
    const running = state.ends.filter((end) => end > nowMs);
    const { sinceMs, decided } = state;
    const due = decideDue({ schedule, nowMs, sinceMs, decided, isPaused: false, running });
    const { waiting } = state;
    const news = due.decisions.filter(({ tickMs, action }) => action !== 'wait' || !waiting.has(tickMs));
    if (news.length > 0) yield { atMs: nowMs, decisions: news, more: due.more };
    state = after(state, due.decisions, { nowMs, running, endMs: endOf(nowMs, durationMs, down) });
    const wakeUps = state.waiting.size > 0 ? state.ends : [];
    atMs = awake(Math.min(due.nextTickMs ?? Number.POSITIVE_INFINITY, ...wakeUps), down);
  }
}

interface Moment {
  readonly nowMs: number;
  readonly running: readonly number[];
  readonly endMs: number;
}

function after(before: State, decisions: readonly DueDecision[], { nowMs, running, endMs }: Moment): State {
  const isStopped = decisions.some(({ action }) => action === 'replace');
  const begun = decisions.filter(({ action }) => action === 'run' || action === 'replace').map(() => endMs);
  const waiting = decisions.filter(({ action }) => action === 'wait').map(({ tickMs }) => tickMs);
  const [oldestWaiting = nowMs + 1] = waiting;
  const decided = decisions.filter(({ action }) => action !== 'wait').map(({ tickMs }) => tickMs);
  return {
    sinceMs: oldestWaiting - 1,
    decided: new Set([...before.decided, ...decided].filter((tick) => tick >= oldestWaiting)),
    waiting: new Set(waiting),
    ends: [...(isStopped ? [] : running), ...begun],
  };
}

/** A machine that is down decides nothing until it is up again. */
function awake(atMs: number, down: readonly Downtime[]): number {
  const asleep = down.find(({ fromMs, toMs }) => fromMs <= atMs && atMs < toMs);
  return asleep === undefined ? atMs : awake(asleep.toMs, down);
}

/** A run that the machine sleeps through takes that much longer. */
function endOf(startMs: number, durationMs: number, down: readonly Downtime[]): number {
  let endMs = startMs + durationMs;
  for (const { fromMs, toMs } of [...down].sort((a, b) => a.fromMs - b.fromMs))
    if (fromMs < endMs && toMs > startMs) endMs += toMs - Math.max(fromMs, startMs);
  return endMs;
}
