import type { FailedAttempt } from '../plan/commit.ts';

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
  /** Index of the slot where the last attempt failed: another one is tried first. */
  readonly failedOn: number | undefined;
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
  readonly #waiting: Assignment[];
  readonly #timers = new Set<NodeJS.Timeout>();
  #isClosed = false;

  constructor(shards: readonly number[]) {
    this.#waiting = shards.map((shard) => ({
      shard,
      attempt: 1,
      failedAttempts: [],
      failedOn: undefined,
      giveUp: false,
    }));
  }

  get next(): Assignment | undefined {
    return this.#waiting[0];
  }

  take(): Assignment | undefined {
    return this.#waiting.shift();
  }

  /** Puts an attempt first in the queue after a while, and tells. */
  retryAfter(delayMs: number, assignment: Assignment, onReady: () => void): void {
    if (this.#isClosed) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#waiting.unshift(assignment);
      onReady();
    }, delayMs);
    this.#timers.add(timer);
  }

  /** Nothing is given out from now on, also not what fails later: stopped workers give up the shard that they are at. */
  close(): void {
    this.#isClosed = true;
    this.#waiting.length = 0;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}
