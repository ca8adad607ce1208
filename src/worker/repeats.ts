import type { FetchedBatch } from './fetched-batches.ts';
import { rowKeys } from './row-keys.ts';
import { placed, takenApart } from './scored-place.ts';
import type { KeptPredictions } from './scorer.ts';
import type { Scoring } from './scoring.ts';

/** Rows of a shard that are known by their features; more are scored each, so that memory stays bounded. */
const knownAtMost = 2 ** 18;

export interface RepeatsOptions {
  /** Its index. */
  readonly shard: number;
  readonly scoring: Scoring;
  readonly dedupe: boolean;
  readonly kept: KeptPredictions | undefined;
}

/** Keeps rows from being scored whose predictions are known: from another row of the run, or from an earlier run. */
export class Repeats {
  readonly #options: RepeatsOptions;
  /** Place of the first row of the shard that has a key. */
  readonly #known = new Map<string, number>();

  constructor(options: RepeatsOptions) {
    this.#options = options;
  }

  /** Looks at a window, whose first row is the shard's `first`; windows begin and settle in their order. */
  begin(batch: FetchedBatch, first: number): RepeatsOfWindow {
    const { dedupe } = this.#options;
    const keys = rowKeys(batch);
    const pending: { readonly row: number; readonly from: number }[] = [];
    const left: number[] = [];
    for (const [row, key] of keys.entries()) {
      const from = dedupe ? this.#known.get(key) : undefined;
      if (from !== undefined) pending.push({ row: first + row, from });
      else {
        if (dedupe && this.#known.size < knownAtMost) this.#known.set(key, first + row);
        left.push(row);
      }
    }
    return new RepeatsOfWindow(this.#options, { first, keys, pending, left });
  }
}

interface Looked {
  /** Place of the window's first row. */
  readonly first: number;
  readonly keys: readonly string[];
  /** Rows of the window that another row has a prediction for, by place. */
  readonly pending: readonly { readonly row: number; readonly from: number }[];
  readonly left: readonly number[];
}

export class RepeatsOfWindow {
  /** The rows that have to be scored. */
  readonly left: readonly number[];
  readonly #options: RepeatsOptions;
  readonly #looked: Looked;

  constructor(options: RepeatsOptions, looked: Looked) {
    this.#options = options;
    this.#looked = looked;
    this.left = this.#unkept(looked.left);
  }

  /** Those of a batch that no other worker has scored since. */
  stillLeft(rows: Int32Array): Int32Array {
    return this.#options.kept?.isOfRun === true ? Int32Array.from(this.#unkept([...rows])) : rows;
  }

  /** A batch was scored: other workers and later runs may have it. */
  keep(rows: Int32Array): void {
    const { shard, scoring, kept } = this.#options;
    if (kept === undefined) return;
    const { first, keys } = this.#looked;
    const entries = new Map<string, Uint8Array>();
    for (const row of rows) {
      const bytes = scoring.kept(first + row);
      if (bytes === undefined) continue;
      entries.set(keys[row] ?? '', kept.isOfRun ? placed(bytes, { shard, row: first + row }) : bytes);
    }
    kept.cache.store(entries);
  }

  /** Ends the window: rows that are like another get what that one has. */
  settle(): void {
    for (const { row, from } of this.#looked.pending) this.#options.scoring.repeat(from, row);
  }

  #unkept(rows: readonly number[]): readonly number[] {
    const { scoring, kept } = this.#options;
    if (kept === undefined) return rows;
    const { first, keys } = this.#looked;
    const found = kept.cache.find([...new Set(rows.map((row) => keys[row] ?? ''))]);
    if (found.size === 0) return rows;
    return rows.filter((row) => {
      const value = found.get(keys[row] ?? '');
      if (value === undefined) return true;
      return !(kept.isOfRun ? this.#repeat(first + row, value) : scoring.restore(first + row, value, 'cachedRows'));
    });
  }

  /** A row that an earlier attempt at the shard has scored is like itself, which is no repeat. */
  #repeat(row: number, value: Uint8Array): boolean {
    const { shard, scoring } = this.#options;
    const found = takenApart(value);
    if (found === undefined) return false;
    const isItself = found.place.shard === shard && found.place.row === row;
    return scoring.restore(row, found.bytes, isItself ? undefined : 'repeatedRows');
  }
}
