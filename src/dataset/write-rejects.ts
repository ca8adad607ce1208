import type { FeatureRequest, RowSelection } from './contract.ts';
import { type Database, dataError } from './duckdb.ts';
import { featureSql, passCondition, rejectReasonSql } from './feature-sql.ts';
import { fileColumn, rowNumberColumn, sourceSql, whereSql } from './source-sql.ts';
import { quoteName, quotePaths, quoteText } from './sql.ts';

export interface RejectsRequest {
  readonly database: Database;
  readonly selection: RowSelection;
  readonly features: readonly FeatureRequest[];
  readonly attempt: number;
  readonly path: string;
}

/** The first rejected row of a shard, for messages. */
export interface RejectExample {
  readonly file: string;
  readonly rowNumber: number;
  readonly code: string;
  readonly message: string;
}

/**
 * Writes the selection's rows that cannot become tensors as Parquet: file, row_number (zero-based), code,
 * message, attempt, row (JSON).
 */
export async function writeRejects(request: RejectsRequest): Promise<RejectExample | undefined> {
  const features = request.features.map(featureSql);
  const pass = passCondition(features) ?? 'true';
  const { selection } = request;
  const row = selection.columns.map((column) => `${quoteName(column.name)} := ${quoteName(column.name)}`).join(', ');
  const files = selection.files.map((file) => `WHEN ${quoteText(file.path)} THEN ${quoteText(file.source)}`).join(' ');
  const reason = rejectReasonSql(features);
  const sql = `SELECT CASE ${quoteName(fileColumn)} ${files} END AS file, ${quoteName(rowNumberColumn)} AS row_number,
      (${reason}).code AS code, (${reason}).message AS message, ${request.attempt} AS attempt, to_json(struct_pack(${row})) AS row
    FROM ${sourceSql(selection, selection.columns)}${whereSql(selection, `NOT (${pass})`)}`;
  try {
    await request.database.run(`COPY (${sql}) TO ${quoteText(request.path)} (FORMAT parquet, COMPRESSION zstd)`);
    const [first] = await request.database.rows(
      `SELECT file, row_number::DOUBLE AS row_number, code, message FROM read_parquet(${quotePaths([request.path])}) LIMIT 1`,
    );
    if (first === undefined) return undefined;
    return {
      file: String(first['file']),
      rowNumber: Number(first['row_number']),
      code: String(first['code']),
      message: String(first['message']),
    };
  } catch (error) {
    throw dataError(error, request.path);
  }
}
