import { AppError } from '../core/errors.ts';
import { scanRows } from '../dataset/scan-rows.ts';
import type { BatchSize } from '../plan/batch-size.ts';
import { type Shard, scanRequests } from '../plan/run-plan.ts';
import { cutBatches } from './cut-batches.ts';
import { preparedBatches } from './prepared-batches.ts';
import { prepareWindow, windowScan } from './row-window.ts';
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
async function firstCall(
  scorer: Scorer,
  shard: Shard,
  { batchRows, batchTokens }: BatchSize,
): Promise<(() => Promise<unknown>) | undefined> {
  const { plan, database, mustBeEqual } = scorer;
  const rows = { database, selection: selectionOf(plan, shard), counts: { matchedRows: 0, rejectedRows: 0 } };
  if (scorer.sources.length > 0) {
    for await (const batch of scanRows({ ...rows, features: plan.features, fetch: 'chunk', ...windowScan })) {
      const window = await prepareWindow(scorer, batch);
      const [first] = cutBatches({ ...window, mustBeEqual }, { batchRows, batchTokens });
      return first === undefined ? undefined : () => scorer.run(window.feeds(first.rows));
    }
    return undefined;
  }
  const scanned = scanRows({
    ...rows,
    features: scanRequests(plan),
    batchRows: plan.fixedBatchRows ?? batchRows,
    fetch: 'chunk',
  });
  for await (const { values, rowCount, prepared } of preparedBatches(scanned, {
    preparer: scorer.preparer,
    isAhead: false,
  })) {
    if (prepared === undefined) return () => scorer.score(values, rowCount);
    // Any images will do, a broken one as well: it is blank.
    return () =>
      scorer.score(values, rowCount, (paddedRows) =>
        prepared.feeds(Array.from({ length: paddedRows }, (_, row) => row % rowCount)),
      );
  }
  return undefined;
}
