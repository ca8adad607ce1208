import { AppError } from '../core/errors.ts';
import { scanRows } from '../dataset/scan-rows.ts';
import type { BatchSize } from '../plan/batch-size.ts';
import type { Shard } from '../plan/run-plan.ts';
import { cutBatches } from './cut-batches.ts';
import { firstWindow } from './row-windows.ts';
import { type Scorer, selectionOf } from './scorer.ts';

export interface WarmUp extends BatchSize {
  readonly batches: number;
}

/**
 * Scores the first rows of a shard and forgets what came of it, so that memory and kernels are there when it counts.
 * What goes wrong is left to scoring, which meets the same rows and has attempts and messages for it.
 */
export async function warmUp(scorer: Scorer, shard: Shard, { batches, ...size }: WarmUp): Promise<void> {
  if (batches === 0) return;
  try {
    const call = await firstCall(scorer, shard, size);
    for (let batch = 0; batch < batches; batch++) await call?.();
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
  }
}

/** A session call of the first rows; undefined where there are none. */
async function firstCall(scorer: Scorer, shard: Shard, size: BatchSize): Promise<(() => Promise<unknown>) | undefined> {
  const { plan, database, mustBeEqual, sources } = scorer;
  const batchRows = plan.fixedBatchRows ?? size.batchRows;
  if (sources.length > 0) {
    const window = await firstWindow(scorer, shard, { ...size, batchRows });
    const [first] = window === undefined ? [] : cutBatches({ ...window, mustBeEqual }, { ...size, batchRows });
    return window === undefined || first === undefined ? undefined : () => scorer.run(window.feeds(first.rows));
  }
  const scanned = scanRows({
    database,
    selection: selectionOf(plan, shard),
    features: plan.features,
    batchRows,
    fetch: 'chunk',
    counts: { matchedRows: 0, rejectedRows: 0 },
  });
  for await (const { values, rowCount } of scanned) return () => scorer.score(values, rowCount);
  return undefined;
}
