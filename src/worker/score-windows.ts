import type { RowSelection } from '../dataset/contract.ts';
import type { ScanCounts } from '../dataset/scan-rows.ts';
import { cutBatches } from './cut-batches.ts';
import { Repeats } from './repeats.ts';
import { rowWindows } from './row-windows.ts';
import type { Scorer } from './scorer.ts';
import type { Scoring } from './scoring.ts';

export interface WindowsJob {
  /** Its index. */
  readonly shard: number;
  readonly scorer: Scorer;
  readonly scoring: Scoring;
  readonly selection: RowSelection;
  readonly counts: ScanCounts;
  readonly onProgress: (rows: number) => void;
}

/**
 * Scores rows by windows: those of texts and images, and those whose predictions may be known. The rows of a window go
 * through the session sorted by length, so that little of a batch is padding, and their predictions to the places of
 * the rows. What is in which batch depends on the rows and the batch size alone.
 */
export async function scoreWindows(job: WindowsJob): Promise<void> {
  const { scorer, scoring, selection, counts, onProgress } = job;
  const { plan, prefetch, mustBeEqual } = scorer;
  const fetch = prefetch ? 'ahead' : 'chunk';
  const saves = plan.dedupe === true || scorer.kept !== undefined;
  const { shard } = job;
  const known = saves ? new Repeats({ shard, scoring, dedupe: plan.dedupe === true, kept: scorer.kept }) : undefined;
  // Tokens and pixels are made on other threads, and rows as they are have nothing to make.
  const ahead = prefetch && scorer.sources.length > 0 ? 1 : 0;
  for await (const window of rowWindows(scorer, { selection, fetch, counts, ahead, repeats: known, ...scoring.most })) {
    const { lengths, first, rows, repeats } = window;
    for (const reject of window.rejects) scoring.reject({ ...reject, row: first + reject.row });
    const passed = counts.rejectedRows + first + window.rowCount;
    let left = rows.length;
    for (const { rows: cut, width } of cutBatches({ rows, lengths, mustBeEqual }, scoring.most)) {
      const chosen = repeats?.stillLeft(cut) ?? cut;
      if (chosen.length > 0) {
        await scoring.score({
          rowCount: chosen.length,
          ...(width === 0 ? {} : { width }),
          places: chosen.map((row) => first + row),
          run: (start, end) => scorer.run(window.feeds(chosen.subarray(start, end))),
        });
        repeats?.keep(chosen);
      }
      left -= cut.length;
      onProgress(passed - left);
      // A turn for the messages of the parent, and for the one that says that this worker is alive.
      await new Promise((resolve) => setImmediate(resolve));
    }
    repeats?.settle();
    onProgress(passed);
  }
}
