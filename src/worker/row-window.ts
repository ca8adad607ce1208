import type { ElementArray } from '../dataset/contract.ts';
import { makeFeeds } from '../model/feeds.ts';
import type { Prepared } from '../model/preparer.ts';
import type { FedTensor } from '../model/session.ts';
import { isPlain, type RunPlan } from '../plan/run-plan.ts';
import type { FetchedBatch } from './fetched-batches.ts';
import { filledUp, gathered } from './gather-rows.ts';
import type { Scorer } from './scorer.ts';

/** Scanned rows to be scored in any order; their texts are tokens already, their images pixels. */
export interface RowWindow {
  readonly rowCount: number;
  /** Tokens of each row, over all its texts. */
  readonly lengths: Int32Array;
  /** Rows that are to be scored and can be, ascending. */
  readonly rows: readonly number[];
  readonly rejects: Prepared['rejects'];
  /** The model inputs of these rows, filled up to the rows that the model fixes. */
  feeds(rows: Int32Array): Readonly<Record<string, FedTensor>>;
}

/** @param chosen rows that are to be scored, ascending; all, if left out */
export async function prepareWindow(
  { plan, sources }: Scorer,
  batch: FetchedBatch,
  chosen?: readonly number[],
): Promise<RowWindow> {
  const { rowCount, values } = batch;
  const prepared: Prepared[] = [];
  for (const { preparer, columnsOf } of sources)
    prepared.push(await preparer.prepare({ rowCount, rows: chosen, values: columnsOf(batch) }));
  const lengths = new Int32Array(rowCount);
  for (const each of prepared)
    each.lengths?.forEach((length, row) => {
      lengths[row] = (lengths[row] ?? 0) + length;
    });
  const rejects = new Map(prepared.flatMap((each) => each.rejects).map((reject) => [reject.row, reject]));
  return {
    rowCount,
    lengths,
    rows: (chosen ?? Array.from(lengths.keys())).filter((row) => !rejects.has(row)),
    rejects: [...rejects.values()].sort((a, b) => a.row - b.row),
    feeds: (rows) => feedsOf({ plan, values, prepared }, filledUp(rows, plan.fixedBatchRows ?? rows.length)),
  };
}

interface Parts {
  readonly plan: RunPlan;
  readonly values: readonly ElementArray[];
  readonly prepared: readonly Prepared[];
}

function feedsOf({ plan, values, prepared }: Parts, rows: Int32Array): Readonly<Record<string, FedTensor>> {
  const rowCount = rows.length;
  const plain = plan.features.flatMap((feature, index) => (isPlain(feature) ? [{ feature, index }] : []));
  const fed = makeFeeds({
    features: plain.map(({ feature }) => feature),
    values: plain.map(({ feature, index }) => gathered(values[index] ?? [], rows, feature)),
    rowCount,
    paddedRows: rowCount,
  });
  return Object.assign({}, fed, ...prepared.map((each) => each.feeds(rows)));
}
