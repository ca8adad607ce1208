import { createHash } from 'node:crypto';
import type { ScheduleSpec } from '../spec/job-spec.ts';
import { type Due, type DueDecision, decideDue, type MoreTicks } from './due.ts';
import type { LaunchedRun, Launcher, RunEnd } from './launcher.ts';
import type { TickLedger, TickOutcome } from './tick-ledger.ts';

/** While a run goes on the clock is looked at this often: a machine that slept, or whose clock was set, is noticed. */
const lookEveryMs = 60_000;
/** How long a run waits for an output that somebody else's run holds, where no deadline says. */
const usualWaitMs = 3_600_000;

export interface DueRequest {
  /** Absolute. */
  readonly specPath: string;
  readonly job: string;
  readonly schedule: ScheduleSpec;
  /** The most that a run is delayed, so that machines spread; 0 where the timer does that itself. */
  readonly jitterMs: number;
  /** Names this machine among those that share the schedule. */
  readonly machine: string;
  readonly signal: AbortSignal;
  /** More of the command line of `run`. */
  readonly options: readonly string[];
}

export interface DuePorts {
  readonly ledger: TickLedger;
  readonly launcher: Launcher;
  readonly nowMs: () => number;
}

export type DueEvent =
  | { readonly type: 'note'; readonly message: string }
  | { readonly type: 'nothing-due'; readonly nextTickMs: number | undefined }
  | ({ readonly type: 'tick-decided' } & DueDecision)
  /** Ticks before those, all decided alike. */
  | ({ readonly type: 'ticks-decided' } & MoreTicks)
  | { readonly type: 'run-delayed'; readonly tickMs: number; readonly untilMs: number }
  | { readonly type: 'run-launched'; readonly tickMs: number; readonly logicalDate: string; readonly reason: string }
  | { readonly type: 'run-stopping'; readonly tickMs: number; readonly reason: string }
  | {
      readonly type: 'run-ended';
      readonly tickMs: number;
      readonly logicalDate: string;
      readonly end: RunEnd;
      /** Why it was stopped, if it was. */
      readonly stopped?: string | undefined;
    };

interface Active {
  readonly decision: DueDecision;
  readonly run: LaunchedRun;
  readonly launchedAtMs: number;
  readonly ended: Promise<Active>;
  end: RunEnd | undefined;
  stopped: string | undefined;
  /** Whether it discards what an unfinished run of another date, model or spec left in its output. */
  readonly restarts: boolean;
}

/**
 * Runs what is due of one job, and what becomes due while that goes on. One of these a job at a time: the caller sees to that.
 * @throws the reason of the signal, once the runs that it stopped have ended
 */
export async function* runDue(ports: DuePorts, request: DueRequest): AsyncGenerator<DueEvent> {
  yield* new DueLoop(ports, request).events();
}

class DueLoop {
  readonly #ports: DuePorts;
  readonly #request: DueRequest;
  readonly #active = new Map<number, Active>();
  /** Ticks whose runs ended without an outcome, like those that found the output locked: for another time. */
  readonly #leftOpen = new Set<number>();
  readonly #told = new Set<string>();
  #wasBusy = false;
  #lastRunMs = 0;

  constructor(ports: DuePorts, request: DueRequest) {
    this.#ports = ports;
    this.#request = request;
  }

  async *events(): AsyncGenerator<DueEvent> {
    for (;;) {
      const due = this.#decide();
      const { decisions, nextTickMs } = due;
      yield* this.#settleIdle(due);
      const next = decisions.find((decision) => this.#mayLaunch(decision, decisions));
      if (next !== undefined && !this.#request.signal.aborted) {
        yield* this.#delay(next);
        if (this.#request.signal.aborted) continue;
        this.#launch(next, false);
        const { tickMs, logicalDate, reason } = next;
        yield { type: 'run-launched', tickMs, logicalDate, reason };
        continue;
      }
      if (this.#active.size === 0) {
        this.#request.signal.throwIfAborted();
        this.#closeOvertaken();
        if (!this.#wasBusy) yield { type: 'nothing-due', nextTickMs };
        return;
      }
      yield* this.#stopSome(decisions);
      await this.#somethingHappens(nextTickMs);
      yield* this.#reap();
    }
  }

  #decide(): Due {
    const nowMs = this.#ports.nowMs();
    const { sinceMs, settled, isPaused, notes } = this.#ports.ledger.read(nowMs);
    const decided = new Set([...settled, ...this.#leftOpen, ...this.#active.keys()]);
    const running = [...this.#active.keys()];
    const due = decideDue({ schedule: this.#request.schedule, nowMs, sinceMs, decided, isPaused, running });
    return { ...due, warnings: [...notes, ...due.warnings] };
  }

  /** Writes down what needs no run, and tells everything that was not told yet. */
  *#settleIdle({ decisions, more, warnings }: Due): Generator<DueEvent> {
    for (const message of warnings) if (this.#tellOnce(message)) yield { type: 'note', message };
    if (more !== undefined && this.#tellOnce(`before ${more.beforeMs}`)) yield { type: 'ticks-decided', ...more };
    for (const decision of decisions) {
      const { tickMs, action, reason } = decision;
      if (action === 'missed' || action === 'skip') {
        this.#ports.ledger.settle({ tickMs, decision: action === 'skip' ? 'skipped' : 'missed', reason });
      } else if (action !== 'wait') continue;
      if (this.#tellOnce(`${action} ${tickMs}`)) yield { type: 'tick-decided', ...decision };
    }
  }

  #tellOnce(what: string): boolean {
    if (this.#told.has(what)) return false;
    this.#told.add(what);
    this.#wasBusy = true;
    return true;
  }

  /** Of several that were missed one runs after the other, even where runs may overlap. */
  #mayLaunch({ action, tickMs }: DueDecision, decisions: readonly DueDecision[]): boolean {
    if (action !== 'run') return false;
    if (this.#active.size === 0) return true;
    const newestMs = decisions.reduce((newest, decision) => Math.max(newest, decision.tickMs), 0);
    return this.#request.schedule.concurrencyPolicy === 'Allow' && tickMs === newestMs;
  }

  async *#delay({ tickMs }: DueDecision): AsyncGenerator<DueEvent> {
    const { jitterMs, machine, job, signal } = this.#request;
    const untilMs = tickMs + share(`${machine} ${job}`) * jitterMs;
    const delayMs = untilMs - this.#ports.nowMs();
    if (delayMs <= 0 || delayMs > jitterMs) return;
    yield { type: 'run-delayed', tickMs, untilMs };
    await passed(delayMs, signal);
  }

  #launch(decision: DueDecision, restarts: boolean): void {
    const { specPath, job, schedule, options } = this.#request;
    const launchedAtMs = this.#ports.nowMs();
    const deadlineMs = schedule.startingDeadlineMs;
    const waitMs = deadlineMs === undefined ? usualWaitMs : decision.tickMs + deadlineMs - launchedAtMs;
    const wait = waitMs > 0 ? ['--wait', `${Math.ceil(waitMs / 1000)}s`] : [];
    const { logicalDate, tickMs } = decision;
    const run = this.#ports.launcher.launch({
      ...{ specPath, job, logicalDate, trigger: 'schedule' },
      options: [...wait, ...(restarts ? ['--restart'] : []), ...options],
    });
    const ended = run.ended.then((end) => Object.assign(active, { end }));
    const active: Active = { decision, run, launchedAtMs, ended, end: undefined, stopped: undefined, restarts };
    this.#wasBusy = true;
    this.#active.set(tickMs, active);
  }

  /** For a deadline, for a tick that replaces what was begun before it was due, and for a signal. */
  *#stopSome(decisions: readonly DueDecision[]): Generator<DueEvent> {
    const { activeDeadlineMs } = this.#request.schedule;
    for (const active of this.#active.values()) {
      if (active.stopped !== undefined) continue;
      const ranMs = this.#ports.nowMs() - active.launchedAtMs;
      const next = decisions.find(({ action, tickMs }) => action === 'replace' && tickMs > active.launchedAtMs);
      const reason = this.#request.signal.aborted
        ? 'nightshift was told to stop'
        : activeDeadlineMs !== undefined && ranMs >= activeDeadlineMs
          ? `it took longer than schedule.activeDeadline, ${activeDeadlineMs / 1000} s`
          : next === undefined
            ? undefined
            : `the run for ${next.logicalDate} replaces it`;
      if (reason === undefined) continue;
      active.stopped = reason;
      active.run.stop();
      yield { type: 'run-stopping', tickMs: active.decision.tickMs, reason };
    }
  }

  async #somethingHappens(nextTickMs: number | undefined): Promise<void> {
    const { signal, schedule } = this.#request;
    const nowMs = this.#ports.nowMs();
    const { activeDeadlineMs = Number.POSITIVE_INFINITY } = schedule;
    const deadlinesMs = [...this.#active.values()]
      .filter(({ stopped }) => stopped === undefined)
      .map(({ launchedAtMs }) => launchedAtMs + activeDeadlineMs - nowMs);
    const inMs = Math.min(lookEveryMs, (nextTickMs ?? Number.POSITIVE_INFINITY) - nowMs, ...deadlinesMs);
    const done = new AbortController();
    const wake = signal.aborted ? done.signal : AbortSignal.any([signal, done.signal]);
    try {
      await Promise.race([passed(Math.max(0, inMs), wake), ...[...this.#active.values()].map(({ ended }) => ended)]);
    } finally {
      done.abort();
    }
  }

  *#reap(): Generator<DueEvent> {
    for (const { decision, end, stopped, restarts } of [...this.#active.values()]) {
      if (end === undefined) continue;
      const { tickMs, logicalDate } = decision;
      this.#active.delete(tickMs);
      if (end.code === 'FINGERPRINT_CHANGED' && !restarts && stopped === undefined) {
        // Nobody is there to decide, and a night that was cut off must not stop all that come after it.
        yield { type: 'note', message: `${end.message ?? end.code}; that run is discarded` };
        this.#launch(decision, true);
        continue;
      }
      const outcome = this.#outcomeOf({ tickMs, end, stopped });
      if (outcome === undefined) this.#leftOpen.add(tickMs);
      else {
        this.#ports.ledger.settle(outcome);
        this.#lastRunMs = Math.max(this.#lastRunMs, tickMs);
      }
      yield { type: 'run-ended', tickMs, logicalDate, end, stopped };
    }
  }

  /** What was left open stays so until a later tick has run: then it is missed, and not made up for out of order. */
  #closeOvertaken(): void {
    for (const tickMs of this.#leftOpen) {
      if (tickMs >= this.#lastRunMs) continue;
      this.#ports.ledger.settle({ tickMs, decision: 'missed', reason: 'its output was held, and a newer one ran' });
    }
  }

  /** @returns undefined when the tick is as due as before: the run was interrupted, or could not have the output */
  #outcomeOf({ tickMs, end, stopped }: { tickMs: number; end: RunEnd; stopped: string | undefined }) {
    const settled = (reason: string): TickOutcome => ({ tickMs, decision: 'run', runId: end.runId, reason });
    if (end.state === 'published' || end.state === 'skipped') return settled(end.state);
    if (stopped !== undefined && !this.#request.signal.aborted) return settled(stopped);
    if (end.state === 'interrupted' || end.exitCode === 75) return undefined;
    return settled(`exit code ${end.exitCode}${end.message === undefined ? '' : `: ${end.message}`}`);
  }
}

/** From 0 to 1, the same for the same text. */
function share(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32BE(0) / 2 ** 32;
}

/** Resolves early when the signal is aborted. */
async function passed(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  signal.addEventListener('abort', () => resolve(), { once: true });
  await promise;
  clearTimeout(timer);
}
