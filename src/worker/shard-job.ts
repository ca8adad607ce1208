import type { ScanCounts } from '../dataset/scan-rows.ts';
import type { LateReject } from '../dataset/write-rejects.ts';
import type { Predictions } from '../model/predictions.ts';
import type { BatchSize } from '../plan/batch-size.ts';
import type { FailedAttempt } from '../plan/commit.ts';
import type { Shard } from '../plan/run-plan.ts';

export interface ShardJob extends BatchSize {
  readonly shard: Shard;
  readonly attempt: number;
  /** What came to nothing before. */
  readonly failedAttempts: readonly FailedAttempt[];
  /** Reject all rows without trying. */
  readonly giveUp: boolean;
  readonly signal: AbortSignal;
  /** Rows of the shard that are scored so far. */
  readonly onProgress: (rows: number) => void;
  /** Memory ran out: batches are so large from now on. */
  readonly onReduced: (batch: BatchSize) => void;
}

/** The size is that of the batches, smaller than asked for when memory ran out. */
export interface ScoredRows extends BatchSize {
  readonly predictions: Predictions;
  readonly counts: ScanCounts;
  /** Scanned rows that the session cannot score, or gave no number for; ascending. */
  readonly late: readonly LateReject[];
  readonly sessionMs: number;
  /** Rows that have the prediction of a row of the same features, and of an earlier run. */
  readonly repeatedRows: number;
  readonly cachedRows: number;
}
