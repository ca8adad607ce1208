import { describe, expect, it } from 'vitest';
import { noProgress, paceAt, progressAfter, type RunProgress } from '../../src/cli/run-progress.ts';
import type { RunEvent } from '../../src/run/events.ts';
import {
  eventAt,
  msAt,
  runPlanned,
  runPublished,
  runStarted,
  shardDone,
  shardFailed,
  shardProgress,
  workerReady,
} from './run-events.ts';

function stateAfter(...events: readonly RunEvent[]): RunProgress {
  return events.reduce(progressAfter, noProgress);
}

const begun = [eventAt(0, runStarted()), eventAt(0, runPlanned())] as const;

describe('progress of a run', () => {
  it('counts shards that are done and rows of those that are not', () => {
    const state = stateAfter(...begun, eventAt(1000, shardDone(0)), eventAt(1500, shardProgress(1, 400)));
    expect(state).toMatchObject({ shards: 10, shardsDone: 1, rowsDone: 1000 });
    expect(paceAt(state, msAt(2000))).toMatchObject({ rows: 1400, fraction: 0.14, rowsPerSecond: 700 });
  });

  it('stays where it was when shards are stopped for a signal', () => {
    const before = stateAfter(...begun, eventAt(500, shardProgress(0, 900)));
    const stopped = { ...eventAt(600, shardFailed(0, false)), code: 'INTERRUPTED' as const };
    expect(progressAfter(before, stopped)).toEqual(before);
  });

  it('counts a shard once when its progress is followed by its end', () => {
    const state = stateAfter(...begun, eventAt(500, shardProgress(0, 900)), eventAt(1000, shardDone(0)));
    expect(paceAt(state, msAt(1000)).rows).toBe(1000);
  });

  it('forgets what a failed shard had come to, and counts it as retried', () => {
    const state = stateAfter(...begun, eventAt(500, shardProgress(0, 900)), eventAt(600, shardFailed(0, true)));
    expect(state.retries).toBe(1);
    expect(paceAt(state, msAt(700))).toMatchObject({ rows: 0, rowsPerSecond: undefined, secondsLeft: undefined });
  });

  it('takes rows of an earlier process as done but not as fast', () => {
    const resumed = [eventAt(0, runStarted(true)), eventAt(0, runPlanned({ shardsDone: 5, rowsDone: 5000 }))];
    const state = stateAfter(...resumed, eventAt(1000, shardDone(6)));
    expect(state.shardsDone).toBe(6);
    expect(paceAt(state, msAt(2000))).toMatchObject({ rows: 6000, rowsPerSecond: 500, secondsLeft: 8 });
  });

  it('tells the rate of the last ten seconds, whatever was before', () => {
    const slow = Array.from({ length: 50 }, (_, i) => eventAt(i * 1000, shardProgress(0, i)));
    const fast = Array.from({ length: 15 }, (_, i) => eventAt(50_000 + i * 1000, shardProgress(0, 50 + i * 60)));
    const pace = paceAt(stateAfter(...begun, ...slow, ...fast), msAt(64_000));
    expect(pace.rowsPerSecond).toBeCloseTo(60);
  });

  it('keeps few samples however many events come', () => {
    const events = Array.from({ length: 5000 }, (_, i) => eventAt(i * 10, shardProgress(0, i)));
    const state = stateAfter(...begun, ...events);
    expect(state.samples.length).toBeLessThan(60);
    expect(paceAt(state, msAt(50_000)).rowsPerSecond).toBeCloseTo(100, -1);
  });

  it('slows down while nothing happens', () => {
    const state = stateAfter(...begun, eventAt(1000, shardDone(0)));
    const [soon, late] = [paceAt(state, msAt(1000)), paceAt(state, msAt(4000))];
    expect([soon.rowsPerSecond, late.rowsPerSecond]).toEqual([1000, 250]);
    expect(late.secondsLeft).toBe(36);
  });

  it('tells devices apart', () => {
    const planned = eventAt(0, runPlanned({ devices: ['cuda:0', 'cuda:1'] }));
    const ready = [eventAt(0, workerReady(0, 'cuda:0')), eventAt(0, workerReady(1, 'cuda:1'))];
    const done = [eventAt(2000, shardDone(0, 0, 'cuda:0')), eventAt(2000, shardProgress(1, 500, 'cuda:1'))];
    const { devices, rowsPerSecond } = paceAt(
      stateAfter(eventAt(0, runStarted()), planned, ...ready, ...done),
      msAt(2000),
    );
    expect(devices).toEqual([
      { name: 'cuda:0', workers: 1, rows: 1000, rowsPerSecond: 500 },
      { name: 'cuda:1', workers: 1, rows: 500, rowsPerSecond: 250 },
    ]);
    expect(rowsPerSecond).toBe(750);
  });

  it('counts workers that come and go', () => {
    const lost = { type: 'worker-lost', slot: 0, device: 'cpu', code: 'WORKER_CRASHED', message: 'died' } as const;
    const state = stateAfter(...begun, eventAt(0, workerReady(0)), eventAt(0, workerReady(1)), eventAt(1, lost));
    expect(state.devices).toEqual([{ name: 'cpu', workers: 1, rows: 0 }]);
  });

  it('adds rejected lines of the input to rejected rows', () => {
    const staged = { type: 'input-staged', format: 'csv', files: 1, rejectedLines: 2, seconds: 1 } as const;
    const state = stateAfter(
      eventAt(0, runStarted()),
      eventAt(0, staged),
      eventAt(0, runPlanned()),
      eventAt(1, shardDone(0, 3)),
    );
    expect(state.rejected).toBe(5);
  });

  it('is whole for a run without rows', () => {
    const state = stateAfter(eventAt(0, runStarted()), eventAt(0, runPlanned({ rows: 0, shards: 1 })));
    expect(paceAt(state, msAt(0)).fraction).toBe(1);
  });

  it('begins anew with the next run', () => {
    const state = stateAfter(
      ...begun,
      eventAt(1000, shardDone(0, 1)),
      eventAt(2000, runPublished()),
      eventAt(2001, runStarted()),
    );
    expect(state).toEqual({ ...noProgress, job: 'flights' });
  });
});
