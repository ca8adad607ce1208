import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { openSqliteHistory } from '../../src/history/sqlite-history.ts';
import type { DueEvent } from '../../src/schedule/due-event.ts';
import { newHistoryLedger } from '../../src/schedule/history-ledger.ts';
import type { Launcher, LaunchRequest, RunEnd } from '../../src/schedule/launcher.ts';
import { runDue } from '../../src/schedule/run-due.ts';
import { tickDigest } from '../../src/schedule/tick-digest.ts';
import type { TickLedger } from '../../src/schedule/tick-ledger.ts';
import { tickRuleOf } from '../../src/schedule/tick-rule.ts';
import { scheduleSchema } from '../../src/spec/schedule-schema.ts';

export const minuteMs = 60_000;
export const hourMs = 60 * minuteMs;
export const dayMs = 24 * hourMs;
export const key = { specPath: '/work/jobs.yaml', job: 'flights' } as const;

/** What becomes of a run that is launched; `stopMs` is how long it takes to stop. */
export interface Fate {
  readonly takesMs?: number;
  readonly end?: Partial<RunEnd>;
  readonly stopMs?: number;
}

interface LaunchedFake {
  request: LaunchRequest;
  tickMs: number;
  beganMs: number;
  wasStopped: boolean;
  end: RunEnd | undefined;
}

const published: RunEnd = { exitCode: 0, state: 'published', seconds: 1 };
export const ends = {
  published,
  skipped: { ...published, state: 'skipped' },
  failed: { exitCode: 3, state: 'failed', seconds: 1, code: 'CHECKS_FAILED', message: 'checks failed' },
  locked: { exitCode: 75, state: 'failed', seconds: 1, code: 'LOCKED', message: 'held' },
  interrupted: { exitCode: 143, state: 'interrupted', seconds: 1 },
  changed: { exitCode: 2, state: 'failed', seconds: 1, code: 'FINGERPRINT_CHANGED', message: 'the model changed' },
} as const satisfies Readonly<Record<string, RunEnd>>;

/** Runs that only take time, by a clock that stands still unless it is told to go. */
export class Nights implements Disposable {
  readonly runs: LaunchedFake[] = [];
  readonly folder = mkdtempSync(join(tmpdir(), 'nightshift-nights-'));
  readonly history = openSqliteHistory({ stateFolder: this.folder });
  fate: (nth: number, request: LaunchRequest) => Fate = () => ({});
  schedule: ReturnType<typeof scheduleSchema.parse>;
  jitterMs = 0;
  machine = 'here';
  #isGone = false;

  constructor(schedule: object, at: string) {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] });
    vi.setSystemTime(at);
    this.schedule = scheduleSchema.parse({ timeZone: 'UTC', ...schedule });
  }

  [Symbol.dispose](): void {
    vi.useRealTimers();
    if (this.#isGone) return;
    this.#isGone = true;
    this.history[Symbol.dispose]();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** As if a timer had been installed at this instant. */
  install(at: string): void {
    const installedAtMs = Date.parse(at);
    const digest = tickDigest(this.schedule);
    this.history.saveSchedule({ ...key, digest, target: 'none', installedAtMs, updatedAtMs: installedAtMs });
  }

  /** A process that the timer starts. */
  call(): Call {
    return new Call(this);
  }

  /** Calls, and lets time go on until that is over. */
  async callThrough(): Promise<readonly string[]> {
    const call = this.call();
    await call.through();
    return call.told();
  }

  get alive(): number {
    return this.runs.filter(({ end }) => end === undefined).length;
  }

  /** `23T02:30 run published`, by day of the month, of all that is settled. */
  settled(): readonly string[] {
    return this.history
      .ticks(key, { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER })
      .map(({ tickMs, decision, reason }) => `${shortOf(tickMs)} ${decision}: ${reason}`);
  }

  began(): readonly string[] {
    return this.runs.map(({ tickMs, beganMs }) => `${shortOf(tickMs)} at ${shortOf(beganMs)}`);
  }

  readonly launcher: Launcher = {
    launch: (request) => {
      const { takesMs = minuteMs, end = {}, stopMs = 1000 } = this.fate(this.runs.length, request);
      const run: LaunchedFake = {
        ...{ request, tickMs: Date.parse(request.logicalDate), beganMs: Date.now() },
        ...{ wasStopped: false, end: undefined },
      };
      this.runs.push(run);
      const { promise, resolve } = Promise.withResolvers<RunEnd>();
      const finish = (how: RunEnd) => {
        run.end ??= how;
        resolve(how);
      };
      let timer = setTimeout(() => finish({ ...ends.published, ...end }), takesMs);
      const stop = (ms: number) => {
        run.wasStopped = true;
        clearTimeout(timer);
        timer = setTimeout(() => finish(ends.interrupted), ms);
      };
      return { ended: promise, stop: () => stop(stopMs), kill: () => stop(0) };
    },
  };
}

export class Call {
  readonly events: DueEvent[] = [];
  readonly controller = new AbortController();
  readonly #ended: Promise<void>;
  state: 'going' | 'done' | 'failed' = 'going';
  error: unknown;
  #isDead = false;
  readonly #nights: Nights;

  constructor(nights: Nights) {
    this.#nights = nights;
    this.#ended = this.#go(nights);
  }

  /** As SIGKILL does, and its runs end for want of a reader. */
  kill(): void {
    this.#isDead = true;
    for (const run of this.#nights.runs) run.end ??= ends.interrupted;
  }

  #expectAlive(): void {
    if (this.#isDead) throw new Error('it was killed');
  }

  /** Whoever is dead reads, writes and launches nothing. */
  #mortal({ read, settle }: TickLedger): TickLedger {
    return {
      read: (nowMs) => {
        this.#expectAlive();
        return read(nowMs);
      },
      settle: (outcome) => {
        this.#expectAlive();
        settle(outcome);
      },
    };
  }

  #mortalLauncher({ launch }: Launcher): Launcher {
    return {
      launch: (request) => {
        this.#expectAlive();
        return launch(request);
      },
    };
  }

  async #go({ history, schedule, launcher, jitterMs, machine }: Nights): Promise<void> {
    const rule = tickRuleOf(schedule);
    const ledger = this.#mortal(newHistoryLedger(history, { key, rule, digest: tickDigest(schedule) }));
    const { signal } = this.controller;
    const ports = {
      ledger,
      launcher: this.#mortalLauncher(launcher),
      nowMs: Date.now,
      elapsedMs: () => performance.now(),
    };
    const request = { ...key, schedule, jitterMs, machine, signal, options: [] };
    try {
      for await (const event of runDue(ports, request)) this.events.push(event);
      this.state = 'done';
    } catch (error) {
      this.error = error;
      this.state = 'failed';
    }
  }

  /** Lets time go on, at most so long, until it is over. */
  async through(atMostMs = 40 * dayMs): Promise<void> {
    await vi.advanceTimersByTimeAsync(0);
    for (let ms = 0; this.state === 'going' && ms < atMostMs; ms += minuteMs)
      await vi.advanceTimersByTimeAsync(minuteMs);
    if (this.state === 'going') throw new Error('it goes on for ever');
    await this.#ended;
    if (this.state === 'failed' && !this.controller.signal.aborted) throw this.error;
  }

  told(): readonly string[] {
    return this.events.map(tell);
  }
}

function tell(event: DueEvent): string {
  switch (event.type) {
    case 'note':
      return `note: ${event.message}`;
    case 'nothing-due':
      return `nothing, next ${event.nextTickMs === undefined ? 'never' : shortOf(event.nextTickMs)}`;
    case 'tick-decided':
      return `${shortOf(event.tickMs)} ${event.action}`;
    case 'ticks-decided':
      return `${event.count} more ${event.action}`;
    case 'run-delayed':
      return `${shortOf(event.tickMs)} delayed`;
    case 'run-launched':
      return `${shortOf(event.tickMs)} launched`;
    case 'run-stopping':
      return `${shortOf(event.tickMs)} stopping`;
    default:
      return `${shortOf(event.tickMs)} ${event.end.state}`;
  }
}

/** `23T02:30`, in UTC. */
function shortOf(ms: number): string {
  return new Date(ms).toISOString().slice(8, 16);
}
