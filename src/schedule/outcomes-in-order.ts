import type { TickLedger, TickOutcome } from './tick-ledger.ts';
import { dayMs } from './wall-time.ts';

/**
 * Writes outcomes down in the order of their ticks: who reads the ledger takes all before the newest as settled, so one
 * that is written while an older tick still runs would lose that one if this process were killed.
 */
export class OutcomesInOrder {
  readonly #ledger: TickLedger;
  readonly #held = new Map<number, TickOutcome>();
  /** Ticks whose runs ended without an outcome, and why: for another time. */
  readonly #open = new Map<number, string>();
  #newestRunMs = Number.NEGATIVE_INFINITY;

  constructor(ledger: TickLedger) {
    this.#ledger = ledger;
  }

  /** Ticks that need no decision any more, though nothing is written about them. */
  get decided(): readonly number[] {
    return [...this.#held.keys(), ...this.#open.keys()];
  }

  add(outcome: TickOutcome): void {
    this.#held.set(outcome.tickMs, outcome);
    if (outcome.decision === 'run') this.#newestRunMs = Math.max(this.#newestRunMs, outcome.tickMs);
  }

  leaveOpen(tickMs: number, why: string): void {
    this.#open.set(tickMs, why);
  }

  /** What was left open stays so until a later tick has run: then it is missed, and not made up for out of order. */
  takeOvertaken(): readonly TickOutcome[] {
    const overtaken = [...this.#open].filter(([tickMs]) => tickMs < this.#newestRunMs);
    return overtaken.map(([tickMs, why]) => {
      const outcome = { tickMs, decision: 'missed', reason: `${why}, and a newer one ran` } as const;
      this.#open.delete(tickMs);
      this.#held.set(tickMs, outcome);
      return outcome;
    });
  }

  /** Writes what has nothing older before it that still runs, waits or is open. */
  write(pending: readonly number[], nowMs: number): void {
    const oldestPendingMs = Math.min(...pending, ...this.#open.keys());
    for (const outcome of [...this.#held.values()].sort((a, b) => a.tickMs - b.tickMs)) {
      if (outcome.tickMs > oldestPendingMs) return;
      this.#held.delete(outcome.tickMs);
      // A clock that had jumped ahead, and is back, decided about ticks that are still to come.
      if (outcome.tickMs - nowMs <= dayMs) this.#ledger.settle(outcome);
    }
  }
}
