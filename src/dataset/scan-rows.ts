import { type DuckDBDataChunk, type DuckDBResult, DuckDBVarCharVector } from '@duckdb/node-api';
import { BatchContent, type ContentAtMost, type Weighed } from './batch-content.ts';
import { type ElementArray, type RawValues, type RowSelection, type ScanRequest, sizeOf } from './contract.ts';
import { type Database, dataError } from './duckdb.ts';
import { elementsBetween, newElementArray } from './element-array.ts';
import { type FeatureSql, featureSql, passCondition, scanSql } from './feature-sql.ts';
import { RawPacker } from './raw-packer.ts';
import { arrayLeaf, type RawVector, rawVector, vectorBytes } from './raw-vector.ts';
import { inWindows } from './row-windows.ts';
import { sourceSql, whereSql } from './source-sql.ts';

/**
 * How rows come from DuckDB: a chunk when it is needed, the next one while the caller works on a batch, or all at once
 * where they are numbers of a known size and fit into `wholeBytesAtMost`. A chunk is 2,048 rows and a change of
 * threads, which costs a third of the reading where every core is busy.
 */
export type FetchMode = 'chunk' | 'ahead' | 'whole';

const wholeBytesAtMost = 32 * 2 ** 20;

/**
 * DuckDB reads some thirty chunks ahead whatever their bytes weigh, so 2,000 photos of 120 kB took 300 MB; asked for so
 * many rows at a time it holds a row group.
 */
const bytesRowsAtOnce = 256;

/** One batch of feature values; the arrays are reused, so they hold until the next batch is asked for. */
export interface FeatureBatch {
  readonly rowCount: number;
  /** One array a feature request, in its order: `rowCount × innerShape` values, row-major. */
  readonly values: readonly ElementArray[];
  /** One a raw request, in its order; new with each batch. */
  readonly raw: readonly RawValues[];
}

export interface ScanCounts {
  /** Rows that the predicate kept. */
  matchedRows: number;
  /** Matched rows that cannot become tensors; they are in no batch. */
  rejectedRows: number;
}

export interface ScanOptions {
  readonly database: Database;
  readonly selection: RowSelection;
  readonly features: readonly ScanRequest[];
  readonly batchRows: number;
  /** A batch of fewer rows ends once its texts have so many characters, or its raw columns so many bytes. */
  readonly contentAtMost?: ContentAtMost;
  readonly fetch: FetchMode;
  /** Filled as rows pass. */
  readonly counts: ScanCounts;
}

/**
 * The selection's rows as batches of exactly `batchRows` rows, the last one shorter, in input order.
 * Rows that fail a check are counted and left out.
 * @throws AppError INPUT_UNREADABLE when a file is damaged, OUT_OF_MEMORY
 */
export async function* scanRows(options: ScanOptions): AsyncGenerator<FeatureBatch> {
  const features = options.features.map(scanSql);
  const packers = options.features.map((request) =>
    'raw' in request ? new RawPacker(request.raw) : new Packer(featureSql(request), options.batchRows),
  );
  const pass = passCondition(features);
  const columns = features.flatMap((feature) => feature.scan.map((column) => column.sql));
  if (pass !== undefined) columns.push(`(${pass})::UTINYINT`);
  if (columns.length === 0) columns.push('1');
  const content = new BatchContent(packers, options.contentAtMost);
  const rowsAtOnce = content.rowsAtOnce ?? options.batchRows;
  let filled = 0;
  for await (const chunk of chunks(options, columns)) {
    const rows = new Rows(chunk, pass === undefined ? undefined : columns.length - 1);
    options.counts.matchedRows += chunk.rowCount;
    options.counts.rejectedRows += chunk.rowCount - rows.count;
    const loaded = loadChunk(packers, chunk);
    for (let start = 0; start < rows.count; ) {
      const take = Math.min(rows.count - start, options.batchRows - filled, rowsAtOnce);
      for (const copyRows of loaded) copyRows({ rows, start, take }, filled);
      content.add(filled, filled + take);
      filled += take;
      start += take;
      if (filled === options.batchRows || content.isFull) {
        yield batchOf(packers, filled);
        filled = 0;
        content.clear();
      }
    }
  }
  if (filled > 0) {
    yield batchOf(packers, filled);
  }
}

function batchOf(packers: readonly (Packer | RawPacker)[], rowCount: number): FeatureBatch {
  return {
    rowCount,
    values: packers.flatMap((packer) => (packer instanceof Packer ? [packer.batch(rowCount)] : [])),
    raw: packers.flatMap((packer) => (packer instanceof RawPacker ? [packer.batch(rowCount)] : [])),
  };
}

async function* chunks(options: ScanOptions, columns: readonly string[]): AsyncGenerator<DuckDBDataChunk> {
  const hasBytes = options.features.some((request) => 'raw' in request && request.raw === 'bytes');
  for (const selection of hasBytes ? inWindows(options.selection, bytesRowsAtOnce) : [options.selection]) {
    const sql = `SELECT ${columns.join(', ')} FROM ${sourceSql(selection, selection.columns)}${whereSql(selection)}`;
    yield* chunksOf(options, sql);
  }
}

async function* chunksOf(options: ScanOptions, sql: string): AsyncGenerator<DuckDBDataChunk> {
  const place = options.selection.files.map((file) => file.source).join(', ');
  try {
    if (options.fetch === 'whole' && isSmall(options)) {
      const result = await options.database.result(sql);
      for (let index = 0; index < result.chunkCount; index++) yield result.getChunk(index);
    } else {
      yield* streamed(await options.database.stream(sql), options.fetch === 'ahead');
    }
  } catch (error) {
    throw dataError(error, place);
  }
}

async function* streamed(result: DuckDBResult, isAhead: boolean): AsyncGenerator<DuckDBDataChunk> {
  let next = result.fetchChunk();
  for (;;) {
    const chunk = await next;
    if (chunk === null || chunk.rowCount === 0) return;
    if (isAhead) {
      next = result.fetchChunk();
      // A failure is reported when it is awaited, not while the session computes.
      next.catch(() => undefined);
      yield chunk;
    } else {
      yield chunk;
      next = result.fetchChunk();
    }
  }
}

function isSmall({ selection, features }: ScanOptions): boolean {
  const sizes = features.map((request) =>
    'raw' in request || request.element === 'string' ? Infinity : sizeOf(request.innerShape),
  );
  const rows = selection.files.reduce((sum, file) => sum + file.rowEnd - file.rowStart, 0);
  const valuesPerRow = sizes.reduce((sum, size) => sum + size, 0);
  return rows * valuesPerRow * Float64Array.BYTES_PER_ELEMENT <= wholeBytesAtMost;
}

/** Which rows of a chunk pass: all of them, or those listed. */
class Rows {
  readonly count: number;
  readonly indexes: Uint16Array | undefined;

  constructor(chunk: DuckDBDataChunk, passColumn: number | undefined) {
    if (passColumn === undefined) {
      this.count = chunk.rowCount;
      this.indexes = undefined;
      return;
    }
    const pass = vectorBytes(rawVector(chunk, passColumn), chunk.rowCount);
    let count = 0;
    for (const flag of pass) count += flag;
    this.count = count;
    if (count === chunk.rowCount) {
      this.indexes = undefined;
      return;
    }
    const indexes = new Uint16Array(count);
    for (let row = 0, at = 0; row < pass.length; row++) if (pass[row] === 1) indexes[at++] = row;
    this.indexes = indexes;
  }
}

/** `take` passing rows of a chunk, from the `start`th on. */
interface RowSpan {
  readonly rows: Rows;
  readonly start: number;
  readonly take: number;
}

/** Copies rows of a chunk to row `target` of the batch and those after it. */
type CopyRows = (span: RowSpan, target: number) => void;

function loadChunk(packers: readonly (Packer | RawPacker)[], chunk: DuckDBDataChunk): readonly CopyRows[] {
  let column = 0;
  return packers.map((packer) => {
    const copy = packer instanceof Packer ? packer.load(chunk, column) : loadRaw(packer, chunk, column);
    column += packer.columnCount;
    return copy;
  });
}

function loadRaw(packer: RawPacker, chunk: DuckDBDataChunk, column: number): CopyRows {
  const copyRow = packer.load(rawVector(chunk, column), chunk.rowCount);
  return ({ rows, start, take }, target) => {
    for (let row = 0; row < take; row++) copyRow(rows.indexes?.[start + row] ?? start + row, target + row);
  };
}

/** Gathers one feature's values over chunks into a batch-sized array. */
class Packer implements Weighed {
  readonly unit = 'characters';
  readonly columnCount: number;
  readonly #feature: FeatureSql;
  readonly #width: number;
  readonly #values: ElementArray;

  constructor(feature: FeatureSql, batchRows: number) {
    this.#feature = feature;
    this.#width = sizeOf(feature.request.innerShape);
    this.#values = newElementArray(feature.request.element, batchRows * this.#width);
    this.columnCount = feature.scan.length;
  }

  batch(rowCount: number): ElementArray {
    return elementsBetween(this.#values, 0, rowCount * this.#width);
  }

  sizeIn(start: number, end: number): number {
    const values = this.#values;
    if (!Array.isArray(values)) return 0;
    let sum = 0;
    for (let at = start * this.#width; at < end * this.#width; at++) sum += values[at]?.length ?? 0;
    return sum;
  }

  load(chunk: DuckDBDataChunk, firstColumn: number): CopyRows {
    const width = this.#width;
    const values = this.#values;
    if (Array.isArray(values)) return this.#loadTexts(values, chunk, firstColumn);
    const leaf = arrayLeaf(rawVector(chunk, firstColumn), this.#feature.scan[0]?.arrayDepth ?? 0);
    const source = viewOf(leaf, values, chunk.rowCount * width);
    return ({ rows, start, take }, target) => {
      if (rows.indexes === undefined) {
        copy(values, source.subarray(start * width, (start + take) * width), target * width);
        return;
      }
      for (let row = 0; row < take; row++) {
        const from = (rows.indexes[start + row] ?? 0) * width;
        copy(values, source.subarray(from, from + width), (target + row) * width);
      }
    };
  }

  #loadTexts(values: string[], chunk: DuckDBDataChunk, firstColumn: number): CopyRows {
    const width = this.#width;
    const scan = this.#feature.scan;
    const isOneArray = scan.length === 1 && (scan[0]?.arrayDepth ?? 0) > 0;
    const vectors = scan.map((column, index) => {
      const leaf = arrayLeaf(rawVector(chunk, firstColumn + index), column.arrayDepth);
      return DuckDBVarCharVector.fromRawVector(leaf, isOneArray ? chunk.rowCount * width : chunk.rowCount);
    });
    return ({ rows, start, take }, target) => {
      for (let row = 0; row < take; row++) {
        const from = rows.indexes?.[start + row] ?? start + row;
        for (let column = 0; column < width; column++) {
          const text = isOneArray ? vectors[0]?.getItem(from * width + column) : vectors[column]?.getItem(from);
          values[(target + row) * width + column] = text ?? '';
        }
      }
    };
  }
}

type NumericArray = Exclude<ElementArray, string[]>;

function viewOf(vector: RawVector, like: NumericArray, length: number): NumericArray {
  const bytes = vectorBytes(vector, length * like.BYTES_PER_ELEMENT);
  const { buffer, byteOffset } = bytes;
  if (like instanceof Float32Array) return new Float32Array(buffer, byteOffset, length);
  if (like instanceof Float64Array) return new Float64Array(buffer, byteOffset, length);
  if (like instanceof BigInt64Array) return new BigInt64Array(buffer, byteOffset, length);
  if (like instanceof BigUint64Array) return new BigUint64Array(buffer, byteOffset, length);
  if (like instanceof Int32Array) return new Int32Array(buffer, byteOffset, length);
  if (like instanceof Uint32Array) return new Uint32Array(buffer, byteOffset, length);
  if (like instanceof Int16Array) return new Int16Array(buffer, byteOffset, length);
  if (like instanceof Uint16Array) return new Uint16Array(buffer, byteOffset, length);
  if (like instanceof Int8Array) return new Int8Array(buffer, byteOffset, length);
  return bytes;
}

/** `target.set(source, offset)` for two arrays of one kind, which the types cannot say. */
function copy(target: NumericArray, source: NumericArray, offset: number): void {
  const bytes = new Uint8Array(target.buffer, target.byteOffset, target.byteLength);
  bytes.set(new Uint8Array(source.buffer, source.byteOffset, source.byteLength), offset * target.BYTES_PER_ELEMENT);
}
