import type { RunEvent, RunEventBody } from '../../src/run/events.ts';

const started = Date.parse('2026-11-24T02:30:00Z');

/** An event of job `flights`, some milliseconds after the run began. */
export function eventAt(ms: number, body: RunEventBody): RunEvent {
  return {
    v: 1,
    time: new Date(started + ms).toISOString(),
    job: 'flights',
    runId: '20261124T023000Z-1f9c2a',
    ...body,
  };
}

export function msAt(ms: number): number {
  return started + ms;
}

export function runStarted(resumes = false): RunEventBody {
  const model = { path: '/work/flights.onnx', sha256: 'a'.repeat(64) };
  return { type: 'run-started', output: '/work/out/flights', resumes, model };
}

export function runPlanned(more: Partial<Extract<RunEventBody, { type: 'run-planned' }>> = {}): RunEventBody {
  return {
    type: 'run-planned',
    rows: 10_000,
    shards: 10,
    shardsDone: 0,
    rowsDone: 0,
    files: 2,
    workers: 2,
    devices: ['cpu'],
    intraOpThreads: 1,
    prefetch: true,
    ...more,
  };
}

export function workerReady(slot: number, device = 'cpu'): RunEventBody {
  return { type: 'worker-ready', slot, device, pid: 100 + slot, providers: ['cpu'] };
}

export function shardProgress(shard: number, rows: number, device = 'cpu'): RunEventBody {
  return { type: 'shard-progress', shard, rows, slot: shard, device };
}

export function shardDone(shard: number, rejected = 0, device = 'cpu'): RunEventBody {
  return {
    type: 'shard-done',
    shard,
    attempt: 1,
    slot: shard,
    device,
    rows: { in: 1000, out: 1000 - rejected, rejected, filtered: 0 },
    seconds: 1,
    sessionSeconds: 0.8,
    readSeconds: 0.1,
    writeSeconds: 0.1,
  };
}

export function shardFailed(shard: number, willRetry: boolean): RunEventBody {
  return {
    type: 'shard-failed',
    shard,
    attempt: 1,
    slot: shard,
    device: 'cpu',
    willRetry,
    code: 'WORKER_CRASHED',
    message: 'worker 100 on cpu died (SIGSEGV)',
  };
}

export function checksEvaluated(): RunEventBody {
  return {
    type: 'checks-evaluated',
    checks: [
      { name: 'unique', column: 'flight_id', severity: 'error', passed: true, value: 0, bound: 0 },
      {
        name: 'max',
        column: 'late',
        severity: 'warn',
        passed: false,
        value: 2,
        bound: 1,
        rows: 3,
        example: 'flight_id 7',
      },
    ],
  };
}

export function runPublished(more: Partial<Extract<RunEventBody, { type: 'run-published' }>> = {}): RunEventBody {
  return {
    type: 'run-published',
    output: '/work/out/flights',
    rows: { in: 10_000, out: 9_990, rejected: 3, filtered: 7 },
    parts: 10,
    bytes: 1_300_000,
    seconds: 12.34,
    rowsPerSecond: 810,
    rejects: ['/work/out/flights/_nightshift/runs/r/rejects/rejects-00001.parquet'],
    providers: ['cpu'],
    batchRows: 1024,
    ...more,
  };
}
