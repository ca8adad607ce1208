import type { Commit } from '../../src/plan/commit.ts';
import { partName } from '../../src/plan/layout.ts';
import { type RunPlan, recordVersion } from '../../src/plan/run-plan.ts';

const part: RunPlan['part'] = { format: 'parquet', compression: 'zstd' };

/** A plan of one file, cut into shards of ten rows. */
export function planOf(
  shardCount: number,
  rest: { readonly rejectedLines?: number; readonly job?: string } = {},
): RunPlan {
  const { rejectedLines = 0, job = 'job' } = rest;
  const rowCount = shardCount * 10;
  const file = { path: '/data/in.parquet', source: '/data/in.parquet', rowCount, sizeBytes: 100, mtimeMs: 1 };
  return {
    v: recordVersion,
    job,
    fingerprint: 'f',
    identity: { job },
    model: {
      path: '/m.onnx',
      sha256: 'm',
      sizeBytes: 10,
      signature: { inputs: [], outputs: [{ kind: 'tensor', name: 'y', type: 'float32', shape: ['N'] }] },
      unzippedOutputs: [],
    },
    dataset: { format: 'parquet', files: [file], columns: [], hasPartitions: false, rejectedLines },
    features: [],
    nonFinite: 'reject',
    keep: [],
    part,
    shards: Array.from({ length: shardCount }, (_, index) => ({
      index,
      ranges: [{ file: 0, rowStart: index * 10, rowEnd: index * 10 + 10 }],
    })),
    rowCount,
  };
}

/** The commit of a shard whose ten rows were all scored. */
export function commitOf(shard: number, rest: Partial<Commit> = {}): Commit {
  return {
    v: recordVersion,
    shard,
    attempt: 1,
    part: partName(shard, part),
    sizeBytes: 3,
    sha256: 'abc',
    rowsIn: 10,
    rowsOut: 10,
    rejectedRows: 0,
    filteredRows: 0,
    providers: ['cpu'],
    batchRows: 256,
    timings: { total: 1, session: 0.5, read: 0.25, write: 0.25 },
    ...rest,
  };
}
