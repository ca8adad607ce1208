import { arraysSql, withArrays } from './array-table.ts';
import type { FeatureRequest, PredictionColumn, RejectCode, RowSelection } from './contract.ts';
import { type Database, dataError } from './duckdb.ts';
import { featureSql, passCondition, rejectReasonSql } from './feature-sql.ts';
import { fileColumn, rowNumberColumn, sourceSql, whereSql } from './source-sql.ts';
import { quoteList, quoteName, quotePaths, quoteText } from './sql.ts';
import type { UnreadableRange } from './unreadable-rows.ts';

export interface RejectsRequest {
  readonly database: Database;
  /** Rows that can be read. */
  readonly selection: RowSelection;
  readonly features: readonly FeatureRequest[];
  /** Rows that were scanned and rejected afterwards, ascending. */
  readonly late: readonly LateReject[];
  readonly unreadable: readonly UnreadableRange[];
  readonly attempt: number;
  readonly path: string;
}

/** A row that was scanned and rejected afterwards. */
export interface LateReject {
  /** Which of the rows that the scan gave, from 0. */
  readonly row: number;
  readonly code: RejectCode;
  readonly message: string;
}

/** The first rejected row of a shard, for messages. */
export interface RejectExample {
  readonly file: string;
  readonly rowNumber: number;
  readonly code: string;
  readonly message: string;
}

/**
 * Writes the rejected rows of a shard as Parquet, in input order: file, row_number (zero-based), row_count (1, or all
 * rows of a range that cannot be read), code, message, attempt, row (JSON; null for such a range).
 */
export async function writeRejects(request: RejectsRequest): Promise<RejectExample | undefined> {
  const { database, late, path } = request;
  const write = () =>
    database.run(`COPY (${rejectsSql(request)}) TO ${quoteText(path)} (FORMAT parquet, COMPRESSION zstd)`);
  try {
    if (late.length === 0) await write();
    else await withArrays(database, { columns: lateColumns(late), rowCount: late.length }, write);
    const [first] = await database.rows(
      `SELECT file, row_number::DOUBLE AS row_number, code, message FROM read_parquet(${quotePaths([path])}) LIMIT 1`,
    );
    if (first === undefined) return undefined;
    return {
      file: String(first['file']),
      rowNumber: Number(first['row_number']),
      code: String(first['code']),
      message: String(first['message']),
    };
  } catch (error) {
    throw dataError(error, path);
  }
}

const lateRow = '__nightshift_late_row';
const lateCode = '__nightshift_code';
const lateMessage = '__nightshift_message';

function lateColumns(late: readonly LateReject[]): readonly PredictionColumn[] {
  const innerShape: readonly number[] = [];
  return [
    { name: lateRow, element: 'int64', innerShape, values: BigInt64Array.from(late, ({ row }) => BigInt(row)) },
    { name: lateCode, element: 'string', innerShape, values: late.map(({ code }) => code) },
    { name: lateMessage, element: 'string', innerShape, values: late.map(({ message }) => message) },
  ];
}

function rejectsSql(request: RejectsRequest): string {
  const { selection, late, unreadable } = request;
  const checked = checkedSql(request);
  const kinds = checked === undefined ? [] : [checked];
  if (late.length > 0) kinds.push(lateSql(request));
  kinds.push(...unreadable.map((range) => unreadableSql(range, request.attempt)));
  const all = kinds.join(' UNION ALL ');
  if (kinds.length === 1) return all;
  const sources = quoteList([
    ...new Set(selection.files.map(({ source }) => source)),
    ...unreadable.map(({ source }) => source),
  ]);
  return `SELECT * FROM (${all}) ORDER BY list_position(${sources}, file), row_number`;
}

/** Rows that fail a check before they become tensors. */
function checkedSql(request: RejectsRequest): string | undefined {
  const features = request.features.map(featureSql);
  const pass = passCondition(features);
  if (pass === undefined) return undefined;
  const reason = rejectReasonSql(features);
  const from = `${sourceSql(request.selection, request.selection.columns)}${whereSql(request.selection, `NOT (${pass})`)}`;
  return rejectSql(request, { code: `(${reason}).code`, message: `(${reason}).message`, from });
}

/** Rows that passed, counted as the scan gave them. */
function lateSql(request: RejectsRequest): string {
  const pass = passCondition(request.features.map(featureSql));
  const rows = `SELECT *, row_number() OVER () - 1 AS ${lateRow} FROM ${sourceSql(request.selection, request.selection.columns)}${whereSql(request.selection, pass)}`;
  return rejectSql(request, {
    code: lateCode,
    message: lateMessage,
    from: `(${rows}) JOIN ${arraysSql} USING (${lateRow})`,
  });
}

function rejectSql(
  { selection, attempt }: RejectsRequest,
  { code, message, from }: { readonly code: string; readonly message: string; readonly from: string },
): string {
  const row = selection.columns.map(({ name }) => `${quoteName(name)} := ${quoteName(name)}`).join(', ');
  const sources = new Map(selection.files.map((file) => [file.path, file.source]));
  const files = [...sources].map(([path, source]) => `WHEN ${quoteText(path)} THEN ${quoteText(source)}`).join(' ');
  return `SELECT CASE ${quoteName(fileColumn)} ${files} END AS file, ${quoteName(rowNumberColumn)} AS row_number, 1::BIGINT AS row_count,
      ${code} AS code, ${message} AS message, ${attempt} AS attempt, to_json(struct_pack(${row})) AS row FROM ${from}`;
}

function unreadableSql({ source, rowStart, rowEnd, message }: UnreadableRange, attempt: number): string {
  return `SELECT ${quoteText(source)} AS file, ${rowStart}::BIGINT AS row_number, ${rowEnd - rowStart}::BIGINT AS row_count,
      'ROWS_UNREADABLE' AS code, ${quoteText(message)} AS message, ${attempt} AS attempt, NULL::JSON AS row`;
}
