import { arraysSql, withArrays } from './array-table.ts';
import type {
  ColumnSchema,
  DatasetFormat,
  PartFormat,
  PredictionColumn,
  RowSelection,
  ScanRequest,
} from './contract.ts';
import { type Database, writingError } from './duckdb.ts';
import { passCondition, scanSql } from './feature-sql.ts';
import { sourceSql, whereSql } from './source-sql.ts';
import { quoteName, quoteText } from './sql.ts';
import { textQuery } from './text-values.ts';

export interface PartRequest {
  readonly database: Database;
  readonly selection: RowSelection;
  /** Columns passed through, in output order; they never become JavaScript values. */
  readonly keep: readonly ColumnSchema[];
  /** When set, rows that fail these features' checks are left out, as the scan left them out. */
  readonly rejectedBy: readonly ScanRequest[] | undefined;
  readonly predictions: readonly PredictionColumn[];
  /** Rows of `predictions`, one a row that the scan gave. */
  readonly rowCount: number;
  /** Of those, the rows that are left out: they were rejected after they were scanned. Ascending. */
  readonly leftOut: readonly number[];
  readonly path: string;
  readonly part: PartFormat;
}

/**
 * Writes kept columns beside predictions, row by row, in input order.
 * @returns rows written
 * @throws AppError DISK_FULL, OUTPUT_UNWRITABLE, OUT_OF_MEMORY
 */
export async function writePart(request: PartRequest): Promise<number> {
  const { database, predictions, rowCount, leftOut } = request;
  const columns = leftOut.length === 0 ? predictions : [...predictions, maskColumn(rowCount, leftOut)];
  return withArrays(database, { columns, rowCount }, () => writeRows(request, partSql(request)));
}

const mask = '__nightshift_is_kept';

function maskColumn(rowCount: number, leftOut: readonly number[]): PredictionColumn {
  const values = new Uint8Array(rowCount).fill(1);
  for (const row of leftOut) values[row] = 0;
  return { name: mask, element: 'bool', innerShape: [], values };
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
    throw writingError(error, path);
  }
}

/** The rows of a part, kept columns first. */
function partSql(request: PartRequest): string {
  const rows = scannedSql(request);
  return request.leftOut.length === 0 ? rows : `SELECT * EXCLUDE (${mask}) FROM (${rows}) WHERE ${mask}`;
}

function scannedSql(request: PartRequest): string {
  if (request.keep.length === 0) return `SELECT * FROM ${arraysSql}`;
  const pass = request.rejectedBy === undefined ? undefined : passCondition(request.rejectedBy.map(scanSql));
  const kept = request.keep.map((column) => quoteName(column.name)).join(', ');
  const source = `SELECT ${kept} FROM ${sourceSql(request.selection, request.selection.columns)}${whereSql(request.selection, pass)}`;
  return `SELECT * FROM (${source}) src POSITIONAL JOIN ${arraysSql} pred`;
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
