import { createReadStream } from 'node:fs';
import { RecordBatchReader } from 'apache-arrow';
import type { DatasetFormat } from './contract.ts';
import { Database, dataError } from './duckdb.ts';
import { quoteText } from './sql.ts';

/**
 * Rows of one written file, counted by reading it: footers of Parquet, everything of text.
 * @throws AppError INPUT_UNREADABLE
 */
export async function countRows(path: string, format: DatasetFormat): Promise<number> {
  try {
    if (format === 'arrow') return await countArrowRows(path);
    using database = await Database.open({ readablePaths: [path], folders: [], threads: 1 });
    const [row] = await database.rows(`SELECT count(*)::DOUBLE AS rows FROM ${sourceOf(path, format)}`);
    return Number(row?.['rows']);
  } catch (error) {
    throw dataError(error, path);
  }
}

/**
 * Rows that a file of rejects stands for: a range that cannot be read is one line of it.
 * @throws AppError INPUT_UNREADABLE
 */
export async function countRejects(path: string): Promise<number> {
  try {
    using database = await Database.open({ readablePaths: [path], folders: [], threads: 1 });
    const [row] = await database.rows(
      `SELECT coalesce(sum(row_count), 0)::DOUBLE AS rows FROM ${sourceOf(path, 'parquet')}`,
    );
    return Number(row?.['rows']);
  } catch (error) {
    throw dataError(error, path);
  }
}

function sourceOf(path: string, format: Exclude<DatasetFormat, 'arrow'>): string {
  switch (format) {
    case 'parquet':
      return `read_parquet(${quoteText(path)}, hive_partitioning = false)`;
    case 'csv':
      // As this tool writes them: with a header, and with line breaks only inside quotes.
      return `read_csv(${quoteText(path)}, header = true, all_varchar = true, delim = ',', quote = '"', escape = '"')`;
    case 'jsonl':
      return `read_json(${quoteText(path)}, format = 'newline_delimited')`;
  }
}

async function countArrowRows(path: string): Promise<number> {
  let rows = 0;
  for await (const batch of await RecordBatchReader.from(createReadStream(path))) rows += batch.numRows;
  return rows;
}
