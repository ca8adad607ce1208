import type { RowSelection } from '../dataset/contract.ts';
import { type ScanCounts, scanRows } from '../dataset/scan-rows.ts';
import { cutBatches } from './cut-batches.ts';
import type { Scorer } from './scorer.ts';
import type { Scoring } from './scoring.ts';
import { prepareWindow, windowScan } from './text-window.ts';

export interface WindowsJob {
  readonly scorer: Scorer;
  readonly scoring: Scoring;
  readonly selection: RowSelection;
  readonly counts: ScanCounts;
  readonly onProgress: (rows: number) => void;
}

/**
 * Scores rows of texts by windows: those of a window go through the session sorted by length, so that little of a batch
 * is padding, and their predictions to the places of the rows. What is in which batch depends on the rows and the
 * batch size alone.
 */
export async function scoreWindows({ scorer, scoring, selection, counts, onProgress }: WindowsJob): Promise<void> {
  const { plan, database, prefetch, mustBeEqual } = scorer;
  const fetch = prefetch ? 'ahead' : 'chunk';
  let scanned = 0;
  for await (const batch of scanRows({ database, selection, features: plan.features, fetch, counts, ...windowScan })) {
    const window = await prepareWindow(scorer, batch);
    const { rows, lengths } = window;
    for (const reject of window.rejects) scoring.reject({ ...reject, row: scanned + reject.row });
    let left = rows.length;
    for (const { rows: chosen, width } of cutBatches({ rows, lengths, mustBeEqual }, scoring.most)) {
      await scoring.score({
        rowCount: chosen.length,
        width,
        places: chosen.map((row) => scanned + row),
        run: (start, end) => scorer.run(window.feeds(chosen.subarray(start, end))),
      });
      left -= chosen.length;
      onProgress(counts.matchedRows - left);
      // A turn for the messages of the parent, and for the one that says that this worker is alive.
      await new Promise((resolve) => setImmediate(resolve));
    }
    scanned += batch.rowCount;
  }
}
