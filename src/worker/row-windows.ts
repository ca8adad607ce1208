import type { RowSelection } from '../dataset/contract.ts';
import { type FetchMode, type ScanCounts, scanRows } from '../dataset/scan-rows.ts';
import { type BatchSize, windowRowsOf } from '../plan/batch-size.ts';
import { type Shard, scanRequests } from '../plan/run-plan.ts';
import { begunAhead } from './begun-ahead.ts';
import { type FetchedBatch, fetchedBatches } from './fetched-batches.ts';
import type { Repeats, RepeatsOfWindow } from './repeats.ts';
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
  /** Where predictions of rows may be known. */
  readonly repeats?: Repeats | undefined;
}

/** Its rows are among those of the scan; the first of them is the `first` of these. */
export interface PlacedWindow extends RowWindow {
  readonly first: number;
  readonly repeats: RepeatsOfWindow | undefined;
}

/** Rows by windows, in input order, prepared as far as they are to be scored. */
export async function* rowWindows(scorer: Scorer, options: WindowsOptions): AsyncGenerator<PlacedWindow> {
  const { ahead, repeats } = options;
  let scanned = 0;
  const begin = async (batch: FetchedBatch): Promise<PlacedWindow> => {
    const first = scanned;
    scanned += batch.rowCount;
    const ofWindow = repeats?.begin(batch, first);
    // The scan fills its arrays again with the next batch.
    const held = ahead === 0 ? batch : { ...batch, values: batch.values.map((array) => array.slice()) };
    const window = await prepareWindow(scorer, held, ofWindow?.left);
    return { ...window, first, repeats: ofWindow };
  };
  yield* begunAhead(batchesOf(scorer, options), { begin, ahead });
}

/** Rows can be told from each other only by what they name, which is read once and for all then. */
function batchesOf(scorer: Scorer, options: WindowsOptions): AsyncIterable<FetchedBatch> {
  const { plan, database } = scorer;
  const { selection, fetch, counts, repeats } = options;
  const batchRows = windowRowsOf(plan, options);
  const features = scanRequests(plan);
  const scanned = scanRows({ database, selection, features, batchRows, contentAtMost, fetch, counts });
  const fetchNamed = scorer.sources.find(({ preparer }) => preparer.fetch !== undefined)?.preparer.fetch;
  if (repeats === undefined || fetchNamed === undefined) return scanned;
  return fetchedBatches(scanned, { fetch: fetchNamed, bytesAtMost: contentAtMost.bytes });
}

/** The first window of a shard; undefined where it has no row. */
export async function firstWindow(scorer: Scorer, shard: Shard, size: BatchSize): Promise<RowWindow | undefined> {
  const selection = selectionOf(scorer.plan, shard);
  const counts = { matchedRows: 0, rejectedRows: 0 };
  for await (const window of rowWindows(scorer, { selection, counts, fetch: 'chunk', ahead: 0, ...size }))
    return window;
  return undefined;
}
