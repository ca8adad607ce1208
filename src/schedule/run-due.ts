import { formatLogicalDate } from '../core/zoned-date.ts';
import type { ScheduleSpec } from '../spec/job-spec.ts';
import { type Due, type DueDecision, decideDue } from './due.ts';
import type { DueEvent } from './due-event.ts';
import { fateOf, type Stopped } from './fate-of.ts';
import { jitteredMs } from './jitter.ts';
import type { LaunchedRun, Launcher, RunEnd } from './launcher.ts';
import { OutcomesInOrder } from './outcomes-in-order.ts';
import { passed } from './passed.ts';
import type { TickLedger } from './tick-ledger.ts';
import { tickRuleOf } from './tick-rule.ts';

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
  /** Its runs never reject. */
  readonly launcher: Launcher;
  readonly nowMs: () => number;
  /** Passes as time does, whatever the clock is set to. */
  readonly elapsedMs: () => number;
}

interface Active {
  readonly decision: DueDecision;
  readonly run: LaunchedRun;
  readonly launchedAtMs: number;
  readonly launchedElapsedMs: number;
  readonly ended: Promise<unknown>;
  end: RunEnd | undefined;
  stopped: Stopped | undefined;
  /** Whether a newer tick was due already when it was launched. */
  readonly isMadeUp: boolean;
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
  readonly #outcomes: OutcomesInOrder;
  readonly #told = new Set<string>();
  #wasBusy = false;
  #newestLaunchedMs = Number.NEGATIVE_INFINITY;
  /** Ticks before it were decided as many at once, which nobody writes down one by one. */
  #sinceMs = Number.NEGATIVE_INFINITY;

  constructor(ports: DuePorts, request: DueRequest) {
    this.#ports = ports;
    this.#request = request;
    this.#outcomes = new OutcomesInOrder(ports.ledger);
  }

  async *events(): AsyncGenerator<DueEvent> {
    try {
      yield* this.#untilIdle();
    } finally {
      // Where something failed here, or nobody listens any more, nobody sees to the runs either.
      for (const { run } of this.#active.values()) run.stop();
      await Promise.all([...this.#active.values()].map(({ ended }) => ended));
    }
  }

  async *#untilIdle(): AsyncGenerator<DueEvent> {
    for (;;) {
      const due = this.#decide();
      yield* this.#settleIdle(due);
      const next = this.#next(due.decisions);
      const isDelayed = next !== undefined && this.#delayedUntilMs(next) > this.#ports.nowMs();
      if (next !== undefined && !isDelayed && !this.#request.signal.aborted) {
        const { tickMs, logicalDate, reason } = next;
        this.#launch(next, { restarts: false, isMadeUp: !this.#isNewest(next, due.decisions) });
        yield { type: 'run-launched', tickMs, logicalDate, reason };
        continue;
      }
      if (this.#active.size === 0) {
        if (this.#request.signal.aborted) yield* this.#giveUp(due.decisions);
        if (next === undefined) {
          if (!this.#wasBusy) yield { type: 'nothing-due', nextTickMs: due.nextTickMs };
          return;
        }
      }
      if (next !== undefined && this.#tellOnce(`delayed ${next.tickMs}`))
        yield { type: 'run-delayed', tickMs: next.tickMs, untilMs: this.#delayedUntilMs(next) };
      yield* this.#stopSome(due.decisions);
      await this.#somethingHappens(due);
      yield* this.#reap();
    }
  }

  #decide(): Due {
    const nowMs = this.#ports.nowMs();
    const { schedule, jitterMs } = this.#request;
    const { sinceMs, settled, isPaused, notes } = this.#ports.ledger.read(nowMs);
    const running = [...this.#active.keys()];
    const due = decideDue({
      // A delay that the timer asked for is no reason to be late either.
      schedule: { ...schedule, jitterMs: Math.max(schedule.jitterMs, jitterMs) },
      nowMs,
      sinceMs: this.#sinceMs <= nowMs ? Math.max(sinceMs, this.#sinceMs) : sinceMs,
      decided: new Set([...settled, ...this.#outcomes.decided, ...running]),
      isPaused,
      running,
    });
    return { ...due, warnings: [...notes, ...due.warnings] };
  }

  /** Writes down what needs no run, and tells everything that was not told yet. */
  *#settleIdle({ decisions, more, warnings }: Due): Generator<DueEvent> {
    for (const message of warnings) if (this.#tellOnce(message)) yield { type: 'note', message };
    if (more !== undefined) {
      this.#sinceMs = more.beforeMs - 1;
      this.#wasBusy = true;
      yield { type: 'ticks-decided', ...more };
    }
    for (const decision of decisions) {
      const { tickMs, action, reason } = decision;
      if (action === 'missed' || action === 'skip') {
        this.#outcomes.add({ tickMs, decision: action === 'skip' ? 'skipped' : 'missed', reason });
      } else if (action !== 'wait') continue;
      if (this.#tellOnce(`${action} ${tickMs}`)) yield { type: 'tick-decided', ...decision };
    }
    const waiting = decisions.filter(isOpen).map(({ tickMs }) => tickMs);
    this.#outcomes.write([...this.#active.keys(), ...waiting], this.#ports.nowMs());
  }

  /** @throws the reason of the signal */
  *#giveUp(decisions: readonly DueDecision[]): Generator<DueEvent> {
    for (const { tickMs } of decisions.filter(isOpen)) this.#outcomes.leaveOpen(tickMs, 'it had to wait');
    yield* this.#closeOvertaken();
    this.#outcomes.write([], this.#ports.nowMs());
    this.#request.signal.throwIfAborted();
  }

  #tellOnce(what: string): boolean {
    if (this.#told.has(what)) return false;
    this.#told.add(what);
    this.#wasBusy = true;
    return true;
  }

  /** The tick that may be launched, or the first that only its delay keeps back. */
  #next(decisions: readonly DueDecision[]): DueDecision | undefined {
    const open = decisions.filter((decision) => this.#mayLaunch(decision, decisions));
    return open.find((decision) => this.#delayedUntilMs(decision) <= this.#ports.nowMs()) ?? open[0];
  }

  /** Of several that were missed one runs after the other, even where runs may overlap. */
  #mayLaunch(decision: DueDecision, decisions: readonly DueDecision[]): boolean {
    if (decision.action !== 'run') return false;
    const active = [...this.#active.values()];
    if (active.length === 0) return true;
    if (this.#request.schedule.concurrencyPolicy !== 'Allow') return false;
    return this.#isNewest(decision, decisions) || !active.some(({ isMadeUp }) => isMadeUp);
  }

  /** Newer than all that ran, runs or waits here. */
  #isNewest({ tickMs }: DueDecision, decisions: readonly DueDecision[]): boolean {
    return tickMs > this.#newestLaunchedMs && decisions.every((other) => other.tickMs <= tickMs);
  }

  #delayedUntilMs({ tickMs }: Pick<DueDecision, 'tickMs'>): number {
    return jitteredMs(tickMs, this.#request);
  }

  #launch(decision: DueDecision, { restarts, isMadeUp }: Pick<Active, 'restarts' | 'isMadeUp'>): void {
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
    const active: Active = {
      ...{ decision, run, ended, restarts, isMadeUp, launchedAtMs },
      ...{ launchedElapsedMs: this.#ports.elapsedMs(), end: undefined, stopped: undefined },
    };
    this.#wasBusy = true;
    this.#newestLaunchedMs = Math.max(this.#newestLaunchedMs, tickMs);
    this.#active.set(tickMs, active);
  }

  /** For a deadline, for a tick that replaces what was begun before it was due, and for a signal. */
  *#stopSome(decisions: readonly DueDecision[]): Generator<DueEvent> {
    for (const active of this.#active.values()) {
      if (active.stopped !== undefined || active.end !== undefined) continue;
      active.stopped = this.#stopReason(active, decisions);
      if (active.stopped === undefined) continue;
      active.run.stop(active.stopped.by === 'deadline' ? 'SIGALRM' : 'SIGTERM');
      yield { type: 'run-stopping', tickMs: active.decision.tickMs, reason: active.stopped.reason };
    }
  }

  #stopReason({ launchedAtMs, launchedElapsedMs }: Active, decisions: readonly DueDecision[]): Active['stopped'] {
    const { schedule, signal } = this.#request;
    if (signal.aborted) return { by: 'signal', reason: 'nightshift was told to stop' };
    const { activeDeadlineMs = Number.POSITIVE_INFINITY } = schedule;
    if (this.#ports.elapsedMs() - launchedElapsedMs >= activeDeadlineMs) {
      const reason = `it took longer than schedule.activeDeadline, ${activeDeadlineMs / 1000} s`;
      return { by: 'deadline', reason };
    }
    const newer = decisions.find(
      ({ action, tickMs }) =>
        action === 'replace' && tickMs > launchedAtMs && this.#delayedUntilMs({ tickMs }) <= this.#ports.nowMs(),
    );
    if (newer === undefined) return undefined;
    return { by: 'newer', reason: `the run for ${newer.logicalDate} replaces it` };
  }

  async #somethingHappens({ decisions, nextTickMs }: Due): Promise<void> {
    const { signal, schedule } = this.#request;
    const [nowMs, elapsedMs] = [this.#ports.nowMs(), this.#ports.elapsedMs()];
    const { activeDeadlineMs = Number.POSITIVE_INFINITY } = schedule;
    const active = [...this.#active.values()];
    const instants = [nextTickMs ?? Number.POSITIVE_INFINITY, ...decisions.map((tick) => this.#delayedUntilMs(tick))];
    const spans = [
      ...instants.filter((instant) => instant > nowMs).map((instant) => instant - nowMs),
      ...active
        .filter(({ stopped }) => stopped === undefined)
        .map(({ launchedElapsedMs }) => launchedElapsedMs + activeDeadlineMs - elapsedMs),
    ];
    const done = new AbortController();
    const wake = signal.aborted ? done.signal : AbortSignal.any([signal, done.signal]);
    try {
      const inMs = Math.max(1, Math.ceil(Math.min(lookEveryMs, ...spans)));
      await Promise.race([passed(inMs, wake), ...active.map(({ ended }) => ended)]);
    } finally {
      done.abort();
    }
  }

  *#reap(): Generator<DueEvent> {
    for (const { decision, end, stopped, restarts, isMadeUp } of [...this.#active.values()]) {
      if (end === undefined) continue;
      const { tickMs, logicalDate } = decision;
      this.#active.delete(tickMs);
      const isRefused = end.code === 'FINGERPRINT_CHANGED' && !restarts && stopped === undefined;
      const { aborted } = this.#request.signal;
      if (isRefused && !aborted) {
        // Nobody is there to decide, and a night that was cut off must not stop all that come after it.
        yield { type: 'note', message: `${end.message ?? end.code}; that run is discarded` };
        this.#launch(decision, { restarts: true, isMadeUp });
        continue;
      }
      const fate = isRefused ? 'nightshift was told to stop' : fateOf(end, stopped);
      if (typeof fate === 'string') this.#outcomes.leaveOpen(tickMs, fate);
      else this.#outcomes.add({ tickMs, decision: 'run', ...fate });
      yield { type: 'run-ended', tickMs, logicalDate, end, stopped };
      yield* this.#closeOvertaken();
    }
  }

  *#closeOvertaken(): Generator<DueEvent> {
    for (const { tickMs, reason } of this.#outcomes.takeOvertaken()) {
      const logicalDate = formatLogicalDate(tickMs, tickRuleOf(this.#request.schedule).timeZone);
      yield { type: 'tick-decided', tickMs, logicalDate, action: 'missed', reason };
    }
  }
}

function isOpen({ action }: DueDecision): boolean {
  return action !== 'missed' && action !== 'skip';
}
