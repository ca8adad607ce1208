import type { RunStart } from '../../src/history/contract.ts';

export const key = { specPath: '/work/jobs.yaml', job: 'flights' } as const;

/** A run that a process on another machine began. */
export function runStart(changes: Partial<RunStart> = {}): RunStart {
  return {
    ...key,
    runId: '20261124T023000Z-1f9c2a',
    outputPath: '/work/out/flights',
    startedAtMs: Date.parse('2026-11-24T02:30:00Z'),
    resumed: false,
    startedBy: 'cron',
    trigger: 'schedule',
    host: 'elsewhere',
    pid: 4711,
    bootId: 'b',
    startTicks: '1',
    nightshiftVersion: '0.1.0',
    ...changes,
  };
}
