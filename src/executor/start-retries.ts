import { Delays } from './delays.ts';
import { type RetryPolicy, retryDelayMs } from './shard-queue.ts';

/** Starts of workers that were killed, slot by slot: each is tried again after a while, so often in a row. */
export class StartRetries {
  readonly #policy: RetryPolicy;
  readonly #random: () => number;
  readonly #killed = new Map<number, number>();
  readonly #delays = new Delays();
  #isClosed = false;

  /** @param random from 0 inclusive to 1 exclusive */
  constructor(policy: RetryPolicy, random: () => number) {
    this.#policy = policy;
    this.#random = random;
  }

  /** A worker came up there: what happened before is forgotten. */
  succeeded(slot: number): void {
    this.#killed.delete(slot);
  }

  /** @returns whether it will be started again */
  killed(slot: number, start: () => void): boolean {
    const times = (this.#killed.get(slot) ?? 0) + 1;
    this.#killed.set(slot, times);
    if (times >= this.#policy.maxAttempts || this.#isClosed) return false;
    this.#delays.after(retryDelayMs(this.#policy, times + 1, this.#random()), start);
    return true;
  }

  /** Nothing is started from now on. */
  close(): void {
    this.#isClosed = true;
    this.#delays.clear();
  }
}
