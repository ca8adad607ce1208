import {
  type DuckDBConnection,
  DuckDBInstance,
  type DuckDBMaterializedResult,
  type DuckDBResult,
  type DuckDBTableFunction,
  type DuckDBType,
  type Json,
} from '@duckdb/node-api';
import { AppError, messageOf } from '../core/errors.ts';
import { writeError } from '../core/files.ts';
import { literalGlob, quoteList, quoteText } from './sql.ts';

/** What a database may touch: nothing else on the disk is reachable from its SQL. */
export interface DatabaseOptions {
  readonly readablePaths: readonly string[];
  /** Folders whose files may be read and written. */
  readonly folders: readonly string[];
  readonly threads: number;
  readonly memoryLimitBytes?: number;
  /** Where a sort or a wide scan may spill; absent means nowhere. */
  readonly spillFolder?: string;
  /** Interrupts what is running when it is aborted, and lets nothing else begin. */
  readonly signal?: AbortSignal | undefined;
}

const interruptEveryMs = 50;

/**
 * An in-memory DuckDB that reaches the named paths only, loads no extension, and works in UTC.
 * The only class that sees DuckDB's connection.
 */
export class Database implements Disposable {
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;
  readonly #signal: AbortSignal | undefined;
  #interrupting: NodeJS.Timeout | undefined;
  /** Again and again, since a query that has been asked for but not begun yet does not notice the first time. */
  readonly #interrupt = () => {
    this.interrupt();
    this.#interrupting ??= setInterval(() => this.interrupt(), interruptEveryMs).unref();
  };

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection, signal: AbortSignal | undefined) {
    this.#instance = instance;
    this.#connection = connection;
    this.#signal = signal;
    signal?.addEventListener('abort', this.#interrupt, { once: true });
  }

  /** @throws AppError OUT_OF_MEMORY */
  static async open(options: DatabaseOptions): Promise<Database> {
    try {
      return await Database.#open(options);
    } catch (error) {
      throw isOutOfMemory(error) ? dataError(error, options.readablePaths[0] ?? 'the data') : error;
    }
  }

  static async #open(options: DatabaseOptions): Promise<Database> {
    const instance = await DuckDBInstance.create(':memory:', {
      threads: String(options.threads),
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
      ...(options.memoryLimitBytes === undefined
        ? {}
        : { memory_limit: `${Math.floor(options.memoryLimitBytes / 2 ** 20)}MiB` }),
    });
    const connection = await instance.connect();
    const folders = withGlobs(options.folders.map((folder) => (folder.endsWith('/') ? folder : `${folder}/`)));
    const spill = options.spillFolder === undefined ? '' : options.spillFolder;
    await connection.run(
      `SET TimeZone = 'UTC'; SET preserve_insertion_order = true; SET temp_directory = ${quoteText(spill)};
       SET allowed_paths = ${quoteList(withGlobs(options.readablePaths))}; SET allowed_directories = ${quoteList(folders)};
       SET enable_external_access = false; SET lock_configuration = true;`,
    );
    return new Database(instance, connection, options.signal);
  }

  async rows(sql: string): Promise<readonly Readonly<Record<string, Json>>[]> {
    this.#signal?.throwIfAborted();
    const reader = await this.#connection.runAndReadAll(sql);
    return reader.getRowObjectsJson();
  }

  /** Runs a statement and returns the number of rows that it changed or wrote. */
  async run(sql: string): Promise<number> {
    this.#signal?.throwIfAborted();
    const result = await this.#connection.run(sql);
    return result.rowsChanged;
  }

  /** Names and types of what a query gives, without running it. */
  async columns(sql: string): Promise<readonly { readonly name: string; readonly type: DuckDBType }[]> {
    const statement = await this.#connection.prepare(sql);
    try {
      return Array.from({ length: statement.columnCount }, (_, index) => ({
        name: statement.columnName(index),
        type: statement.columnType(index),
      }));
    } finally {
      statement.destroySync();
    }
  }

  /** The whole result, in memory. */
  async result(sql: string): Promise<DuckDBMaterializedResult> {
    return this.#connection.run(sql);
  }

  async stream(sql: string): Promise<DuckDBResult> {
    return this.#connection.stream(sql);
  }

  register(tableFunction: DuckDBTableFunction): void {
    this.#connection.registerTableFunction(tableFunction);
  }

  interrupt(): void {
    this.#connection.interrupt();
  }

  [Symbol.dispose](): void {
    this.#signal?.removeEventListener('abort', this.#interrupt);
    clearInterval(this.#interrupting);
    this.#connection.closeSync();
    this.#instance.closeSync();
  }
}

/** DuckDB checks the pattern that it is given, then each path that matches it. */
function withGlobs(paths: readonly string[]): readonly string[] {
  return [...new Set(paths.flatMap((path) => [path, literalGlob(path)]))];
}

/** In the words of DuckDB, of the C++ library, and of the kernel. */
export function isOutOfMemory(error: unknown): boolean {
  return /out of memory error|bad_alloc|cannot allocate memory/i.test(messageOf(error));
}

/**
 * DuckDB's error about files as ours.
 * @param what the file or folder that the statement was about
 */
export function dataError(error: unknown, what: string): AppError {
  if (error instanceof AppError) return error;
  const message = messageOf(error).split('\n')[0] ?? '';
  if (/no space left|disk quota/i.test(message)) {
    return new AppError('DISK_FULL', `no space left while working on ${what}: ${message}`, {
      hint: 'free space and run the same command again; finished shards are kept',
      cause: error,
    });
  }
  if (isOutOfMemory(error)) {
    return new AppError('OUT_OF_MEMORY', `no memory left while working on ${what}: ${message}`, {
      hint: 'free memory, raise the limit of the process or container, or lower execution.workersPerDevice or batchSize',
      cause: error,
      // The machine is at fault. What a worker says crosses to its parent without it: that is a shard that failed.
      exitCode: 4,
    });
  }
  if (/cannot open file.*for writing|read-only file system|permission denied.*writ/i.test(message)) {
    return new AppError('OUTPUT_UNWRITABLE', `cannot write ${what}: ${message}`, {
      hint: 'check the folder and its permissions',
      cause: error,
    });
  }
  return new AppError('INPUT_UNREADABLE', `cannot read ${what}: ${message}`, {
    hint: 'check the file with `nightshift inspect`; it may be damaged or of another format',
    cause: error,
  });
}

/**
 * DuckDB's error about a statement that writes a file as ours. Whatever it says of that file, be it that a folder on the
 * way is gone, is about the output; the rest is about the input.
 */
export function writingError(error: unknown, path: string): AppError {
  const known = dataError(error, path);
  if (known.code !== 'INPUT_UNREADABLE' || !messageOf(error).includes(path)) return known;
  return writeError(error, path);
}
