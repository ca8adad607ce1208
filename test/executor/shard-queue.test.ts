import { describe, expect, it, vi } from 'vitest';
import { type RetryPolicy, retryDelayMs, ShardQueue } from '../../src/executor/shard-queue.ts';

const policy: RetryPolicy = {
  maxAttempts: 10,
  initialDelayMs: 1000,
  maxDelayMs: 60_000,
  multiplier: 2,
  jitter: 'none',
};

describe('the wait before an attempt', () => {
  it.each([
    [2, 1000],
    [3, 2000],
    [4, 4000],
    [8, 60_000],
    [1000, 60_000],
  ])('%i grows by the multiplier up to its limit: %i ms', (attempt, ms) => {
    expect(retryDelayMs(policy, attempt, 0.5)).toBe(ms);
  });

  it.each([
    [0, 0],
    [0.25, 500],
    [0.999, 1998],
  ])('is with full jitter a random share of that: %f', (random, ms) => {
    expect(retryDelayMs({ ...policy, jitter: 'full' }, 3, random)).toBe(ms);
  });
});

describe('the queue of shards', () => {
  const retry = { shard: 0, attempt: 2, failedAttempts: [], failedOn: 1, needsFresh: false, giveUp: false };

  const take = (queue: ShardQueue, slot: number) => {
    const next = queue.nextFor(slot);
    if (next !== undefined) queue.take(next);
    return next;
  };

  it('gives each shard once, in order, and a retry before those that wait when its time has come', () => {
    vi.useFakeTimers();
    const queue = new ShardQueue([0, 1, 2]);
    const onReady = vi.fn();
    expect(take(queue, 0)).toMatchObject({ shard: 0, attempt: 1 });
    queue.retryAfter(500, retry, onReady);
    expect(take(queue, 0)).toMatchObject({ shard: 1 });
    vi.advanceTimersByTime(499);
    expect(onReady).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(onReady).toHaveBeenCalledOnce();
    expect(queue.nextFor(0)).toEqual(retry);
    expect(take(queue, 0)).toEqual(retry);
    expect(take(queue, 0)).toMatchObject({ shard: 2 });
    expect(take(queue, 0)).toBeUndefined();
    vi.useRealTimers();
  });

  it('keeps what needs a fresh worker for the slot where it failed, and gives it to any once that is left out', () => {
    vi.useFakeTimers();
    const queue = new ShardQueue([0, 1]);
    const fresh = { ...retry, shard: 2, needsFresh: true };
    queue.retryAfter(0, fresh, () => undefined);
    vi.advanceTimersByTime(0);
    expect(queue.nextFor(1)).toEqual(fresh);
    expect(take(queue, 0)).toMatchObject({ shard: 0 });
    expect(take(queue, 0)).toMatchObject({ shard: 1 });
    expect(take(queue, 0)).toBeUndefined();
    queue.leaveOut(1);
    expect(take(queue, 0)).toEqual(fresh);
    vi.useRealTimers();
  });

  it('gives nothing out once it is closed, also not what failed afterwards', () => {
    vi.useFakeTimers();
    const queue = new ShardQueue([0, 1]);
    const onReady = vi.fn();
    queue.retryAfter(500, retry, onReady);
    queue.close();
    queue.retryAfter(500, retry, onReady);
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(1000);
    expect(onReady).not.toHaveBeenCalled();
    expect(queue.nextFor(1)).toBeUndefined();
    vi.useRealTimers();
  });
});
