import type { ElementArray } from '../dataset/contract.ts';
import { elementsBetween } from '../dataset/element-array.ts';
import type { FeatureBatch, ScanOptions } from '../dataset/scan-rows.ts';
import { makeFeeds } from '../model/feeds.ts';
import type { Prepared } from '../model/preparer.ts';
import type { FedTensor } from '../model/session.ts';
import { windowRows } from '../plan/batch-size.ts';
import { isPlain, type RunPlan } from '../plan/run-plan.ts';
import { filledUp, gathered } from './gather-rows.ts';
import type { Scorer } from './scorer.ts';

/** How rows are scanned for that: by windows that are bounded in rows and in characters. */
export const windowScan: Pick<ScanOptions, 'batchRows' | 'charactersAtMost'> = {
  batchRows: windowRows,
  charactersAtMost: 8 * 2 ** 20,
};

/** Scanned rows to be scored in any order; their texts are tokens already. */
export interface RowWindow {
  readonly rowCount: number;
  /** Tokens of each row, over all its texts. */
  readonly lengths: Int32Array;
  /** Rows that can be scored, ascending. */
  readonly rows: readonly number[];
  readonly rejects: Prepared['rejects'];
  /** The model inputs of these rows, filled up to the rows that the model fixes. */
  feeds(rows: Int32Array): Readonly<Record<string, FedTensor>>;
}

export async function prepareWindow(scorer: Scorer, batch: FeatureBatch): Promise<RowWindow> {
  const { plan, sources } = scorer;
  const { rowCount, values } = batch;
  const prepared: Prepared[] = [];
  for (const { feature, columnCount, preparer } of sources)
    prepared.push(await preparer.prepare({ rowCount, values: columnsOf(values[feature] ?? [], columnCount) }));
  const lengths = new Int32Array(rowCount);
  for (const each of prepared)
    each.lengths?.forEach((length, row) => {
      lengths[row] = (lengths[row] ?? 0) + length;
    });
  const rejects = new Map(prepared.flatMap((each) => each.rejects).map((reject) => [reject.row, reject]));
  return {
    rowCount,
    lengths,
    rows: Array.from(lengths.keys()).filter((row) => !rejects.has(row)),
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

/** Texts of several columns come row by row. */
function columnsOf(values: ElementArray, columnCount: number): readonly (readonly string[])[] {
  if (!Array.isArray(values)) throw new TypeError('texts are strings');
  if (columnCount === 1) return [elementsAsTexts(values)];
  return Array.from({ length: columnCount }, (_, column) => values.filter((_text, at) => at % columnCount === column));
}

function elementsAsTexts(values: string[]): readonly string[] {
  const texts = elementsBetween(values, 0, values.length);
  return Array.isArray(texts) ? texts : [];
}
