import type { AppError } from '../core/errors.ts';
import { type Assignment, type RetryPolicy, retryDelayMs } from './shard-queue.ts';

/** An attempt that came to nothing, and where. */
export interface Failure {
  readonly assignment: Assignment;
  readonly error: AppError;
  /** Index of the slot. */
  readonly slot: number;
}

export interface AttemptRules {
  readonly retry: RetryPolicy;
  /** More shards may fail for good. */
  readonly mayGiveUp: boolean;
  readonly isStopping: boolean;
  /** From 0 inclusive to 1 exclusive. */
  readonly random: number;
}

export interface NextAttempt {
  readonly willRetry: boolean;
  /** Milliseconds until it is tried again, if it is. */
  readonly retryAfterMs: number | undefined;
  /** The retry, or the attempt that makes rejects of its rows; undefined when the shard has failed for good. */
  readonly next: Assignment | undefined;
}

/** What becomes of a shard whose attempt failed. */
export function nextAttempt({ assignment, error, slot }: Failure, rules: AttemptRules): NextAttempt {
  const { shard, attempt } = assignment;
  const { retry, isStopping } = rules;
  const willRetry = error.retryable && attempt < retry.maxAttempts && !isStopping;
  const retryAfterMs = willRetry ? retryDelayMs(retry, attempt + 1, rules.random) : undefined;
  const giveUp = !willRetry && !assignment.giveUp && error.exitCode !== 4 && !isStopping && rules.mayGiveUp;
  if (!willRetry && !giveUp) return { willRetry, retryAfterMs, next: undefined };
  const failedAttempts = [...assignment.failedAttempts, { attempt, code: error.code, message: error.message }];
  // Other workers may have used up their memory just so: only the one that follows there has seen no large batch.
  const needsFresh = error.code === 'OUT_OF_MEMORY';
  const next = { shard, attempt: attempt + 1, failedAttempts, failedOn: slot, needsFresh, giveUp };
  return { willRetry, retryAfterMs, next };
}
