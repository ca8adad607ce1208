import type { RowSelection } from '../dataset/contract.ts';
import { type FeatureBatch, type ScanCounts, scanRows } from '../dataset/scan-rows.ts';
import { rowsOf } from './fetched-batches.ts';
import { scoreWindows } from './score-windows.ts';
import type { Scorer } from './scorer.ts';
import { type ScorableBatch, Scoring } from './scoring.ts';
import type { ScoredRows, ShardJob } from './shard-job.ts';

/** @throws AppError OUT_OF_MEMORY when one row is too much, MODEL_OUTPUT_MISMATCH, INPUT_UNREADABLE, INTERRUPTED */
export async function scoreRows(scorer: Scorer, job: ShardJob, selection: RowSelection): Promise<ScoredRows> {
  const { plan, database } = scorer;
  const counts: ScanCounts = { matchedRows: 0, rejectedRows: 0 };
  const scoring = new Scoring(scorer, job);
  if (scorer.sources.length > 0 || plan.dedupe === true || scorer.kept !== undefined) {
    const { shard, onProgress } = job;
    await scoreWindows({ shard: shard.index, scorer, scoring, selection, counts, onProgress });
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
