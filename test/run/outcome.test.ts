import { describe, expect, it } from 'vitest';
import { manifestSchema } from '../../src/checkpoint/manifest.ts';
import { AppError } from '../../src/core/errors.ts';
import type { Commit } from '../../src/plan/commit.ts';
import { type FinishedRun, failureOf, ledgerOf, publishedRun, rejectFiles } from '../../src/run/outcome.ts';
import { commitOf, planOf } from '../plan/run-plan.ts';

const rejects = (shard: number, rows: number): Partial<Commit> => ({
  rowsOut: 10 - rows,
  rejectedRows: rows,
  rejects: `rejects-0000${shard}.parquet`,
  firstReject: `/data/in.parquet row ${shard * 10}: column a is null`,
});

function finished(commits: readonly Commit[], rest: Partial<FinishedRun> = {}): FinishedRun {
  return { runId: 'r1', outputFolder: '/out', plan: planOf(3), commits, failures: [], ...rest };
}

const whole = [0, 1, 2].map((shard) => commitOf(shard));

describe('ledgerOf', () => {
  it('adds up the commits', () => {
    const commits = [commitOf(0, { rowsOut: 4, rejectedRows: 1, filteredRows: 5 }), commitOf(1), commitOf(2)];
    expect(ledgerOf({ plan: planOf(3), commits })).toEqual({ in: 30, out: 24, rejected: 1, filtered: 5 });
  });

  it('counts lines that could not be parsed as rows that came in and were rejected', () => {
    const plan = planOf(3, { rejectedLines: 2 });
    expect(ledgerOf({ plan, commits: whole })).toEqual({ in: 32, out: 30, rejected: 2, filtered: 0 });
  });
});

describe('rejectFiles', () => {
  it("names the input's rejects first, then those of shards, relative to the output folder", () => {
    const commits = [commitOf(0), commitOf(1, rejects(1, 3)), commitOf(2)];
    expect(rejectFiles({ plan: planOf(3, { rejectedLines: 1 }), commits, runId: 'r1' })).toEqual([
      '_nightshift/runs/r1/rejects/rejects-input.parquet',
      '_nightshift/runs/r1/rejects/rejects-00001.parquet',
    ]);
  });
});

describe('failureOf', () => {
  it('lets a run without failures and rejects be published', () => {
    expect(failureOf(finished(whole), { rows: 0 })).toBeUndefined();
  });

  it.each([
    { limit: { rows: 2 }, fails: true },
    { limit: { rows: 3 }, fails: false },
    { limit: { fraction: 0.09 }, fails: true },
    { limit: { fraction: 0.1 }, fails: false },
    { limit: { fraction: 1 }, fails: false },
  ])('holds 3 rejects of 30 rows against a limit of $limit', ({ limit, fails }) => {
    const commits = [commitOf(0, rejects(0, 1)), commitOf(1, rejects(1, 2)), commitOf(2)];
    expect(failureOf(finished(commits), limit)?.code).toBe(fails ? 'REJECTS_OVER_LIMIT' : undefined);
  });

  it('shows the first rejected row, where the others are, and the command that publishes the rest', () => {
    const failure = failureOf(finished([commitOf(0), commitOf(1, rejects(1, 2)), commitOf(2)]), { rows: 0 });
    expect(failure?.message).toBe(
      '2 of 30 rows were rejected, more than the 0 that errors.maxRejected allows; the first: /data/in.parquet row 10: column a is null',
    );
    expect(failure?.hint).toBe(
      'look at /out/_nightshift/runs/r1/rejects/rejects-00001.parquet; mend the rows, or set nulls for the feature or input.csv.nullValues and run with --restart; or publish what is scored with --max-rejected 2',
    );
    expect(failure?.exitCode).toBe(3);
  });

  it('names a failed shard, its rows and the cause before it looks at rejects', () => {
    const error = new AppError('SESSION_FAILED', 'ONNX Runtime failed: no', { hint: 'look' });
    const commits = [commitOf(0, rejects(0, 1)), commitOf(2)];
    const failure = failureOf(finished(commits, { failures: [{ shard: 1, attempt: 3, error }] }), { rows: 0 });
    expect(failure).toMatchObject({
      code: 'SHARDS_FAILED',
      message:
        '1 of 3 shards failed, nothing was published; shard 1 (rows 10 to 19 of /data/in.parquet) failed 3 times: ONNX Runtime failed: no',
      hint: 'look',
      cause: error,
      details: { code: 'SESSION_FAILED', failedShards: 1, shard: 1, attempt: 3 },
    });
  });
});

describe('publishedRun', () => {
  it('keeps what a later reader needs to know about the run', () => {
    const run = publishedRun(finished([commitOf(0), commitOf(1, { providers: ['cuda', 'cpu'] }), commitOf(2)]), {
      publishedAt: '2026-01-02T03:04:05.000Z',
      version: '1.2.3',
    });
    expect(run).toEqual({
      runId: 'r1',
      job: 'job',
      fingerprint: 'f',
      publishedAt: '2026-01-02T03:04:05.000Z',
      nightshift: '1.2.3',
      model: { path: '/m.onnx', sha256: 'm' },
      inputs: [{ path: '/data/in.parquet', sizeBytes: 100, mtimeMs: 1, rowCount: 30 }],
      rows: { in: 30, out: 30, rejected: 0, filtered: 0 },
      rejects: [],
      columns: ['y float32'],
      providers: ['cpu', 'cuda'],
      batchRows: 256,
    });
  });

  it('keeps what its checks found, and whether it was forced', () => {
    const by = { publishedAt: '2026-01-02T03:04:05.000Z', version: '1.2.3' };
    const checks = [{ name: 'min', column: 'y', severity: 'error', passed: false, value: -1, bound: 0 }] as const;
    const run = publishedRun(finished(whole), { ...by, checks, isForced: true });
    expect(run).toMatchObject({ checks, forced: true });
    const manifest = { v: 1, format: 'parquet', parts: [], runs: [run] };
    expect(manifestSchema.parse(manifest)).toEqual(manifest);
    const older = publishedRun(finished(whole), { ...by, checks: [] });
    expect(Object.keys(older)).not.toEqual(expect.arrayContaining(['checks']));
    expect(manifestSchema.safeParse({ ...manifest, runs: [older] }).success).toBe(true);
  });
});
