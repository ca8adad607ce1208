import { describe, expect, it } from 'vitest';
import { AppError, type ErrorCode } from '../../src/core/errors.ts';
import { nextAttempt } from '../../src/executor/next-attempt.ts';
import type { Assignment } from '../../src/executor/shard-queue.ts';

const assignment: Assignment = {
  shard: 3,
  attempt: 1,
  failedAttempts: [],
  failedOn: undefined,
  needsFresh: false,
  giveUp: false,
};
const rules = {
  retry: { maxAttempts: 3, initialDelayMs: 1000, maxDelayMs: 60_000, multiplier: 2, jitter: 'full' },
  mayGiveUp: false,
  isStopping: false,
  random: 0.5,
} as const;

function settle(
  code: ErrorCode,
  given: { attempt?: Partial<Assignment>; rules?: Partial<typeof rules> | object } = {},
) {
  const failure = { assignment: { ...assignment, ...given.attempt }, error: new AppError(code, 'no'), slot: 1 };
  return nextAttempt(failure, { ...rules, ...given.rules });
}

describe('a shard whose attempt failed', () => {
  it('is tried again, elsewhere if possible, with what it failed of', () => {
    expect(settle('WORKER_CRASHED')).toEqual({
      willRetry: true,
      retryAfterMs: 500,
      next: {
        shard: 3,
        attempt: 2,
        failedAttempts: [{ attempt: 1, code: 'WORKER_CRASHED', message: 'no' }],
        failedOn: 1,
        needsFresh: false,
        giveUp: false,
      },
    });
  });

  it('for want of memory needs a fresh worker', () => {
    expect(settle('OUT_OF_MEMORY').next).toMatchObject({ attempt: 2, failedOn: 1, needsFresh: true });
  });

  it.each([
    ['of what another attempt cannot help', settle('SESSION_FAILED')],
    ['in its last attempt', settle('WORKER_CRASHED', { attempt: { attempt: 3 } })],
    ['while the run is stopped', settle('WORKER_CRASHED', { rules: { isStopping: true, mayGiveUp: true } })],
    ['by a fault of the machine', settle('DISK_FULL', { rules: { mayGiveUp: true } })],
    [
      'once its rows were to be rejected',
      settle('SESSION_FAILED', { attempt: { giveUp: true }, rules: { mayGiveUp: true } }),
    ],
  ])('%s has failed for good', (_when, settled) => {
    expect(settled).toEqual({ willRetry: false, retryAfterMs: undefined, next: undefined });
  });

  it('for good has its rows rejected where shards may fail', () => {
    expect(settle('SESSION_FAILED', { rules: { mayGiveUp: true } })).toMatchObject({
      willRetry: false,
      retryAfterMs: undefined,
      next: { shard: 3, attempt: 2, giveUp: true },
    });
  });
});
