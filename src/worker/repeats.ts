import type { FeatureBatch } from '../dataset/scan-rows.ts';
import { rowKeys } from './row-keys.ts';
import type { KeptPredictions } from './scorer.ts';
import type { Scoring } from './scoring.ts';

/** Rows of a shard that are known by their features; more are scored each, so that memory stays bounded. */
const knownAtMost = 2 ** 18;

export interface RepeatsOptions {
  readonly scoring: Scoring;
  readonly dedupe: boolean;
  readonly kept: KeptPredictions | undefined;
}

/** Keeps rows from being scored whose predictions are known: from another row of the run, or from an earlier run. */
export class Repeats {
  readonly #options: RepeatsOptions;
  /** Place of the first row of the shard that has a key. */
  readonly #known = new Map<string, number>();
  #window: { readonly first: number; readonly keys: readonly string[] } = { first: 0, keys: [] };
  #pending: { readonly row: number; readonly from: number }[] = [];

  constructor(options: RepeatsOptions) {
    this.#options = options;
  }

  /**
   * Begins a window, whose first row is the shard's `first`.
   * @returns those of the rows that have to be scored
   */
  left(batch: FeatureBatch, { rows, first }: { readonly rows: readonly number[]; readonly first: number }) {
    const { dedupe } = this.#options;
    const keys = rowKeys(batch);
    this.#window = { first, keys };
    const firsts = rows.filter((row) => {
      const key = keys[row] ?? '';
      const from = dedupe ? this.#known.get(key) : undefined;
      if (from !== undefined) this.#pending.push({ row: first + row, from });
      else if (dedupe && this.#known.size < knownAtMost) this.#known.set(key, first + row);
      return from === undefined;
    });
    return this.#unkept(firsts);
  }

  /** Those of a batch that no other worker has scored since. */
  stillLeft(rows: Int32Array): Int32Array {
    return this.#options.kept?.isOfRun === true ? Int32Array.from(this.#unkept([...rows])) : rows;
  }

  /** A batch was scored: other workers and later runs may have it. */
  keep(rows: Int32Array): void {
    const { scoring, kept } = this.#options;
    if (kept === undefined) return;
    const { first, keys } = this.#window;
    const entries = new Map<string, Uint8Array>();
    for (const row of rows) {
      const bytes = scoring.kept(first + row);
      if (bytes !== undefined) entries.set(keys[row] ?? '', bytes);
    }
    kept.cache.store(entries);
  }

  /** Ends a window: its predictions go to the rows that are like another. */
  settle(): void {
    for (const { row, from } of this.#pending) this.#options.scoring.repeat(from, row);
    this.#pending = [];
  }

  #unkept(rows: readonly number[]): readonly number[] {
    const { scoring, kept } = this.#options;
    if (kept === undefined) return rows;
    const { first, keys } = this.#window;
    const found = kept.cache.find([...new Set(rows.map((row) => keys[row] ?? ''))]);
    if (found.size === 0) return rows;
    return rows.filter((row) => {
      const bytes = found.get(keys[row] ?? '');
      return bytes === undefined || !scoring.restore(first + row, bytes, kept.isOfRun);
    });
  }
}
