import { closeSync, openSync, readSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import zlib from 'node:zlib';
import { DuckDBTableFunction, type DuckDBType } from '@duckdb/node-api';
import { CompressionType, compressionRegistry, type RecordBatch, RecordBatchReader, type Schema } from 'apache-arrow';
import { decompressFrameSync } from 'lz4-napi';
import { AppError, messageOf } from '../core/errors.ts';
import { duckdbType } from './arrow-types.ts';
import { ValueTooFine } from './arrow-values.ts';
import { fillVector } from './arrow-vectors.ts';
import { schemaMessage } from './arrow-writer.ts';
import { type Database, dataError } from './duckdb.ts';
import { mergeColumns } from './merge-columns.ts';
import { rawVector, vectorRows } from './raw-vector.ts';
import { quoteName } from './sql.ts';
import { type StagedColumn, stagedColumns } from './stored-type.ts';

/** How the Arrow files of a dataset are read. */
export interface ArrowLayout {
  readonly columns: readonly StagedColumn[];
}

interface ArrowColumn {
  readonly name: string;
  readonly type: DuckDBType;
}

const magic = 'ARROW1';
/** The magic and its padding; what follows is a stream, and then a footer. */
const magicBytes = 8;
const readBytes = 1 << 20;

/**
 * The columns of Arrow files by their schemas; all files have the same ones.
 * @throws AppError INPUT_UNREADABLE naming a column that cannot be carried, INPUT_SCHEMA_MISMATCH
 */
export async function arrowLayout(
  database: Database,
  files: readonly { readonly path: string }[],
): Promise<ArrowLayout> {
  const known = [];
  for (const { path } of files) {
    const columns = arrowColumns(path, (await readHead(path)).schema);
    const casts = columns.map(({ name, type }) => `CAST(NULL AS ${String(type)}) AS ${quoteName(name)}`);
    known.push({ source: path, columns: await stagedColumns(database, `SELECT ${casts.join(', ')}`) });
  }
  const merged = mergeColumns(known, (a, b) => (a === b ? a : undefined));
  return { columns: merged.map(({ name, type }) => ({ name, type })) };
}

/**
 * Copies an Arrow file, a record batch at a time.
 * @param target what to do with the query of its rows; `index` tells files of one database apart
 * @throws AppError INPUT_UNREADABLE, DISK_FULL
 */
export async function stageArrow(
  database: Database,
  source: string,
  target: { readonly index: number; readonly copy: (sql: string) => Promise<number> },
): Promise<void> {
  const head = await readHead(source);
  using rows = new ArrowRows(arrowColumns(source, head.schema), recordBatches(source, head));
  const name = `__nightshift_arrow_${target.index}`;
  database.register(rows.tableFunction(name));
  try {
    await target.copy(`SELECT * FROM ${name}()`);
  } catch (error) {
    throw rows.failure === undefined ? dataError(error, source) : unreadable(source, rows.failure);
  }
}

interface FileHead {
  readonly schema: Schema;
  /** By the footer; undefined for a stream, which has none. */
  readonly batchCount: number | undefined;
}

async function readHead(path: string): Promise<FileHead> {
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    const head = await textAt(handle, 0);
    const tail = await textAt(handle, size - magic.length);
    // A stream has neither; a file that was cut off has lost the second.
    if (head === magic && tail !== magic) throw new Error('it ends before its footer, so it is cut off');
    const reader = await RecordBatchReader.from(handle);
    await reader.open();
    const { schema } = reader;
    if (schema === undefined || schema === null) throw new Error('it is no Arrow IPC file');
    return { schema, batchCount: reader.isFile() ? reader.numRecordBatches : undefined };
  } catch (error) {
    throw unreadable(path, error);
  } finally {
    await handle.close().catch(() => undefined);
  }
}

async function textAt(handle: FileHandle, position: number) {
  if (position < 0) return '';
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(magic.length), 0, magic.length, position);
  return buffer.toString('latin1', 0, bytesRead);
}

function arrowColumns(path: string, { fields }: Schema): readonly ArrowColumn[] {
  const seen = new Set<string>();
  return fields.map((field) => {
    const problem = (text: string, hint: string) =>
      new AppError('INPUT_UNREADABLE', `cannot read ${path} as arrow: column ${field.name} ${text}`, { hint });
    if (seen.has(field.name.toLowerCase())) throw problem('is there twice', 'rename one where the file is written');
    seen.add(field.name.toLowerCase());
    const type = duckdbType(field.type);
    if (type !== undefined) return { name: field.name, type };
    throw problem(`is ${field.type}, which cannot be carried`, 'cast or drop it where the file is written');
  });
}

/** The rows of an Arrow file as a table function: batches are read when DuckDB asks for rows. */
class ArrowRows implements Disposable {
  readonly #columns: readonly ArrowColumn[];
  readonly #batches: Generator<RecordBatch>;
  #batch: RecordBatch | undefined;
  #row = 0;
  /** Why the rows ended early. */
  failure: unknown;

  constructor(columns: readonly ArrowColumn[], batches: Generator<RecordBatch>) {
    this.#columns = columns;
    this.#batches = batches;
  }

  tableFunction(name: string): DuckDBTableFunction {
    return DuckDBTableFunction.create({
      name,
      bindFunction: (bind) => {
        for (const column of this.#columns) bind.addResultColumn(column.name, column.type);
      },
      initFunction: (init) => init.setMaxThreads(1),
      mainFunction: (info, chunk) => {
        try {
          chunk.rowCount = this.#advance();
          for (let index = 0; index < this.#columns.length && chunk.rowCount > 0; index++)
            this.#fill(rawVector(chunk, index), index, chunk.rowCount);
          this.#row += chunk.rowCount;
        } catch (error) {
          this.failure = error;
          info.setError(messageOf(error));
        }
      },
    });
  }

  /** Makes the next batch that has rows the current one when this one is used up, and says how many rows to take. */
  #advance(): number {
    while (this.#batch === undefined || this.#row >= this.#batch.numRows) {
      const next = this.#batches.next();
      if (next.done === true) return 0;
      this.#batch = next.value;
      this.#row = 0;
    }
    return Math.min(vectorRows, this.#batch.numRows - this.#row);
  }

  #fill(vector: ReturnType<typeof rawVector>, index: number, count: number): void {
    const data = this.#batch?.data.children[index];
    if (data === undefined) throw new Error(`a record batch has no column ${this.#columns[index]?.name}`);
    try {
      fillVector(vector, { data, start: this.#row, count });
    } catch (error) {
      if (!(error instanceof ValueTooFine)) throw error;
      throw new Error(
        `column ${this.#columns[index]?.name}: ${error.message} by ${String(this.#columns[index]?.type)}`,
      );
    }
  }

  [Symbol.dispose](): void {
    this.#batches.return(undefined);
  }
}

/**
 * Record batches of an Arrow file or stream, one in memory at a time. The file is read as the stream that it wraps,
 * since apache-arrow reads a file synchronously only when all of it is in memory.
 */
function* recordBatches(path: string, { schema, batchCount }: FileHead): Generator<RecordBatch> {
  registerCodecs();
  if (batchCount === 0) return;
  let seen = 0;
  for (const batch of RecordBatchReader.from(streamChunks(path, schema))) {
    yield batch;
    seen += 1;
    // What follows is the footer; older writers put no end of stream before it.
    if (seen === batchCount) return;
  }
  if (batchCount !== undefined) throw new Error(`it has ${seen} record batches where its footer says ${batchCount}`);
}

/** The stream that a file wraps; it gets its schema from the footer, since apache-arrow's own files lack it elsewhere. */
function* streamChunks(path: string, schema: Schema): Generator<Uint8Array> {
  const file = openSync(path, 'r');
  try {
    const head = Buffer.alloc(magicBytes);
    const isFile = readSync(file, head, 0, magicBytes, 0) === magicBytes && head.toString('latin1').startsWith(magic);
    let position = isFile ? magicBytes : 0;
    if (isFile) yield schemaMessage(schema);
    for (;;) {
      const chunk = new Uint8Array(readBytes);
      const length = readSync(file, chunk, 0, readBytes, position);
      if (length === 0) return;
      position += length;
      yield chunk.subarray(0, length);
    }
  } finally {
    closeSync(file);
  }
}

/** Compressed buffers, which apache-arrow leaves to others. Node has ZSTD from 22.15 on. */
function registerCodecs(): void {
  if (compressionRegistry.get(CompressionType.LZ4_FRAME) !== null) return;
  // Copies, because Node's buffers may lie anywhere in a shared pool and typed arrays need theirs aligned.
  compressionRegistry.set(CompressionType.LZ4_FRAME, {
    decode: (bytes) => Uint8Array.from(decompressFrameSync(Buffer.from(bytes))),
  });
  if (typeof zlib.zstdDecompressSync !== 'function') return;
  compressionRegistry.set(CompressionType.ZSTD, { decode: (bytes) => Uint8Array.from(zlib.zstdDecompressSync(bytes)) });
}

function unreadable(path: string, error: unknown): AppError {
  if (error instanceof AppError) return error;
  const [problem, hint] = problemOf(error, messageOf(error));
  return new AppError('INPUT_UNREADABLE', `cannot read ${path} as arrow: ${problem}`, { hint, cause: error });
}

function problemOf(error: unknown, message: string): readonly [problem: string, hint: string] {
  if (/compressed but codec not found/.test(message))
    return [
      'its buffers are compressed with ZSTD, which this Node cannot read',
      'use Node 22.15 or newer, or write it uncompressed',
    ];
  if (error instanceof ValueTooFine) return [message, 'write the column in microseconds, or cast it to text'];
  return [
    message,
    'the file may be damaged or cut off; write it again, or set input.format if it is of another format',
  ];
}
