import { arraysSql, withArrays } from './array-table.ts';
import type { PredictionColumn, RejectCode, RowSelection, ScanRequest } from './contract.ts';
import { type Database, writingError } from './duckdb.ts';
import { passCondition, rejectReasonSql, scanSql } from './feature-sql.ts';
import { fileColumn, rowNumberColumn, sourceSql, whereSql } from './source-sql.ts';
import { quoteList, quoteName, quotePaths, quoteText } from './sql.ts';
import type { UnreadableRange } from './unreadable-rows.ts';

export interface RejectsRequest {
  readonly database: Database;
  /** Rows that can be read. */
  readonly selection: RowSelection;
  readonly features: readonly ScanRequest[];
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
 * rows of a range that cannot be read), part_row (how many rows of the part come before it), code, message, attempt,
 * row (JSON; null for such a range).
 */
export async function writeRejects(request: RejectsRequest): Promise<RejectExample | undefined> {
  const { database, late, path } = request;
  try {
    await database.run(`CREATE OR REPLACE TEMP TABLE ${lateTable} (late_row BIGINT, code VARCHAR, message VARCHAR)`);
    if (late.length > 0) {
      const table = { columns: lateColumns(late), rowCount: late.length };
      await withArrays(database, table, () => database.run(`INSERT INTO ${lateTable} SELECT * FROM ${arraysSql}`));
    }
    const sql = await rejectsSql(request);
    await database.run(`COPY (${sql}) TO ${quoteText(path)} (FORMAT parquet, COMPRESSION zstd)`);
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
    throw writingError(error, path);
  }
}

const lateTable = '__nightshift_late';
/** Rows before a row, in its selection, that pass the checks: what the scan counts. */
const scannedBefore = '__nightshift_scanned_before';
const passes = '__nightshift_passes';

/** Late rejects, each with how many come before it. */
const lateRows = `(SELECT *, row_number() OVER (ORDER BY late_row) - 1 AS late_before FROM ${lateTable}) late`;

function lateColumns(late: readonly LateReject[]): readonly PredictionColumn[] {
  const innerShape: readonly number[] = [];
  return [
    { name: 'late_row', element: 'int64', innerShape, values: BigInt64Array.from(late, ({ row }) => BigInt(row)) },
    { name: 'code', element: 'string', innerShape, values: late.map(({ code }) => code) },
    { name: 'message', element: 'string', innerShape, values: late.map(({ message }) => message) },
  ];
}

async function rejectsSql(request: RejectsRequest): Promise<string> {
  const { selection, late, unreadable } = request;
  const kinds = [checkedSql(request) ?? [], late.length === 0 ? [] : lateSql(request)].flat();
  for (const range of unreadable) kinds.push(await unreadableSql(request, range));
  const all = kinds.join(' UNION ALL ');
  if (kinds.length === 1) return all;
  const sources = [...selection.files, ...unreadable].map(({ source }) => source);
  return `SELECT * FROM (${all}) ORDER BY list_position(${quoteList([...new Set(sources)])}, file), row_number`;
}

/** Rows that fail a check before they become tensors. */
function checkedSql(request: RejectsRequest): string | undefined {
  const features = request.features.map(scanSql);
  const pass = passCondition(features);
  if (pass === undefined) return undefined;
  const reason = rejectReasonSql(features);
  return rejectSql(request, {
    code: `(${reason}).code`,
    message: `(${reason}).message`,
    partRow: `${scannedBefore} - coalesce(late_before + 1, 0)`,
    from: `${countedRows(request.selection, pass)} ASOF LEFT JOIN ${lateRows} ON ${scannedBefore} > late_row WHERE NOT ${passes}`,
  });
}

/** Rows that passed, counted as the scan gave them. */
function lateSql(request: RejectsRequest): string {
  const pass = passCondition(request.features.map(scanSql)) ?? 'true';
  return rejectSql(request, {
    code: 'late.code',
    message: 'late.message',
    partRow: 'late_row - late_before',
    from: `${countedRows(request.selection, pass)} JOIN ${lateRows} ON ${passes} AND ${scannedBefore} = late_row`,
  });
}

/** The selection's rows in order, each with whether it passes and how many did before. */
function countedRows(selection: RowSelection, pass: string): string {
  const rows = `SELECT *, (${pass}) AS ${passes} FROM ${sourceSql(selection, selection.columns)}${whereSql(selection)}`;
  return `(SELECT *, sum(${passes}::BIGINT) OVER (ROWS UNBOUNDED PRECEDING) - ${passes}::BIGINT AS ${scannedBefore} FROM (${rows})) counted`;
}

interface RejectParts {
  readonly code: string;
  readonly message: string;
  readonly partRow: string;
  readonly from: string;
}

function rejectSql({ selection, attempt }: RejectsRequest, { code, message, partRow, from }: RejectParts): string {
  const row = selection.columns.map(({ name }) => `${quoteName(name)} := counted.${quoteName(name)}`).join(', ');
  const sources = new Map(selection.files.map((file) => [file.path, file.source]));
  const files = [...sources].map(([path, source]) => `WHEN ${quoteText(path)} THEN ${quoteText(source)}`).join(' ');
  return `SELECT CASE ${quoteName(fileColumn)} ${files} END AS file, ${quoteName(rowNumberColumn)} AS row_number, 1::BIGINT AS row_count,
      (${partRow})::BIGINT AS part_row, ${code} AS code, ${message} AS message, ${attempt} AS attempt, to_json(struct_pack(${row})) AS row FROM ${from}`;
}

async function unreadableSql(
  { database, selection, features, late, attempt }: RejectsRequest,
  range: UnreadableRange,
): Promise<string> {
  const before = { ...selection, files: selection.files.slice(0, range.rangesBefore) };
  const pass = passCondition(features.map(scanSql));
  const [counted] =
    before.files.length === 0
      ? []
      : await database.rows(
          `SELECT count(*)::DOUBLE AS rows FROM ${sourceSql(before, selection.columns)}${whereSql(before, pass)}`,
        );
  const scanned = Number(counted?.['rows'] ?? 0);
  const partRow = scanned - late.filter(({ row }) => row < scanned).length;
  const { code, source, rowStart, rowEnd, message } = range;
  return `SELECT ${quoteText(source)} AS file, ${rowStart}::BIGINT AS row_number, ${rowEnd - rowStart}::BIGINT AS row_count,
      ${partRow}::BIGINT AS part_row, ${quoteText(code)} AS code, ${quoteText(message)} AS message, ${attempt} AS attempt, NULL::JSON AS row`;
}
