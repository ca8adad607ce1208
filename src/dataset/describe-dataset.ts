import { AppError } from '../core/errors.ts';
import { widenedType } from './column-type.ts';
import type { ColumnSchema, DatasetFacts, DatasetFormat, InputFile, RowGroup } from './contract.ts';
import { type Database, dataError } from './duckdb.ts';
import { type FileColumns, mergeColumns } from './merge-columns.ts';
import { quotePaths } from './sql.ts';

/** A Parquet file to describe: the user's own, or the staged copy of `source`. */
export interface ParquetFile {
  readonly path: string;
  readonly source: string;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
}

export interface DescribeOptions {
  readonly database: Database;
  readonly files: readonly ParquetFile[];
  readonly format: DatasetFormat;
  readonly hasPartitions: boolean;
}

/**
 * Schema, rows and row groups of Parquet files, from their footers alone.
 * @throws AppError INPUT_UNREADABLE for a damaged file, INPUT_SCHEMA_MISMATCH when files disagree about a column
 */
export async function describeDataset(options: DescribeOptions): Promise<DatasetFacts> {
  const rowGroups = await readRowGroups(options);
  const schemas = await readSchemas(options);
  const statistics = await readStatistics(options);
  const files = options.files.map((file): InputFile => {
    const groups = rowGroups.get(file.path) ?? [];
    return { ...file, rowGroups: groups, rowCount: groups.reduce((sum, group) => sum + group.rowCount, 0) };
  });
  const fileColumns = mergeColumns(schemas, widenedType).map(
    (column): ColumnSchema => ({ ...column, origin: 'file', ...statistics.get(column.name) }),
  );
  const partitions = options.hasPartitions ? await readPartitions(options) : [];
  const inPaths = new Set(partitions.map((column) => column.name.toLowerCase()));
  return {
    format: options.format,
    files,
    // Where a file has a column of that name too, DuckDB gives what the path says.
    columns: [...fileColumns.filter((column) => !inPaths.has(column.name.toLowerCase())), ...partitions],
    rowCount: files.reduce((sum, file) => sum + file.rowCount, 0),
    hasPartitions: options.hasPartitions,
  };
}

async function readRowGroups({ database, files }: DescribeOptions): Promise<Map<string, RowGroup[]>> {
  const byFile = new Map<string, RowGroup[]>();
  const rows = await query(
    database,
    files,
    (paths) =>
      `SELECT file_name AS file, row_group_id AS id, any_value(row_group_num_rows)::DOUBLE AS rows FROM parquet_metadata(${paths}) GROUP BY ALL ORDER BY ALL`,
  );
  for (const row of rows) {
    const groups = byFile.get(String(row['file'])) ?? [];
    const last = groups.at(-1);
    groups.push({ rowStart: last === undefined ? 0 : last.rowStart + last.rowCount, rowCount: Number(row['rows']) });
    byFile.set(String(row['file']), groups);
  }
  return byFile;
}

type Statistics = Pick<ColumnSchema, 'nullCount' | 'range'>;

/** One schema for each distinct layout, told apart by the footers, so that thousands of files cost one DESCRIBE. */
async function readSchemas({ database, files }: DescribeOptions): Promise<readonly FileColumns[]> {
  const layouts = await query(
    database,
    files,
    (
      paths,
    ) => `SELECT min(file) AS file FROM (SELECT file_name AS file, md5(string_agg(concat_ws(':', name, type, type_length, converted_type, logical_type, repetition_type, num_children, scale, precision), '|')) AS layout
      FROM parquet_schema(${paths}) GROUP BY ALL) GROUP BY layout ORDER BY file`,
  );
  const sources = new Map(files.map((file) => [file.path, file.source]));
  const schemas: FileColumns[] = [];
  for (const layout of layouts) {
    const path = String(layout['file']);
    const source = sources.get(path) ?? path;
    const rows = await database
      .rows(
        `SELECT column_name AS name, column_type AS type FROM (DESCRIBE SELECT * FROM read_parquet(${quotePaths([path])}, hive_partitioning = false))`,
      )
      .catch((error: unknown) => Promise.reject(dataError(error, source)));
    schemas.push({ source, columns: rows.map((row) => ({ name: String(row['name']), type: String(row['type']) })) });
  }
  return schemas;
}

/** What footers say of each top-level column; what one file's doesn't say is undefined for all. */
async function readStatistics({ database, files }: DescribeOptions): Promise<Map<string, Statistics>> {
  const rows = await query(
    database,
    files,
    (paths) => `SELECT path_in_schema AS name,
        CASE WHEN count(*) = count(stats_null_count) THEN sum(stats_null_count)::DOUBLE END AS nulls,
        CASE WHEN bool_and(bounds) THEN min(low) END AS low, CASE WHEN bool_and(bounds) THEN max(high) END AS high
      FROM (SELECT path_in_schema, stats_null_count, TRY_CAST(stats_min_value AS DOUBLE) AS low, TRY_CAST(stats_max_value AS DOUBLE) AS high,
          (low IS NOT NULL AND high IS NOT NULL) OR coalesce(stats_null_count = num_values, false) AS bounds
        FROM parquet_metadata(${paths}) WHERE NOT contains(path_in_schema, ', ')) GROUP BY ALL`,
  );
  return new Map(
    rows.map(({ name, nulls, low, high }) => [
      String(name),
      {
        nullCount: typeof nulls === 'number' ? nulls : undefined,
        range: typeof low === 'number' && typeof high === 'number' ? { min: low, max: high } : undefined,
      },
    ]),
  );
}

/** Types of `key=value` folders, decided once for the dataset so that no shard sees another type. */
async function readPartitions({ database, files }: DescribeOptions): Promise<ColumnSchema[]> {
  const keys = new Set(files.flatMap((file) => partitionKeys(file.path)));
  const rows = await query(
    database,
    files,
    (paths) => `DESCRIBE SELECT * FROM read_parquet(${paths}, hive_partitioning = true, union_by_name = true)`,
  ).catch((error: unknown) => {
    if (!(error instanceof AppError) || !error.message.includes('Hive partition mismatch')) throw error;
    throw new AppError('INPUT_SCHEMA_MISMATCH', error.message.replace('Binder Error: ', ''), {
      hint: 'put all files under folders of the same keys, or narrow input.path',
      cause: error,
    });
  });
  return rows
    .map((row) => ({ name: String(row['column_name']), type: String(row['column_type']) }))
    .filter((column) => keys.has(column.name.toLowerCase()))
    .map((column): ColumnSchema => ({ ...column, widened: false, origin: 'partition', nullCount: undefined }));
}

function partitionKeys(path: string): readonly string[] {
  return path
    .split('/')
    .slice(0, -1)
    .flatMap((folder) => /^([^=]+)=/.exec(folder)?.[1]?.toLowerCase() ?? []);
}

async function query(database: Database, files: readonly ParquetFile[], sql: (paths: string) => string) {
  try {
    return await database.rows(sql(quotePaths(files.map((file) => file.path))));
  } catch (error) {
    const named = files.find((file) => error instanceof Error && error.message.includes(file.path));
    throw dataError(
      error,
      named?.source ?? (files.length === 1 ? (files[0]?.source ?? '') : `one of ${files.length} files`),
    );
  }
}
