import { describe, expect, it } from 'vitest';
import { fromWorkerSchema, protocolVersion, type ToWorker, toWorkerSchema } from '../../src/worker/protocol.ts';
import { commitOf, planOf } from '../plan/run-plan.ts';

const throughJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

const start: ToWorker = {
  type: 'start',
  protocol: protocolVersion,
  plan: planOf(2),
  outputFolder: '/out',
  runId: 'r1',
  provider: 'cpu',
  fallback: 'fail',
  intraOpThreads: 1,
  prefetch: true,
  warmupBatches: 0,
  profile: false,
};

describe('messages to a worker', () => {
  it.each<ToWorker>([
    start,
    { type: 'measure', shard: 0 },
    {
      type: 'score',
      shard: 1,
      attempt: 2,
      failedAttempts: [{ attempt: 1, code: 'WORKER_CRASHED', message: 'died' }],
      giveUp: false,
      batchRows: 256,
    },
    { type: 'cancel' },
    { type: 'stop' },
  ])('arrive as they were sent: $type', (message) => {
    expect(toWorkerSchema.parse(throughJson(message))).toEqual(throughJson(message));
  });

  it.each([
    ['of another version', { ...start, protocol: protocolVersion + 1 }],
    ['of no known type', { type: 'dance' }],
    ['with a field that is not known', { type: 'stop', now: true }],
    ['with a provider that is not known', { ...start, provider: 'tpu' }],
  ])('%s are refused', (_what, message) => {
    expect(toWorkerSchema.safeParse(message).success).toBe(false);
  });
});

describe('messages from a worker', () => {
  it.each([
    { type: 'ready', protocol: protocolVersion, providers: ['cpu'], rssBytes: 1 },
    { type: 'measured', batchRows: 64 },
    { type: 'progress', shard: 0, rows: 10 },
    { type: 'reduced', batchRows: 32 },
    { type: 'done', commit: commitOf(0), rssBytes: 1, peakRssBytes: 2 },
    { type: 'failed', shard: 0, error: { code: 'SESSION_FAILED', message: 'no', hint: 'look' } },
    { type: 'failed', error: { code: 'BUG', message: 'no', stack: 'at x' } },
  ])('arrive as they were sent: $type', (message) => {
    expect(fromWorkerSchema.parse(throughJson(message))).toEqual(throughJson(message));
  });
});
