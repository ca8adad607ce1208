import { join } from 'node:path';
import type { WrittenColumn, WrittenFiles } from './contract.ts';
import type { Database } from './duckdb.ts';
import { quoteName, quotePaths, quoteText } from './sql.ts';

/** Files that SQL can read as they are: Arrow files are copied to Parquet first. */
export async function readableFiles(
  database: Database,
  { paths, format }: WrittenFiles,
  copyTo: { readonly folder: string; readonly firstIndex: number },
): Promise<WrittenFiles> {
  // No file has no types: its columns are cast as those of text are.
  if (paths.length === 0) return { paths, format: 'csv' };
  if (format !== 'arrow') return { paths, format };
  const { stageArrow } = await import('./arrow-read.ts');
  const copies: string[] = [];
  for (const [at, path] of paths.entries()) {
    const index = copyTo.firstIndex + at;
    const copy = join(copyTo.folder, `copy-${index}.parquet`);
    await stageArrow(database, path, {
      index,
      copy: (sql) => database.run(`COPY (${sql}) TO ${quoteText(copy)} (FORMAT parquet)`),
    });
    copies.push(copy);
  }
  return { paths: copies, format: 'parquet' };
}

/** The rows of files as parts are written: with a header, and with line breaks only inside quotes. */
export function writtenSource({ paths, format }: WrittenFiles, columns: readonly string[]): string {
  const files = quotePaths(paths);
  const texts = columns.map((name) => `${quoteText(name)}: 'VARCHAR'`).join(', ');
  if (paths.length === 0)
    return `(SELECT ${columns.map((name) => `NULL::VARCHAR AS ${quoteName(name)}`).join(', ')} WHERE false)`;
  switch (format) {
    case 'parquet':
    case 'arrow':
      return `read_parquet(${files}, hive_partitioning = false)`;
    case 'csv':
      return `read_csv(${files}, auto_detect = false, header = true, delim = ',', quote = '"', escape = '"', allow_quoted_nulls = false, columns = {${texts}})`;
    case 'jsonl':
      return `read_json(${files}, format = 'newline_delimited', columns = {${texts}})`;
  }
}

/** A column's value in SQL; text files hold texts, which are cast back to what was written. */
export function writtenValue({ name, type, nullIsNan }: WrittenColumn, format: WrittenFiles['format']): string {
  const raw = quoteName(name);
  const isTyped = format === 'parquet' || format === 'arrow' || type === 'VARCHAR';
  const value = isTyped ? raw : `TRY_CAST(${raw} AS ${type})`;
  return nullIsNan ? `coalesce(${value}, 'NaN'::${type})` : value;
}

/** Names of the columns that files have; JSON lines do not tell, so there it is undefined. */
export async function columnsOf(
  database: Database,
  { paths, format }: WrittenFiles,
): Promise<ReadonlyMap<string, string> | undefined> {
  if (format === 'jsonl') return undefined;
  const source =
    format === 'csv'
      ? `read_csv(${quotePaths(paths)}, header = true, all_varchar = true, delim = ',', quote = '"', escape = '"')`
      : `read_parquet(${quotePaths(paths)}, hive_partitioning = false)`;
  const columns = await database.columns(`SELECT * FROM ${source}`);
  return new Map(columns.map(({ name, type }) => [name, String(type)]));
}
