import { AppError } from '../core/errors.ts';
import type { ElementArray, RowSelection } from '../dataset/contract.ts';
import { elementsBetween } from '../dataset/element-array.ts';
import { type ScanCounts, scanRows } from '../dataset/scan-rows.ts';
import type { LateReject } from '../dataset/write-rejects.ts';
import { Predictions } from '../model/predictions.ts';
import type { FailedAttempt } from '../plan/commit.ts';
import { type Shard, scanRequests, shardRowCount } from '../plan/run-plan.ts';
import { type PreparedBatch, preparedBatches } from './prepared-batches.ts';
import type { Scorer } from './scorer.ts';

export interface ShardJob {
  readonly shard: Shard;
  readonly attempt: number;
  /** What came to nothing before. */
  readonly failedAttempts: readonly FailedAttempt[];
  /** Reject all rows without trying. */
  readonly giveUp: boolean;
  readonly batchRows: number;
  readonly signal: AbortSignal;
  /** Rows of the shard that are scored so far. */
  readonly onProgress: (rows: number) => void;
  /** Memory ran out: batches have so many rows from now on. */
  readonly onReduced: (batchRows: number) => void;
}

export interface ScoredRows {
  readonly predictions: Predictions;
  readonly counts: ScanCounts;
  /** Scanned rows that the session cannot score, or gave no number for; ascending. */
  readonly late: readonly LateReject[];
  readonly sessionMs: number;
  /** Rows of the batches, fewer than asked for when memory ran out. */
  readonly batchRows: number;
}

/** @throws AppError OUT_OF_MEMORY when one row is too much, MODEL_OUTPUT_MISMATCH, INPUT_UNREADABLE, INTERRUPTED */
export async function scoreRows(scorer: Scorer, job: ShardJob, selection: RowSelection): Promise<ScoredRows> {
  const { plan, database } = scorer;
  const counts: ScanCounts = { matchedRows: 0, rejectedRows: 0 };
  const scoring = new Scoring(scorer, job);
  const batchRows = plan.fixedBatchRows ?? job.batchRows;
  const fetch = scorer.prefetch ? 'ahead' : 'whole';
  const scanned = scanRows({ database, selection, features: scanRequests(plan), batchRows, fetch, counts });
  for await (const batch of preparedBatches(scanned, { preparer: scorer.preparer, isAhead: scorer.prefetch })) {
    await scoring.score(batch);
    job.onProgress(counts.matchedRows);
  }
  return { counts, ...scoring.scored() };
}

/** The rows `[start, end)` of a batch. */
interface Rows {
  readonly batch: PreparedBatch;
  readonly start: number;
  readonly end: number;
}

/** Takes a shard's batches through the session: whole, in halves where memory is short, row by row around a bad row. */
class Scoring {
  readonly #scorer: Scorer;
  readonly #job: ShardJob;
  readonly #predictions: Predictions;
  readonly #late: LateReject[] = [];
  #rows = 0;
  #sessionMs = 0;
  #mostRows: number;

  constructor(scorer: Scorer, job: ShardJob) {
    const { plan, outputs } = scorer;
    this.#scorer = scorer;
    this.#job = job;
    this.#mostRows = plan.fixedBatchRows ?? job.batchRows;
    this.#predictions = new Predictions(outputs, { capacity: shardRowCount(job.shard), nonFinite: plan.nonFinite });
  }

  scored() {
    return {
      predictions: this.#predictions,
      late: this.#late,
      sessionMs: this.#sessionMs,
      batchRows: this.#mostRows,
    };
  }

  async score(batch: PreparedBatch): Promise<void> {
    let start = 0;
    for (const { row, code, message } of batch.prepared?.rejects ?? []) {
      await this.#scoreUntil(row, { batch, start });
      this.#reject(code, message);
      start = row + 1;
    }
    await this.#scoreUntil(batch.rowCount, { batch, start });
  }

  async #scoreUntil(until: number, { batch, start }: Omit<Rows, 'end'>): Promise<void> {
    for (let from = start; from < until; ) {
      const end = Math.min(until, from + this.#mostRows);
      await this.#scoreRows({ batch, start: from, end });
      from = end;
    }
  }

  #reject(code: LateReject['code'], message: string): void {
    this.#late.push({ row: this.#rows, code, message });
    this.#predictions.skipRow();
    this.#rows += 1;
  }

  async #scoreRows(rows: Rows): Promise<void> {
    if (this.#job.signal.aborted) throw new AppError('INTERRUPTED', `shard ${this.#job.shard.index} was stopped`);
    const error = await this.#tryRows(rows);
    if (error === undefined) return;
    const { batch, start, end } = rows;
    if (end - start === 1) {
      if (error.code !== 'SESSION_FAILED') throw error;
      this.#reject('SESSION_FAILED', error.message);
      return;
    }
    const middle = start + Math.ceil((end - start) / 2);
    if (error.code === 'OUT_OF_MEMORY') {
      if (this.#scorer.plan.fixedBatchRows !== undefined) throw error;
      this.#reduce(middle - start);
    }
    await this.#scoreRows({ batch, start, end: middle });
    await this.#scoreRows({ batch, start: middle, end });
  }

  #reduce(rows: number): void {
    if (rows >= this.#mostRows) return;
    this.#mostRows = rows;
    this.#job.onReduced(rows);
  }

  /** @returns why the session could not score these rows together, if it could not */
  async #tryRows({ batch, start, end }: Rows): Promise<AppError | undefined> {
    const rowCount = end - start;
    const isWhole = rowCount === batch.rowCount;
    const values = isWhole ? batch.values : batch.values.map((array) => rowsOf(array, { batch, start, end }));
    const before = performance.now();
    try {
      const tensors = await this.#scorer.score(values, rowCount, feedsOf({ batch, start, end }));
      const paddedRows = this.#scorer.plan.fixedBatchRows ?? rowCount;
      for (const { row, ...reject } of this.#predictions.append(tensors, { rowCount, paddedRows }))
        this.#late.push({ row: this.#rows + row, ...reject });
      this.#rows += rowCount;
      return undefined;
    } catch (error) {
      const isOfRows = error instanceof AppError && (error.code === 'SESSION_FAILED' || error.code === 'OUT_OF_MEMORY');
      if (isOfRows) return error;
      throw error;
    } finally {
      this.#sessionMs += performance.now() - before;
    }
  }
}

function feedsOf({ batch: { prepared }, start, end }: Rows): Parameters<Scorer['score']>[2] {
  if (prepared === undefined) return undefined;
  // A row that was just prepared is one that the model can take; zeros may not be.
  return (paddedRows) =>
    prepared.feeds(Array.from({ length: paddedRows }, (_, row) => (start + row < end ? start + row : start)));
}

function rowsOf(values: ElementArray, { batch, start, end }: Rows): ElementArray {
  const width = values.length / batch.rowCount;
  return elementsBetween(values, start * width, end * width);
}
