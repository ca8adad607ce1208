import { tmpdir } from 'node:os';
import type { RunNotice, Surroundings } from '../../src/telemetry/contract.ts';

const ended = {
  v: 1,
  job: 'flights',
  specPath: '/work/jobs.yaml',
  outputPath: '/work/out',
  host: 'here',
  nightshiftVersion: '0.1.0',
  startedAt: '2026-11-24T02:30:00.000Z',
  endedAt: '2026-11-24T02:31:00.000Z',
  durationSeconds: 60,
} as const;

export const failure: RunNotice = {
  ...ended,
  type: 'run-failed',
  exitCode: 3,
  error: { code: 'SHARDS_FAILED', message: '1 of 8 shards failed' },
};

export const success: RunNotice = {
  ...ended,
  type: 'run-succeeded',
  exitCode: 0,
  rows: { in: 10, out: 9, rejected: 1, filtered: 0 },
};

/** No time is lost between attempts. */
export function around(more: Partial<Surroundings> = {}): Surroundings {
  let ids = 0;
  return {
    now: () => new Date(),
    random: () => 0,
    newId: () => `id-${ids++}`,
    signal: new AbortController().signal,
    folder: tmpdir(),
    ...more,
  };
}
