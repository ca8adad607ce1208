import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { AppError } from '../core/errors.ts';
import { isDamaged, SqliteFile } from '../core/sqlite.ts';

export interface CacheOptions {
  /** The folder that it is in, which is made. */
  readonly folder: string;
  readonly maxSizeBytes: number;
  /** Digest of all but the row that a prediction depends on: model, features, output columns, runtime. */
  readonly context: string;
  readonly nowMs: () => number;
}

/** With row ids, since a table without would put each row of more than a quarter of a page on a page of its own. */
export const cacheMigrations = [
  `CREATE TABLE predictions (
  "context" TEXT NOT NULL,
  "key" TEXT NOT NULL,
  "value" BLOB NOT NULL,
  "usedDay" INTEGER NOT NULL,
  PRIMARY KEY ("context", "key")
) STRICT;
CREATE INDEX predictions_by_use ON predictions ("usedDay");`,
];
/** Workers write in short transactions; who waits so long has a disk that hangs. */
export const cacheTimeoutMs = 10_000;
export const cacheFile = 'predictions.sqlite';
export const damagedHint = '`nightshift cache clear SPEC JOB` removes it, or take `cache` out of the job';
const checksumBytes = 8;
export const dayMs = 86_400_000;
/** What goes at once when it is too large: little enough to be quick, and enough not to be needed again soon. */
const evictedShare = 0.1;
/** And at once: what a transaction changes is in the journal first. */
const evictedAtMost = 1000;
/** What of the size the journal may have. */
const journalShare = 1 / 16;
const journalBytesAtMost = 4 * 2 ** 20;

/**
 * Predictions of rows by their features, across runs, in one SQLite file that workers share: one writes at a time, a
 * kill at any instant loses what was not committed and nothing else.
 */
export class PredictionCache implements Disposable {
  /** undefined where it was damaged from the beginning. */
  readonly #file: SqliteFile | undefined;
  readonly #options: CacheOptions;
  /** A disk that is full or gone costs what is kept, not the run. */
  #failure: AppError | undefined;
  #isTold = false;

  private constructor(options: CacheOptions, opened: SqliteFile | AppError) {
    this.#options = options;
    if (opened instanceof AppError) this.#failure = opened;
    else this.#file = opened;
  }

  /**
   * One that is damaged has nothing and keeps nothing: it was looked at before the run, which is on its way now.
   * @throws AppError CACHE_UNAVAILABLE
   */
  static open(options: CacheOptions): PredictionCache {
    const path = join(options.folder, cacheFile);
    const journalBytes = Math.min(options.maxSizeBytes * journalShare, journalBytesAtMost);
    const how = { migrations: cacheMigrations, busyTimeoutMs: cacheTimeoutMs, journalBytes };
    try {
      return new PredictionCache(options, SqliteFile.open({ path, ...how }));
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      if (isDamaged(error)) return new PredictionCache(options, error);
      throw new AppError('CACHE_UNAVAILABLE', `the cache cannot be used: ${error.message}`, {
        hint: 'check cache.path and its permissions, or take `cache` out of the job',
        cause: error,
      });
    }
  }

  /** Those of the keys that are there, with their values. */
  find(keys: readonly string[]): ReadonlyMap<string, Uint8Array> {
    const none: ReadonlyMap<string, Uint8Array> = new Map();
    return this.#tried(none, (db) => this.#find(db, keys));
  }

  store(entries: ReadonlyMap<string, Uint8Array>): void {
    if (entries.size > 0) this.#tried(undefined, (db) => this.#store(db, entries));
  }

  /** Why it is not used any more; told once. */
  takeFailure(): string | undefined {
    if (this.#isTold || this.#failure === undefined) return undefined;
    this.#isTold = true;
    // The same text whatever SQLite says, so that a run tells it once for all workers.
    if (isDamaged(this.#failure)) return `${join(this.#options.folder, cacheFile)} is damaged; ${damagedHint}`;
    return this.#failure.message;
  }

  [Symbol.dispose](): void {
    this.#file?.[Symbol.dispose]();
  }

  #tried<Result>(otherwise: Result, body: (db: SqliteFile) => Result): Result {
    if (this.#failure !== undefined || this.#file === undefined) return otherwise;
    try {
      return body(this.#file);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      this.#failure = error;
      return otherwise;
    }
  }

  #find(db: SqliteFile, keys: readonly string[]): ReadonlyMap<string, Uint8Array> {
    if (keys.length === 0) return new Map();
    const { context } = this.#options;
    const rows = db.all(
      `SELECT "key", "value", "usedDay" FROM predictions WHERE "context" = $context AND "key" IN (SELECT value FROM json_each($keys))`,
      { context, keys: JSON.stringify(keys) },
    );
    const found = new Map<string, Uint8Array>();
    const stale: string[] = [];
    for (const { key, value, usedDay } of rows) {
      if (typeof key !== 'string' || !(value instanceof Uint8Array)) continue;
      const bytes = checked(key, value);
      if (bytes === undefined) continue;
      found.set(key, bytes);
      if (usedDay !== this.#today()) stale.push(key);
    }
    if (stale.length > 0) this.#touch(db, stale);
    return found;
  }

  #store(db: SqliteFile, entries: ReadonlyMap<string, Uint8Array>): void {
    const { context } = this.#options;
    const usedDay = this.#today();
    db.transaction(() => {
      for (const [key, value] of entries)
        db.run('INSERT OR REPLACE INTO predictions VALUES ($context, $key, $value, $usedDay)', {
          ...{ context, key, value: sealed(key, value), usedDay },
        });
    });
    this.#evict(db);
  }

  #touch(db: SqliteFile, keys: readonly string[]): void {
    db.run(
      `UPDATE predictions SET "usedDay" = $usedDay WHERE "context" = $context AND "key" IN (SELECT value FROM json_each($keys))`,
      { usedDay: this.#today(), context: this.#options.context, keys: JSON.stringify(keys) },
    );
  }

  /** What was used longest ago goes first; its pages are used again, so the file does not grow. */
  #evict(db: SqliteFile): void {
    const { maxSizeBytes } = this.#options;
    if (usedBytes(db) <= maxSizeBytes) return;
    const count = Number(db.all('SELECT count(*) AS count FROM predictions')[0]?.['count']);
    const atOnce = Math.min(Math.ceil(count * evictedShare), evictedAtMost);
    while (usedBytes(db) > maxSizeBytes * (1 - evictedShare)) {
      const { changes } = db.run(
        'DELETE FROM predictions WHERE rowid IN (SELECT rowid FROM predictions ORDER BY "usedDay" LIMIT $count)',
        { count: atOnce },
      );
      if (changes === 0) return;
    }
    db.emptyJournal();
  }

  #today(): number {
    return Math.floor(this.#options.nowMs() / dayMs);
  }
}

function usedBytes(db: SqliteFile): number {
  const [row] = db.all(
    'SELECT (page_count - freelist_count) * page_size AS bytes FROM pragma_page_count, pragma_freelist_count, pragma_page_size',
  );
  return Number(row?.['bytes']);
}

/** A value behind the beginning of its digest: what is wrong with a disk must not become a prediction. */
function sealed(key: string, value: Uint8Array): Uint8Array {
  return Buffer.concat([digestOf(key, value), value]);
}

function checked(key: string, kept: Uint8Array): Uint8Array | undefined {
  const value = kept.subarray(checksumBytes);
  return digestOf(key, value).equals(kept.subarray(0, checksumBytes)) ? value : undefined;
}

function digestOf(key: string, value: Uint8Array): Buffer {
  return createHash('sha256').update(key).update(value).digest().subarray(0, checksumBytes);
}
