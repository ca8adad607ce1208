/** What is known of a job's ticks when its timer fires. */
export interface TickState {
  /** Ticks after this one may be due. */
  readonly sinceMs: number;
  /** Ticks after `sinceMs` of which it is clear what became. */
  readonly settled: ReadonlySet<number>;
  readonly isPaused: boolean;
  /** What the person should hear, such as that the schedule changed since. */
  readonly notes: readonly string[];
}

export interface TickOutcome {
  readonly tickMs: number;
  readonly decision: 'run' | 'missed' | 'skipped';
  readonly runId?: string | undefined;
  readonly reason: string;
}

/** What became of the ticks of one job's schedule. */
export interface TickLedger {
  read(nowMs: number): TickState;
  settle(outcome: TickOutcome): void;
}
