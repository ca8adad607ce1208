import type { RowSelection } from '../dataset/contract.ts';
import { type FeatureBatch, type ScanCounts, scanRows } from '../dataset/scan-rows.ts';
import type { LateReject } from '../dataset/write-rejects.ts';
import type { Predictions } from '../model/predictions.ts';
import type { BatchSize } from '../plan/batch-size.ts';
import type { FailedAttempt } from '../plan/commit.ts';
import type { Shard } from '../plan/run-plan.ts';
import { rowsOf } from './fetched-batches.ts';
import { scoreWindows } from './score-windows.ts';
import type { Scorer } from './scorer.ts';
import { type ScorableBatch, Scoring } from './scoring.ts';

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

/** @throws AppError OUT_OF_MEMORY when one row is too much, MODEL_OUTPUT_MISMATCH, INPUT_UNREADABLE, INTERRUPTED */
export async function scoreRows(scorer: Scorer, job: ShardJob, selection: RowSelection): Promise<ScoredRows> {
  const { plan, database } = scorer;
  const counts: ScanCounts = { matchedRows: 0, rejectedRows: 0 };
  const scoring = new Scoring(scorer, job);
  if (scorer.sources.length > 0 || plan.dedupe === true || scorer.kept !== undefined) {
    await scoreWindows({ scorer, scoring, selection, counts, onProgress: job.onProgress });
    return { counts, ...scoring.scored() };
  }
  const batchRows = plan.fixedBatchRows ?? job.batchRows;
  const fetch = scorer.prefetch ? 'ahead' : 'whole';
  for await (const batch of scanRows({ database, selection, features: plan.features, batchRows, fetch, counts })) {
    await scoring.score(plainBatch(scorer, batch));
    job.onProgress(counts.matchedRows);
  }
  return { counts, ...scoring.scored() };
}

/** A batch whose columns fill the model's inputs as they are. */
function plainBatch(scorer: Scorer, batch: FeatureBatch): ScorableBatch {
  return {
    rowCount: batch.rowCount,
    run: (start, end) => {
      const isWhole = end - start === batch.rowCount;
      const values = isWhole ? batch.values : batch.values.map((array) => rowsOf(array, { batch, start, end }));
      return scorer.score(values, end - start);
    },
  };
}
