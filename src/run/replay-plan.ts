import { replayColumn, type StagedRejects } from '../dataset/replay-contract.ts';
import type { ModelSignature } from '../model/contract.ts';
import { canonicalJson } from '../plan/fingerprint.ts';
import type { RunPlan } from '../plan/run-plan.ts';

export interface Staged extends StagedRejects {
  readonly shard: number;
  /** Path of the rejects. */
  readonly rejects: string;
  /** Path of the table. */
  readonly path: string;
}

/**
 * The plan by which staged rejects are scored: each table is the shard that its rows were rejected from. What the
 * footers of the input said about nulls and ranges holds no longer, since rows may have been mended. Pure.
 */
export function replayPlan(
  plan: RunPlan,
  { staged, modelSha256 }: { readonly staged: readonly Staged[]; readonly modelSha256: string },
): RunPlan {
  return {
    ...plan,
    model: { ...plan.model, sha256: modelSha256 },
    dataset: {
      ...plan.dataset,
      format: 'parquet',
      files: staged.map(({ path, rows, sizeBytes, mtimeMs }) => ({
        path,
        source: path,
        rowCount: rows,
        sizeBytes,
        mtimeMs,
      })),
      columns: [
        ...plan.dataset.columns.map(({ name, type }) => ({ name, type, widened: false, origin: 'file' as const })),
        { name: replayColumn, type: 'BIGINT', widened: false, origin: 'file' },
      ],
      hasPartitions: false,
      rejectedLines: 0,
      firstRejectedLine: undefined,
    },
    features: plan.features.map((feature) => ({
      ...feature,
      columns: feature.columns.map((column) => ({ ...column, nullFree: false, fits: false })),
    })),
    ...(plan.images === undefined
      ? {}
      : { images: plan.images.map((image) => ({ ...image, column: { ...image.column, nullFree: false } })) }),
    keep: [...plan.keep, replayColumn],
    shards: staged.map(({ shard, rows }, file) => ({ index: shard, ranges: [{ file, rowStart: 0, rowEnd: rows }] })),
    rowCount: staged.reduce((sum, { rows }) => sum + rows, 0),
  };
}

export function sameSignature(a: ModelSignature, b: ModelSignature): boolean {
  return canonicalJson(a) === canonicalJson(b);
}
