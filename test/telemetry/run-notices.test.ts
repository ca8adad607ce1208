import { describe, expect, it } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import type { RunEvent } from '../../src/run/events.ts';
import { noticeSchema, type RunNotice } from '../../src/telemetry/contract.ts';
import { newRunNotices } from '../../src/telemetry/run-notices.ts';
import { eventAt, runPlanned, runPublished, runStarted, shardDone } from '../cli/run-events.ts';

const facts = {
  job: 'flights',
  specPath: '/work/jobs.yaml',
  outputPath: '/work/out',
  host: 'here',
  nightshiftVersion: '0.1.0',
};

/** What would be sent about these events, and which runs were said to have begun. */
async function told(events: readonly RunEvent[], failure?: { readonly error: unknown; readonly trigger?: string }) {
  const started: string[] = [];
  const notices: RunNotice[] = [];
  let seconds = 0;
  const runNotices = newRunNotices({
    facts: failure?.trigger === undefined ? facts : { ...facts, trigger: failure.trigger },
    now: () => new Date(Date.UTC(2026, 10, 24, 2, 30, 5 * seconds++)),
    notifier: {
      started: ({ runId }) => void started.push(runId),
      ended: async (notice) => {
        notices.push(notice);
        return [];
      },
      missed: async () => [],
    },
  });
  for (const event of events) runNotices.see(event);
  await runNotices.end(failure);
  for (const notice of notices) expect(noticeSchema.parse(JSON.parse(JSON.stringify(notice)))).toEqual(notice);
  return { started, notices };
}

const begun = [eventAt(0, runStarted()), eventAt(1, runPlanned()), eventAt(2, shardDone(0, 10))];

describe('the notices of a run', () => {
  it('say what was published', async () => {
    const rows = { in: 1000, out: 990, rejected: 10, filtered: 0 };
    const published = {
      type: 'run-published',
      ...{ output: '/work/out/flights', rows, parts: 1, bytes: 1, seconds: 1, rejects: [] },
      ...{ rowsPerSecond: 1, providers: ['cpu'], batchRows: 1 },
    } as const;
    const { started, notices } = await told([...begun, eventAt(3, published)]);
    expect(started).toEqual(['20261124T023000Z-1f9c2a']);
    expect(notices).toEqual([
      {
        ...facts,
        v: 1,
        type: 'run-succeeded',
        outputPath: '/work/out/flights',
        runId: '20261124T023000Z-1f9c2a',
        startedAt: '2026-11-24T02:30:00.000Z',
        endedAt: '2026-11-24T02:30:05.000Z',
        durationSeconds: 5,
        exitCode: 0,
        rows,
        model: { path: '/work/flights.onnx', sha256: 'a'.repeat(64) },
      },
    ]);
  });

  it('say how many rows were not scored, where there are any', async () => {
    const { notices } = await told([...begun, eventAt(3, runPublished({ repeatedRows: 5, cachedRows: 2 }))]);
    expect(notices).toMatchObject([{ rows: { out: 9_990, repeated: 5, cached: 2 } }]);
  });

  it('say what failed, and the rows until then', async () => {
    const error = new AppError('SHARDS_FAILED', '1 of 10 shards failed', { hint: 'try again', details: { a: 1 } });
    const { notices } = await told([...begun, eventAt(3, shardDone(1))], { error });
    expect(notices).toMatchObject([
      {
        type: 'run-failed',
        exitCode: 3,
        error: { code: 'SHARDS_FAILED', message: '1 of 10 shards failed', hint: 'try again' },
        rows: { in: 2000, out: 1990, rejected: 10, filtered: 0 },
      },
    ]);
  });

  it.each([
    ['a failure before there is a run', new AppError('INPUT_NOT_FOUND', 'none'), 4],
    ['a signal', new AppError('INTERRUPTED', 'stopped by SIGTERM', { exitCode: 143 }), 143],
    ['a bug', new Error('oops'), 1],
  ])('tell of %s', async (_what, error, exitCode) => {
    const { started, notices } = await told([], { error });
    expect({ started, notices }).toMatchObject({ started: [], notices: [{ type: 'run-failed', exitCode }] });
    expect(notices[0]).not.toHaveProperty('runId');
  });

  it('take a run that had nothing to do as a success', async () => {
    const skipped = { type: 'run-skipped', output: '/work/out', reason: 'published already' } as const;
    const { started, notices } = await told([eventAt(0, skipped)]);
    expect(started).toEqual([]);
    expect(notices).toMatchObject([{ type: 'run-succeeded', exitCode: 0, skipped: 'published already' }]);
  });

  it('leave it to the run that holds the lock', async () => {
    expect(await told([], { error: new AppError('LOCKED', 'held') })).toEqual({ started: [], notices: [] });
  });

  it.each([
    ['schedule', 'a signal', 143, 0],
    ['backfill', 'a signal', 130, 0],
    ['schedule', 'a reader that is gone', 141, 0],
    ['manual', 'a signal', 143, 1],
    ['schedule', 'the end of its time', 142, 1],
  ])('of trigger %s, interrupted by %s (exit code %i), are %i', async (trigger, _by, exitCode, count) => {
    const error = new AppError('INTERRUPTED', 'stopped', { exitCode });
    expect((await told(begun, { error, trigger })).notices).toHaveLength(count);
  });
});
