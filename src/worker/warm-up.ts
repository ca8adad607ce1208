import { AppError } from '../core/errors.ts';
import { scanRows } from '../dataset/scan-rows.ts';
import type { Shard } from '../plan/run-plan.ts';
import { type Scorer, selectionOf } from './scorer.ts';

export interface WarmUp {
  readonly batches: number;
  readonly batchRows: number;
}

/**
 * Scores the first rows of a shard and forgets what came of it, so that memory and kernels are there when it counts.
 * What goes wrong is left to scoring, which meets the same rows and has attempts and messages for it.
 */
export async function warmUp(scorer: Scorer, shard: Shard, { batches, batchRows }: WarmUp): Promise<void> {
  const { plan, database } = scorer;
  if (batches === 0) return;
  const rows = {
    database,
    selection: selectionOf(plan, shard),
    features: plan.features,
    batchRows: plan.fixedBatchRows ?? batchRows,
    fetch: 'chunk',
    counts: { matchedRows: 0, rejectedRows: 0 },
  } as const;
  try {
    for await (const sample of scanRows(rows)) {
      for (let batch = 0; batch < batches; batch++) await scorer.score(sample.values, sample.rowCount);
      return;
    }
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
  }
}
