import {
  type DuckDBConnection,
  type DuckDBDataChunk,
  DuckDBInstance,
  type DuckDBResult,
  type DuckDBTableFunction,
  type Json,
} from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';
import { AppError, messageOf } from '../core/errors.ts';
import type { ElementArray } from './contract.ts';
import { quoteList, quoteText } from './sql.ts';

/** What a database may touch: nothing else on the disk is reachable from its SQL. */
export interface DatabaseOptions {
  readonly readablePaths: readonly string[];
  /** Folders whose files may be read and written. */
  readonly folders: readonly string[];
  readonly threads: number;
  readonly memoryLimitBytes?: number;
  /** Where a sort or a wide scan may spill; absent means nowhere. */
  readonly spillFolder?: string;
}

/**
 * An in-memory DuckDB that reaches the named paths only, loads no extension, and works in UTC.
 * The only class that sees DuckDB's connection.
 */
export class Database implements Disposable {
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection) {
    this.#instance = instance;
    this.#connection = connection;
  }

  static async open(options: DatabaseOptions): Promise<Database> {
    const instance = await DuckDBInstance.create(':memory:', {
      threads: String(options.threads),
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
      ...(options.memoryLimitBytes === undefined
        ? {}
        : { memory_limit: `${Math.floor(options.memoryLimitBytes / 2 ** 20)}MiB` }),
    });
    const connection = await instance.connect();
    const folders = options.folders.map((folder) => (folder.endsWith('/') ? folder : `${folder}/`));
    const spill = options.spillFolder === undefined ? '' : options.spillFolder;
    await connection.run(
      `SET TimeZone = 'UTC'; SET preserve_insertion_order = true; SET temp_directory = ${quoteText(spill)};
       SET allowed_paths = ${quoteList(options.readablePaths)}; SET allowed_directories = ${quoteList(folders)};
       SET enable_external_access = false; SET lock_configuration = true;`,
    );
    return new Database(instance, connection);
  }

  async rows(sql: string): Promise<readonly Readonly<Record<string, Json>>[]> {
    const reader = await this.#connection.runAndReadAll(sql);
    return reader.getRowObjectsJson();
  }

  /** Runs a statement and returns the number of rows that it changed or wrote. */
  async run(sql: string): Promise<number> {
    const result = await this.#connection.run(sql);
    return result.rowsChanged;
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
    this.#connection.closeSync();
    this.#instance.closeSync();
  }
}

/** A chunk's vector as the bindings see it; they, unlike the api package, make its memory public. */
export type RawVector = ReturnType<typeof duckdb.data_chunk_get_vector>;

export function rawVector(chunk: DuckDBDataChunk, column: number): RawVector {
  return duckdb.data_chunk_get_vector(chunk.chunk, column);
}

/** The innermost vector of nested fixed-size arrays. */
export function arrayLeaf(vector: RawVector, depth: number): RawVector {
  let leaf = vector;
  for (let level = 0; level < depth; level++) leaf = duckdb.array_vector_get_child(leaf);
  return leaf;
}

/** The vector's memory, valid until its chunk is dropped. Null slots hold undefined data. */
export function vectorBytes(vector: RawVector, byteCount: number): Uint8Array {
  return duckdb.vector_get_data(vector, byteCount);
}

export function writeVector(vector: RawVector, values: Exclude<ElementArray, string[]>): void {
  duckdb.copy_data_to_vector(vector, 0, arrayBufferOf(values), values.byteOffset, values.byteLength);
}

/** Lays out `rowCount` lists of `width` items each and returns the vector of the items. */
export function writeListLayout(vector: RawVector, rowCount: number, width: number): RawVector {
  const entries = new BigUint64Array(rowCount * 2);
  for (let row = 0; row < rowCount; row++) {
    entries[row * 2] = BigInt(row * width);
    entries[row * 2 + 1] = BigInt(width);
  }
  duckdb.list_vector_reserve(vector, rowCount * width);
  duckdb.list_vector_set_size(vector, rowCount * width);
  writeVector(vector, entries);
  return duckdb.list_vector_get_child(vector);
}

export function writeText(vector: RawVector, row: number, text: string): void {
  duckdb.vector_assign_string_element_len(vector, row, Buffer.from(text, 'utf8'));
}

function arrayBufferOf(values: Exclude<ElementArray, string[]>): ArrayBuffer {
  const { buffer } = values;
  if (buffer instanceof ArrayBuffer) return buffer;
  throw new TypeError('predictions must not be in shared memory');
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
