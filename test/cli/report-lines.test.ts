import { describe, expect, it } from 'vitest';
import { newPaint } from '../../src/cli/colour.ts';
import type { Io } from '../../src/cli/io.ts';
import { newLineReporter } from '../../src/cli/report-lines.ts';
import type { Verbosity } from '../../src/cli/reporter.ts';
import type { RunEvent } from '../../src/run/events.ts';
import {
  checksEvaluated,
  eventAt,
  runPlanned,
  runPublished,
  runStarted,
  shardDone,
  shardFailed,
  shardProgress,
  workerReady,
} from './run-events.ts';

function logOf(events: readonly RunEvent[], verbosity: Verbosity = 'normal'): string {
  let log = '\n';
  const io: Io = {
    out: (text) => {
      log += `STDOUT ${text}`;
    },
    err: (text) => {
      log += text;
    },
    isWatched: false,
    isOutWatched: false,
    paintOut: newPaint(false),
    paintErr: newPaint(false),
  };
  using reporter = newLineReporter(io, { verbosity, folder: '/work' });
  for (const event of events) reporter.report(event);
  return log;
}

const run = [
  eventAt(0, runStarted()),
  eventAt(1, { type: 'input-staged', format: 'csv', files: 2, rejectedLines: 1, seconds: 1.2 }),
  eventAt(2, runPlanned()),
  eventAt(3, workerReady(0)),
  eventAt(4, { type: 'batch-measured', batchRows: 1024 }),
  eventAt(5, { type: 'shard-started', shard: 0, attempt: 1, slot: 0, device: 'cpu' }),
  eventAt(6, {
    type: 'worker-lost',
    slot: 0,
    device: 'cpu',
    code: 'WORKER_CRASHED',
    message: 'worker 100 on cpu died (SIGSEGV)',
  }),
  eventAt(7, shardFailed(0, true)),
  eventAt(1007, shardDone(0, 2)),
  eventAt(1008, { type: 'worker-recycled', slot: 0, device: 'cpu', rssBytes: 700_000_000 }),
  eventAt(1009, shardFailed(1, false)),
  eventAt(1010, checksEvaluated()),
  eventAt(1011, { type: 'warning', code: 'CHECKS_FAILED', message: 'a check failed, max: late is 2' }),
  eventAt(12_340, runPublished()),
];

describe('plain lines', () => {
  it.each([
    [{ in: 997, out: 997, rejected: 0, filtered: 0 }, 'published 997 rows that were scored before\n'],
    [{ in: 0, out: 0, rejected: 0, filtered: 0 }, 'warning: 0 rows were published; the input has none\n'],
    [{ in: 9, out: 0, rejected: 0, filtered: 9 }, 'of the 9 rows of the input, where filtered all of them\n'],
    [{ in: 9, out: 0, rejected: 2, filtered: 7 }, 'of the 9 rows of the input, every one was filtered or rejected\n'],
  ])('tell when nothing was scored: %o', (rows, text) => {
    expect(logOf([eventAt(0, runPublished({ rows, rowsPerSecond: 0 }))])).toContain(text);
  });

  it('tell what a log should keep of a run', () => {
    expect(logOf(run)).toMatchInlineSnapshot(`
      "
      flights  staged 2 csv files in 1.2 s
      flights  warning: 1 line of the input cannot be parsed
      flights  10,000 rows of 2 files in 10 shards; 2 workers on cpu
      flights  warning: worker 100 on cpu died (SIGSEGV) (WORKER_CRASHED)
      flights  warning: shard 0 failed in attempt 1, it will be tried again (WORKER_CRASHED)
      flights  warning: shard 1 failed in attempt 1, it is given up (WORKER_CRASHED)
      flights  1 of 2 checks passed
      flights  warning: a check failed, max: late is 2 (CHECKS_FAILED)
      flights  published 9,990 rows in 12 s, 810 rows/s
        rows     10,000 in, 9,990 out, 3 rejected, 7 filtered
        output   out/flights  10 parts, 1.2 MiB
        ran on   cpu, batches of 1,024 rows
        rejects  out/flights/_nightshift/runs/r/rejects/rejects-00001.parquet
      "
    `);
  });

  it('are warnings only when quiet', () => {
    expect(logOf(run, 'quiet')).toMatchInlineSnapshot(`
      "
      flights  warning: 1 line of the input cannot be parsed
      flights  warning: worker 100 on cpu died (SIGSEGV) (WORKER_CRASHED)
      flights  warning: shard 0 failed in attempt 1, it will be tried again (WORKER_CRASHED)
      flights  warning: shard 1 failed in attempt 1, it is given up (WORKER_CRASHED)
      flights  warning: a check failed, max: late is 2 (CHECKS_FAILED)
      "
    `);
  });

  it('are every shard and worker when verbose', () => {
    expect(logOf(run, 'verbose')).toMatchInlineSnapshot(`
      "
      flights  run 20261124T023000Z-1f9c2a scores into out/flights
      flights  staged 2 csv files in 1.2 s
      flights  warning: 1 line of the input cannot be parsed
      flights  10,000 rows of 2 files in 10 shards; 2 workers on cpu
      flights  worker 100 is ready on cpu (cpu)
      flights  batch: 1,024 rows
      flights  shard 0 begins on cpu, attempt 1
      flights  warning: worker 100 on cpu died (SIGSEGV) (WORKER_CRASHED)
      flights  warning: shard 0 failed in attempt 1, it will be tried again (WORKER_CRASHED)
      flights  shard 0 is done: 998 rows, 2 rejected in 1.00 s on cpu (read 0.10 s, session 0.80 s, write 0.10 s)
      flights  worker on cpu is replaced, it grew to 668 MiB
      flights  warning: shard 1 failed in attempt 1, it is given up (WORKER_CRASHED)
      flights  1 of 2 checks passed
      flights  check passed: unique: flight_id
      flights  check failed: max: late is 2, not at most 1 (3 rows, e.g. flight_id 7)
      flights  warning: a check failed, max: late is 2 (CHECKS_FAILED)
      flights  published 9,990 rows in 12 s, 810 rows/s
        rows     10,000 in, 9,990 out, 3 rejected, 7 filtered
        output   out/flights  10 parts, 1.2 MiB
        ran on   cpu, batches of 1,024 rows
        rejects  out/flights/_nightshift/runs/r/rejects/rejects-00001.parquet
      "
    `);
  });

  it('tell how far a long run is, at most every ten seconds and every tenth of it', () => {
    const events = Array.from({ length: 100 }, (_, i) => eventAt(i * 1000, shardProgress(0, i * 100)));
    const lines = logOf([eventAt(0, runStarted()), eventAt(0, runPlanned()), ...events]).split('\n');
    const progress = lines.filter((line) => line.includes('%'));
    expect(progress).toHaveLength(9);
    expect(progress[0]).toBe('flights  10 %, 1,000 of 10,000 rows, 100 rows/s, 1 min 30 s left, 0 of 10 shards');
  });

  it('tell once a minute how far a very long run is', () => {
    const events = Array.from({ length: 600 }, (_, i) => eventAt(i * 1000, shardProgress(0, i)));
    const log = logOf([eventAt(0, runStarted()), eventAt(0, runPlanned({ rows: 10_000_000 })), ...events]);
    expect(log.match(/ %,/g)).toHaveLength(9);
  });

  it('say nothing of progress in a short run', () => {
    const events = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((shard) => eventAt(shard * 100, shardDone(shard)));
    expect(logOf([eventAt(0, runStarted()), eventAt(0, runPlanned()), ...events])).not.toContain('%');
  });

  it('say that a run goes on, or that there is nothing to do', () => {
    const log = logOf([
      eventAt(0, runStarted(true)),
      eventAt(0, runPlanned({ shardsDone: 10, rowsDone: 10_000, workers: 0 })),
      eventAt(0, { type: 'run-skipped', output: '/work/out/flights', reason: 'it is there' }),
    ]);
    expect(log).toMatchInlineSnapshot(`
      "
      flights  going on with unfinished run 20261124T023000Z-1f9c2a
      flights  10,000 rows of 2 files in 10 shards, 10 of them done already
      flights  nothing to do: it is there (out/flights)
      "
    `);
  });

  it('do not call an interrupted shard failed', () => {
    const stopped = { type: 'shard-failed', shard: 1, attempt: 1, slot: 0, device: 'cpu', willRetry: false } as const;
    const event = eventAt(0, { ...stopped, code: 'INTERRUPTED', message: 'shard 1 was stopped' });
    expect(logOf([event])).toBe('\n');
    expect(logOf([event], 'verbose')).toBe('\nflights  shard 1 is stopped\n');
  });
});
