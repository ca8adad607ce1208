import * as types from '@duckdb/node-api';
import { DuckDBTableFunction, type DuckDBType, LIST } from '@duckdb/node-api';
import type {
  ColumnSchema,
  DatasetFormat,
  ElementArray,
  ElementType,
  FeatureRequest,
  PartFormat,
  PredictionColumn,
  RowSelection,
} from './contract.ts';
import { sizeOf } from './contract.ts';
import { type Database, dataError } from './duckdb.ts';
import { featureSql, passCondition } from './feature-sql.ts';
import { type RawVector, rawVector, vectorRows, writeListLayout, writeText, writeVector } from './raw-vector.ts';
import { sourceSql, whereSql } from './source-sql.ts';
import { quoteName, quoteText } from './sql.ts';
import { textQuery } from './text-values.ts';

export interface PartRequest {
  readonly database: Database;
  readonly selection: RowSelection;
  /** Columns passed through, in output order; they never become JavaScript values. */
  readonly keep: readonly ColumnSchema[];
  /** When set, rows that fail these features' checks are left out, as the scan left them out. */
  readonly rejectedBy: readonly FeatureRequest[] | undefined;
  readonly predictions: readonly PredictionColumn[];
  readonly rowCount: number;
  readonly path: string;
  readonly part: PartFormat;
}

/**
 * Writes kept columns beside predictions, row by row, in input order.
 * @returns rows written
 * @throws AppError DISK_FULL, OUTPUT_UNWRITABLE
 */
export async function writePart(request: PartRequest): Promise<number> {
  const table = predictionTable(request.database);
  table.request = request;
  try {
    return await writeRows(request, partSql(request));
  } finally {
    table.request = undefined;
  }
}

async function writeRows({ database, part, path }: PartRequest, sql: string): Promise<number> {
  const { format } = part;
  if (format === 'arrow') {
    // Loaded by those who need it: apache-arrow is a good part of a short run's start.
    const { writeArrow } = await import('./arrow-write.ts');
    return writeArrow(database, sql, path);
  }
  try {
    const rows = format === 'parquet' ? sql : textQuery(sql, await database.columns(sql), format);
    return await database.run(`COPY (${rows}) TO ${quoteText(path)} (${copyOptions({ ...part, format })})`);
  } catch (error) {
    throw dataError(error, path);
  }
}

/** The rows of a part, kept columns first. */
function partSql(request: PartRequest): string {
  const predictions = `${predictionFunction}()`;
  if (request.keep.length === 0) return `SELECT * FROM ${predictions}`;
  const pass = request.rejectedBy === undefined ? undefined : passCondition(request.rejectedBy.map(featureSql));
  const kept = request.keep.map((column) => quoteName(column.name)).join(', ');
  const source = `SELECT ${kept} FROM ${sourceSql(request.selection, request.selection.columns)}${whereSql(request.selection, pass)}`;
  return `SELECT * FROM (${source}) src POSITIONAL JOIN ${predictions} pred`;
}

function copyOptions(part: PartFormat & { readonly format: Exclude<DatasetFormat, 'arrow'> }): string {
  const compression = part.compression === 'none' ? 'uncompressed' : part.compression;
  switch (part.format) {
    case 'parquet':
      return `FORMAT parquet, COMPRESSION ${compression}, PARQUET_VERSION V1, ROW_GROUP_SIZE 122880`;
    case 'csv':
      return `FORMAT csv, HEADER true, COMPRESSION ${part.compression}`;
    case 'jsonl':
      return `FORMAT json, ARRAY false, COMPRESSION ${part.compression}`;
  }
}

const predictionFunction = '__nightshift_predictions';

/** A table function's rows: the predictions of the part that is being written. */
interface PredictionTable {
  request: PartRequest | undefined;
}

/**
 * DuckDB keeps the first function of a name and silently ignores a second one, so that each database has one, which
 * asks whose turn it is.
 */
const tables = new WeakMap<Database, PredictionTable>();

function predictionTable(database: Database): PredictionTable {
  const known = tables.get(database);
  if (known !== undefined) return known;
  const table: PredictionTable = { request: undefined };
  let at = 0;
  const current = () => {
    if (table.request === undefined) throw new Error('no part is being written');
    return table.request;
  };
  database.register(
    DuckDBTableFunction.create({
      name: predictionFunction,
      bindFunction: (bind) => {
        const { predictions, rowCount } = current();
        for (const column of predictions) bind.addResultColumn(column.name, columnType(column));
        bind.setCardinality(rowCount, true);
      },
      initFunction: (init) => {
        init.setMaxThreads(1);
        at = 0;
      },
      mainFunction: (_info, chunk) => {
        const { predictions, rowCount } = current();
        const count = Math.min(vectorRows, rowCount - at);
        chunk.rowCount = count;
        if (count === 0) return;
        for (const [index, column] of predictions.entries())
          writeColumn(rawVector(chunk, index), column, { start: at, count });
        at += count;
      },
    }),
  );
  tables.set(database, table);
  return table;
}

function writeColumn(
  vector: RawVector,
  column: PredictionColumn,
  rows: { readonly start: number; readonly count: number },
): void {
  let target = vector;
  let { count } = rows;
  for (const dim of column.innerShape) {
    target = writeListLayout(target, count, dim);
    count *= dim;
  }
  const width = sizeOf(column.innerShape);
  const values = slice(column.values, rows.start * width, rows.start * width + count);
  if (Array.isArray(values)) {
    for (const [row, text] of values.entries()) writeText(target, row, text);
  } else {
    writeVector(target, values);
  }
}

function slice(values: ElementArray, start: number, end: number): ElementArray {
  return Array.isArray(values) ? values.slice(start, end) : values.subarray(start, end);
}

function columnType(column: PredictionColumn): DuckDBType {
  return column.innerShape.reduce<DuckDBType>((item) => LIST(item), scalarType(column.element));
}

function scalarType(element: ElementType): DuckDBType {
  switch (element) {
    case 'float16':
    case 'float32':
      return types.FLOAT;
    case 'float64':
      return types.DOUBLE;
    case 'int8':
      return types.TINYINT;
    case 'int16':
      return types.SMALLINT;
    case 'int32':
      return types.INTEGER;
    case 'int64':
      return types.BIGINT;
    case 'uint8':
      return types.UTINYINT;
    case 'uint16':
      return types.USMALLINT;
    case 'uint32':
      return types.UINTEGER;
    case 'uint64':
      return types.UBIGINT;
    case 'bool':
      return types.BOOLEAN;
    case 'string':
      return types.VARCHAR;
  }
}
