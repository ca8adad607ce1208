import { closeSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { AppError, messageOf } from './errors.ts';
import { makePrivateFolder } from './files.ts';

export type SqlValue = string | number | Uint8Array | null;
/** Values of the statement's `$names`, without the dollar sign. */
export type SqlParams = Readonly<Record<string, SqlValue>>;
export type SqlRow = Readonly<Record<string, unknown>>;

export interface SqliteOptions {
  readonly path: string;
  /** The schema, step by step: how many of them a file has seen is its version. Only ever appended to. */
  readonly migrations: readonly string[];
  /** How long a statement waits for another process that writes. */
  readonly busyTimeoutMs: number;
  /**
   * Leaves what was written in the journal, for whoever opens the file next, rather than to wait several times for the
   * disk as the file is closed and begun again.
   */
  readonly leavesJournal?: boolean;
  /** The journal goes into the file when it is about so large, and is cut to that; SQLite's own 4 MB if left out. */
  readonly journalBytes?: number;
}

const defaultBusyMs = 5;

/** What SQLite says in its primary result codes, which the extended ones carry in their low byte. */
const busyCodes: readonly number[] = [5, 6];
const unwritableCodes: readonly number[] = [8, 14];
const damagedCodes: readonly number[] = [11, 26];

/**
 * A database file that only its owner reads, shared by processes: one writes at a time, and readers never wait. It
 * outlives a kill at any instant; a power cut may cost the last records, since flushing each would delay whoever writes.
 */
export class SqliteFile implements Disposable {
  readonly #db: DatabaseSync;
  /** Whoever is the last to close a file empties its journal into it, unless it may only read. */
  readonly #last: DatabaseSync | undefined;
  readonly #path: string;
  readonly #statements = new Map<string, StatementSync>();

  private constructor(db: DatabaseSync, path: string, last: DatabaseSync | undefined) {
    this.#db = db;
    this.#path = path;
    this.#last = last;
  }

  /** @throws AppError HISTORY_UNAVAILABLE */
  static open({ path, migrations, busyTimeoutMs, leavesJournal = false, journalBytes }: SqliteOptions): SqliteFile {
    const { DatabaseSync: Database } = loadSqlite();
    let db: DatabaseSync | undefined;
    try {
      makePrivateFolder(dirname(path));
      // SQLite would make it as the umask says; its side files take their permissions from this one.
      closeSync(openSync(path, 'a', 0o600));
      db = new Database(path);
      db.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}; PRAGMA foreign_keys = ON`);
      beginWal(db, busyTimeoutMs);
      db.exec('PRAGMA synchronous = NORMAL');
      if (journalBytes !== undefined) boundJournal(db, journalBytes);
      migrate(db, { path, migrations });
      const last = leavesJournal ? new Database(path, { readOnly: true }) : undefined;
      // It counts from its first look on.
      if (last !== undefined) versionOf(last);
      return new SqliteFile(db, path, last);
    } catch (error) {
      db?.close();
      throw unavailable(error, path);
    }
  }

  /** Only to read, and only what is there. @throws AppError HISTORY_UNAVAILABLE */
  static look(options: Pick<SqliteOptions, 'path' | 'migrations'>): SqliteFile {
    const { path } = options;
    try {
      try {
        return new SqliteFile(openedToRead(path, options), path, undefined);
      } catch (error) {
        if (!unwritableCodes.includes(resultCode(error))) throw error;
        // Readers begin what they share with writers, too: where they may not, the file is read as one that holds still.
        return new SqliteFile(openedToRead(`${pathToFileURL(path).href}?immutable=1`, options), path, undefined);
      }
    } catch (error) {
      throw unavailable(error, path);
    }
  }

  all(sql: string, params: SqlParams = {}): readonly SqlRow[] {
    return this.#tried(() => this.#prepared(sql).all(params));
  }

  /** @returns how many rows changed, and the id of the one that was inserted last */
  run(sql: string, params: SqlParams = {}): { readonly changes: number; readonly lastId: number } {
    const { changes, lastInsertRowid } = this.#tried(() => this.#prepared(sql).run(params));
    return { changes: Number(changes), lastId: Number(lastInsertRowid) };
  }

  /** All of it or nothing; nobody else writes meanwhile. */
  transaction<Result>(body: () => Result): Result {
    this.#tried(() => this.#db.exec('BEGIN IMMEDIATE'));
    try {
      const result = body();
      this.#tried(() => this.#db.exec('COMMIT'));
      return result;
    } catch (error) {
      // What failed to commit may be rolled back already, as SQLite does for a full disk.
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  /** Gives the disk what is free in the file, and the journal; as far as nobody else reads or writes. */
  shrink(): void {
    try {
      this.#tried(() => this.#db.exec('VACUUM'));
    } finally {
      this.emptyJournal();
    }
  }

  /** As far as nobody else reads. */
  emptyJournal(): void {
    this.#tried(() => this.#db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').all());
  }

  [Symbol.dispose](): void {
    this.#db.close();
    this.#last?.close();
  }

  #prepared(sql: string): StatementSync {
    const statement = this.#statements.get(sql) ?? this.#db.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  #tried<Result>(body: () => Result): Result {
    try {
      return body();
    } catch (error) {
      throw unavailable(error, this.#path);
    }
  }
}

function openedToRead(address: string, options: Pick<SqliteOptions, 'path' | 'migrations'>): DatabaseSync {
  const { DatabaseSync: Database } = loadSqlite();
  const db = new Database(address, { readOnly: true });
  try {
    refuseNewer(db, options);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Whether this Node has SQLite: 22.12 has it behind a flag only. */
export function hasSqlite(): boolean {
  return process.getBuiltinModule('node:module').isBuiltin('node:sqlite');
}

/** Node 22 calls the module experimental in a warning of its own, which tells users of a command nothing. */
export function loadSqlite(): typeof import('node:sqlite') {
  if (!hasSqlite()) {
    throw new AppError('HISTORY_UNAVAILABLE', `history needs Node 22.13 or newer, this is ${process.version}`, {
      hint: 'install a newer Node; runs work without history',
    });
  }
  const { emitWarning } = process;
  process.emitWarning = () => undefined;
  try {
    // Loaded between these lines and at no other time, so that no other warning is lost.
    return process.getBuiltinModule('node:sqlite');
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** Who switches the journal of a new file waits for nobody, unlike who writes: several may begin it at once. */
function beginWal(db: DatabaseSync, busyTimeoutMs: number): void {
  const deadline = performance.now() + busyTimeoutMs;
  for (;;) {
    try {
      db.exec('PRAGMA journal_mode = WAL');
      return;
    } catch (error) {
      if (!busyCodes.includes(resultCode(error)) || performance.now() > deadline) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, defaultBusyMs);
    }
  }
}

function boundJournal(db: DatabaseSync, bytes: number): void {
  const { page_size: pageBytes } = db.prepare('PRAGMA page_size').get() ?? {};
  const pages = Math.max(1, Math.floor(bytes / Number(pageBytes)));
  db.exec(`PRAGMA wal_autocheckpoint = ${pages}; PRAGMA journal_size_limit = ${Math.floor(bytes)}`);
}

function migrate(
  db: DatabaseSync,
  { path, migrations }: { readonly path: string; readonly migrations: readonly string[] },
): void {
  const version = refuseNewer(db, { path, migrations });
  for (const [index, sql] of migrations.entries()) {
    if (index < version) continue;
    db.exec('BEGIN IMMEDIATE');
    try {
      // Another process may have been here since.
      if (versionOf(db) === index) db.exec(`${sql};PRAGMA user_version = ${index + 1}`);
      db.exec('COMMIT');
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK');
      throw error;
    }
  }
}

/** @returns the version of its schema */
function refuseNewer(
  db: DatabaseSync,
  { path, migrations }: { readonly path: string; readonly migrations: readonly string[] },
): number {
  const version = versionOf(db);
  if (version > migrations.length) {
    throw new AppError(
      'HISTORY_UNAVAILABLE',
      `${path} was written by a newer nightshift: its schema is ${version}, this one knows ${migrations.length}`,
      { hint: 'update nightshift, or give --state-dir another folder' },
    );
  }
  return version;
}

function versionOf(db: DatabaseSync): number {
  return Number(db.prepare('PRAGMA user_version').get()?.['user_version']);
}

export function isBusy(error: unknown): boolean {
  return busyCodes.includes(resultCode(error));
}

/** Whether it, or what it came of, is that a file is no database any more. */
export function isDamaged(error: unknown): boolean {
  return error instanceof Error && (damagedCodes.includes(resultCode(error)) || isDamaged(error.cause));
}

function resultCode(error: unknown): number {
  const code = error instanceof Error && 'errcode' in error ? error.errcode : undefined;
  return typeof code === 'number' ? code & 0xff : 0;
}

function unavailable(error: unknown, path: string): AppError {
  if (error instanceof AppError) return error;
  const code = resultCode(error);
  const isBusy = busyCodes.includes(code);
  const hint = isBusy
    ? 'another process writes to it; try again'
    : damagedCodes.includes(code)
      ? 'move the file away, and a new one is begun'
      : 'check the folder and its permissions, or give --state-dir another one';
  return new AppError('HISTORY_UNAVAILABLE', `cannot use ${path}: ${messageOf(error)}`, { hint, cause: error });
}
