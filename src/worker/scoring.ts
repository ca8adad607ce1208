import { AppError } from '../core/errors.ts';
import type { LateReject } from '../dataset/write-rejects.ts';
import { type BatchTensors, Predictions } from '../model/predictions.ts';
import { type BatchSize, reducedBatch } from '../plan/batch-size.ts';
import { shardRowCount } from '../plan/run-plan.ts';
import type { Scorer } from './scorer.ts';
import type { ScoredRows, ShardJob } from './shard-job.ts';

/** Rows that may go through the session together. */
export interface ScorableBatch {
  readonly rowCount: number;
  /** Tokens of each row with its padding, where rows are texts. */
  readonly width?: number;
  /** Where the rows are among those that the scan gave; undefined is after all that came before. */
  readonly places?: Int32Array;
  /** Scores the rows `[start, end)`. */
  run(start: number, end: number): Promise<BatchTensors>;
}

/** Takes a shard's batches through the session: whole, in halves where memory is short, row by row around a bad row. */
export class Scoring {
  readonly #scorer: Scorer;
  readonly #job: ShardJob;
  readonly #predictions: Predictions;
  /** By row. */
  readonly #late = new Map<number, LateReject>();
  #rows = 0;
  readonly #saved = { repeatedRows: 0, cachedRows: 0 };
  #sessionMs = 0;
  #most: BatchSize;

  constructor(scorer: Scorer, job: ShardJob) {
    const { plan, outputs } = scorer;
    const { batchRows, batchTokens } = job;
    this.#scorer = scorer;
    this.#job = job;
    this.#most = plan.fixedBatchRows === undefined ? { batchRows, batchTokens } : { batchRows: plan.fixedBatchRows };
    this.#predictions = new Predictions(outputs, { capacity: shardRowCount(job.shard), nonFinite: plan.nonFinite });
  }

  /** What a batch may have at most from now on. */
  get most(): BatchSize {
    return this.#most;
  }

  scored(): Omit<ScoredRows, 'counts'> {
    return {
      predictions: this.#predictions,
      late: [...this.#late.values()].sort((a, b) => a.row - b.row),
      ...this.#saved,
      sessionMs: this.#sessionMs,
      ...this.#most,
    };
  }

  async score(batch: ScorableBatch): Promise<void> {
    for (let start = 0; start < batch.rowCount; ) {
      const end = Math.min(batch.rowCount, start + this.#mostRows(batch));
      await this.#scoreRows({ batch, start, end });
      start = end;
    }
  }

  /** Leaves the place of a row that is not scored. */
  reject(reject: LateReject): void {
    this.#late.set(reject.row, reject);
    this.#predictions.skipRow(reject.row);
  }

  /** Gives a row what another has, be it a reject. */
  repeat(from: number, row: number): void {
    const reject = this.#late.get(from);
    if (reject === undefined) this.#predictions.copyRow(from, row);
    else this.reject({ ...reject, row });
    this.#saved.repeatedRows += 1;
  }

  /**
   * Gives a row what this run or an earlier one kept.
   * @param as what it counts as; nothing where an earlier attempt at this shard scored it
   * @returns whether that is of use
   */
  restore(row: number, bytes: Uint8Array, as: 'repeatedRows' | 'cachedRows' | undefined): boolean {
    const isRestored = this.#predictions.writeRow(row, bytes);
    if (isRestored && as !== undefined) this.#saved[as] += 1;
    return isRestored;
  }

  /** What to keep of a row; undefined where it has no prediction. */
  kept(row: number): Uint8Array | undefined {
    return this.#late.has(row) ? undefined : this.#predictions.readRow(row);
  }

  #mostRows({ width = 0 }: ScorableBatch): number {
    const { batchRows, batchTokens } = this.#most;
    if (batchTokens === undefined || width === 0) return batchRows;
    return Math.max(1, Math.min(batchRows, Math.floor(batchTokens / width)));
  }

  async #scoreRows(rows: Rows): Promise<void> {
    if (this.#job.signal.aborted) throw new AppError('INTERRUPTED', `shard ${this.#job.shard.index} was stopped`);
    const error = await this.#tryRows(rows);
    if (error === undefined) return;
    const { batch, start, end } = rows;
    if (end - start === 1) {
      if (error.code !== 'SESSION_FAILED') throw error;
      this.reject({ row: this.#placeOf(rows, 0), code: 'SESSION_FAILED', message: error.message });
      this.#passed(1, batch);
      return;
    }
    const middle = start + Math.ceil((end - start) / 2);
    if (error.code === 'OUT_OF_MEMORY') {
      if (this.#scorer.plan.fixedBatchRows !== undefined) throw error;
      this.#reduce(middle - start, batch);
    }
    await this.#scoreRows({ batch, start, end: middle });
    await this.#scoreRows({ batch, start: middle, end });
  }

  #reduce(rows: number, { width }: ScorableBatch): void {
    const { batchRows } = this.#most;
    const found = width === undefined ? { batchRows: rows } : { batchRows, batchTokens: rows * width };
    const reduced = reducedBatch(this.#most, found);
    if (reduced === undefined) return;
    this.#most = reduced;
    this.#job.onReduced(reduced);
  }

  /** @returns why the session could not score these rows together, if it could not */
  async #tryRows(rows: Rows): Promise<AppError | undefined> {
    const { batch, start, end } = rows;
    const rowCount = end - start;
    const before = performance.now();
    try {
      const tensors = await batch.run(start, end);
      const paddedRows = this.#scorer.plan.fixedBatchRows ?? rowCount;
      const places = batch.places?.subarray(start, end);
      for (const reject of this.#predictions.append(tensors, { rowCount, paddedRows, places })) {
        const row = this.#placeOf(rows, reject.row);
        this.#late.set(row, { ...reject, row });
      }
      this.#passed(rowCount, batch);
      return undefined;
    } catch (error) {
      const isOfRows = error instanceof AppError && (error.code === 'SESSION_FAILED' || error.code === 'OUT_OF_MEMORY');
      if (isOfRows) return error;
      throw error;
    } finally {
      this.#sessionMs += performance.now() - before;
    }
  }

  #placeOf({ batch, start }: Rows, row: number): number {
    return batch.places?.[start + row] ?? this.#rows + row;
  }

  #passed(rowCount: number, { places }: ScorableBatch): void {
    if (places === undefined) this.#rows += rowCount;
  }
}

/** The rows `[start, end)` of a batch. */
interface Rows {
  readonly batch: ScorableBatch;
  readonly start: number;
  readonly end: number;
}
