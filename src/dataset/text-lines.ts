import type { Database } from './duckdb.ts';
import { quotePaths } from './sql.ts';

/** A FROM clause of the raw lines of a text file, compressed or not; an empty line is null, its place is kept. */
export function linesSql(path: string): string {
  const raw = `delim = chr(1), quote = '', escape = '', strict_mode = false, auto_detect = false`;
  return `read_csv(${quotePaths([path])}, ${raw}, header = false, columns = {'line': 'VARCHAR'}, ignore_errors = true, max_line_size = 16777216, hive_partitioning = false)`;
}

/** The first lines of a text file. Lines that are not UTF-8 are left out. */
export async function firstLines(database: Database, path: string, count: number): Promise<readonly string[]> {
  const rows = await database.rows(`SELECT line FROM ${linesSql(path)} LIMIT ${count}`);
  return rows.map((row) => (row['line'] === null ? '' : String(row['line'])));
}
