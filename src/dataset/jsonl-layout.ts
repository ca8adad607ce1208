import { AppError } from '../core/errors.ts';
import type { Database } from './duckdb.ts';
import { quotePaths, quoteText } from './sql.ts';
import { type StagedColumn, stagedColumns } from './stored-type.ts';
import { textError } from './text-error.ts';
import { firstLines, linesSql } from './text-lines.ts';

/** How the JSON lines of a dataset are read: keys of any line are columns, types hold every value. */
export interface JsonlLayout {
  readonly columns: readonly StagedColumn[];
}

/** @throws AppError INPUT_UNREADABLE */
export async function jsonlLayout(
  database: Database,
  files: readonly { readonly path: string }[],
): Promise<JsonlLayout> {
  const paths = files.map((file) => file.path);
  for (const path of paths) {
    const lines = await firstLines(database, path, 1).catch((error: unknown) => {
      throw textError(error, path, 'jsonl');
    });
    if (lines.length > 0) continue;
    throw new AppError('INPUT_UNREADABLE', `${path} is empty: without a line its columns are not known`, {
      hint: 'remove the file or narrow input.path',
    });
  }
  const columns = await stagedColumns(
    database,
    `SELECT * FROM ${jsonSource(paths, 'union_by_name = true, sample_size = -1')}`,
  ).catch(async (error: unknown) => {
    throw await jsonlError(database, paths, error);
  });
  // Lines that are JSON, but not objects, come as one column of this name.
  if (columns.length === 1 && columns[0]?.name === 'json') {
    const problem = await wrongLine(database, paths);
    if (problem !== undefined) throw problem;
  }
  return { columns };
}

export function jsonlSql(layout: JsonlLayout, path: string): string {
  const columns = layout.columns.map(({ name, type }) => `${quoteText(name)}: ${quoteText(type)}`);
  return `SELECT * FROM ${jsonSource([path], `columns = {${columns.join(', ')}}`)}`;
}

/** DuckDB's error with the line that caused it: its own count is off by one at times. */
export async function jsonlError(database: Database, paths: readonly string[], error: unknown): Promise<AppError> {
  const problem = await wrongLine(database, paths).catch(() => undefined);
  return problem ?? textError(error, paths.length === 1 ? (paths[0] ?? '') : `one of ${paths.length} files`, 'jsonl');
}

async function wrongLine(database: Database, paths: readonly string[]): Promise<AppError | undefined> {
  for (const path of paths) {
    const [row] = await database.rows(
      `SELECT number::DOUBLE AS number, line[:80] AS line FROM (SELECT row_number() OVER () AS number, line FROM ${linesSql(path)})
       WHERE line IS NOT NULL AND trim(line) <> '' AND (NOT json_valid(line) OR json_type(line) <> 'OBJECT') LIMIT 1`,
    );
    if (row === undefined) continue;
    return new AppError(
      'INPUT_UNREADABLE',
      `cannot read ${path} as jsonl: line ${row['number']} is no JSON object: ${row['line']}`,
      {
        hint: 'each line must be one JSON object; mend or remove that line',
      },
    );
  }
  return undefined;
}

function jsonSource(paths: readonly string[], shape: string): string {
  return `read_json(${quotePaths(paths)}, format = 'newline_delimited', hive_partitioning = false, ${shape})`;
}
