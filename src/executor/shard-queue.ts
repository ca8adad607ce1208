import type { FailedAttempt } from '../plan/commit.ts';
import { Delays } from './delays.ts';

export interface RetryPolicy {
  readonly maxAttempts: number;
  readonly initialDelayMs: number;
  readonly maxDelayMs: number;
  readonly multiplier: number;
  readonly jitter: 'full' | 'none';
}

/** One attempt at a shard, to be made. */
export interface Assignment {
  readonly shard: number;
  readonly attempt: number;
  readonly failedAttempts: readonly FailedAttempt[];
  /** Index of the slot where the last attempt failed: another one is tried first, unless it needs a fresh worker. */
  readonly failedOn: number | undefined;
  /** Memory ran out where it failed: it waits for the worker that follows there. */
  readonly needsFresh: boolean;
  /** It failed for good, and a worker is to make rejects of its rows. */
  readonly giveUp: boolean;
}

/**
 * Milliseconds to wait before an attempt (2 is the first retry): exponential, and with full jitter anything from none
 * to that. See AWS, "Exponential Backoff And Jitter".
 * @param random from 0 inclusive to 1 exclusive
 */
export function retryDelayMs(policy: RetryPolicy, attempt: number, random: number): number {
  const longest = Math.min(policy.maxDelayMs, policy.initialDelayMs * policy.multiplier ** (attempt - 2));
  return Math.round(policy.jitter === 'none' ? longest : longest * random);
}

/** Shards that wait for a worker, and those that wait for their next attempt's time. */
export class ShardQueue {
  readonly #waiting: Assignment[] = [];
  readonly #delays = new Delays();
  readonly #leftOut = new Set<number>();
  #isClosed = false;

  constructor(shards: readonly number[]) {
    this.add(shards);
  }

  add(shards: readonly number[]): void {
    if (this.#isClosed) return;
    const first = { attempt: 1, failedAttempts: [], failedOn: undefined, needsFresh: false, giveUp: false };
    this.#waiting.push(...shards.map((shard) => ({ shard, ...first })));
  }

  /** The first that a slot's worker may make. */
  nextFor(slot: number): Assignment | undefined {
    return this.#waiting.find(
      ({ needsFresh, failedOn }) =>
        !needsFresh || failedOn === undefined || failedOn === slot || this.#leftOut.has(failedOn),
    );
  }

  take(assignment: Assignment): void {
    const index = this.#waiting.indexOf(assignment);
    if (index >= 0) this.#waiting.splice(index, 1);
  }

  /** No worker follows on that slot: what waits for one is anybody's. */
  leaveOut(slot: number): void {
    this.#leftOut.add(slot);
  }

  /** Puts an attempt first in the queue after a while, and tells. */
  retryAfter(delayMs: number, assignment: Assignment, onReady: () => void): void {
    if (this.#isClosed) return;
    this.#delays.after(delayMs, () => {
      this.#waiting.unshift(assignment);
      onReady();
    });
  }

  /** Nothing is given out from now on, also not what fails later: stopped workers give up the shard that they are at. */
  close(): void {
    this.#isClosed = true;
    this.#waiting.length = 0;
    this.#delays.clear();
  }
}
