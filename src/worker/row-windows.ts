import type { RowSelection } from '../dataset/contract.ts';
import { type FeatureBatch, type FetchMode, type ScanCounts, scanRows } from '../dataset/scan-rows.ts';
import { type BatchSize, windowRowsOf } from '../plan/batch-size.ts';
import { type Shard, scanRequests } from '../plan/run-plan.ts';
import { begunAhead } from './begun-ahead.ts';
import { prepareWindow, type RowWindow } from './row-window.ts';
import { type Scorer, selectionOf } from './scorer.ts';

/** What the texts and the encoded images of a window come to, beside its rows. */
const contentAtMost = { characters: 8 * 2 ** 20, bytes: 64 * 2 ** 20 } as const;

export interface WindowsOptions extends BatchSize {
  readonly selection: RowSelection;
  readonly fetch: FetchMode;
  readonly counts: ScanCounts;
  /** Windows that are begun before this one is scored. */
  readonly ahead: number;
}

/** Rows by windows, in input order, prepared. */
export async function* rowWindows(scorer: Scorer, options: WindowsOptions): AsyncGenerator<RowWindow> {
  const { plan, database } = scorer;
  const { selection, fetch, counts, ahead } = options;
  const batchRows = windowRowsOf(plan, options);
  const scanned = scanRows({
    ...{ database, selection, features: scanRequests(plan), batchRows, contentAtMost, fetch, counts },
  });
  // The scan fills its arrays again with the next batch.
  const begin = (batch: FeatureBatch) => prepareWindow(scorer, ahead === 0 ? batch : copied(batch));
  yield* begunAhead(scanned, { begin, ahead });
}

/** The first window of a shard; undefined where it has no row. */
export async function firstWindow(scorer: Scorer, shard: Shard, size: BatchSize): Promise<RowWindow | undefined> {
  const selection = selectionOf(scorer.plan, shard);
  const counts = { matchedRows: 0, rejectedRows: 0 };
  for await (const window of rowWindows(scorer, { selection, counts, fetch: 'chunk', ahead: 0, ...size }))
    return window;
  return undefined;
}

function copied(batch: FeatureBatch): FeatureBatch {
  return { ...batch, values: batch.values.map((array) => array.slice()) };
}
