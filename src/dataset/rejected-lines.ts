import { type Database, writingError } from './duckdb.ts';
import { openText } from './open-text.ts';
import { quotePaths, quoteText } from './sql.ts';

export interface RejectedLines {
  readonly rejectedLines: number;
  /** File, line and reason of the first. */
  readonly firstRejectedLine?: string | undefined;
}

/** Rows of one INSERT. */
const insertRows = 5_000;

/**
 * Writes the lines that DuckDB set aside while it read CSV files: file, row_number (the line, from 1), row_count
 * (1), part_row (null: it is in no shard), code, message, attempt, row (JSON). Nothing is written when there are none.
 * @returns how many records they are, and the place and reason of the first
 */
export async function keepRejectedLines(database: Database, rejectsPath: string): Promise<RejectedLines> {
  const hasRejects = await database.rows(`SELECT 1 FROM duckdb_tables() WHERE table_name = 'reject_errors'`);
  if (hasRejects.length === 0) return { rejectedLines: 0 };
  const records = await database.rows(
    `SELECT s.file_path AS file, e.scan_id::DOUBLE AS scan, e.file_id::DOUBLE AS place, e.line_byte_position::DOUBLE AS start, any_value(e.line)::DOUBLE AS line
     FROM reject_errors e JOIN reject_scans s USING (scan_id, file_id) GROUP BY ALL ORDER BY scan, place, start`,
  );
  if (records.length === 0) return { rejectedLines: 0 };
  await database.run('CREATE TEMP TABLE rejected_lines (scan BIGINT, place BIGINT, start BIGINT, line BIGINT)');
  const byFile = Map.groupBy(records, (record) => String(record['file']));
  for (const [file, rejects] of byFile) {
    const starts = rejects.map((record) => Number(record['start']));
    const lines = (await lineNumbers(file, starts)) ?? rejects.map((record) => Number(record['line']));
    for (let from = 0; from < rejects.length; from += insertRows) {
      const values = rejects
        .slice(from, from + insertRows)
        .map(({ scan, place, start }, index) => `(${scan}, ${place}, ${start}, ${lines[from + index]})`);
      await database.run(`INSERT INTO rejected_lines VALUES ${values.join(', ')}`);
    }
  }
  await writeLines(database, rejectsPath);
  const [first] = await database.rows(
    `SELECT file || ', ' || message AS text FROM read_parquet(${quotePaths([rejectsPath])}) LIMIT 1`,
  );
  return { rejectedLines: records.length, firstRejectedLine: String(first?.['text']) };
}

async function writeLines(database: Database, path: string): Promise<void> {
  const sql = `SELECT s.file_path AS file, l.line AS row_number, 1::BIGINT AS row_count, NULL::BIGINT AS part_row, 'CSV_LINE' AS code,
      'line ' || l.line || ': ' || string_agg(split_part(e.error_message, chr(10), 1), '; ' ORDER BY e.column_idx) AS message,
      1 AS attempt, to_json({'line': any_value(e.csv_line)}) AS row
    FROM reject_errors e JOIN reject_scans s USING (scan_id, file_id)
    JOIN rejected_lines l ON l.scan = e.scan_id AND l.place = e.file_id AND l.start = e.line_byte_position
    GROUP BY s.file_path, l.scan, l.place, l.start, l.line ORDER BY l.scan, l.place, l.start`;
  try {
    await database.run(`COPY (${sql}) TO ${quoteText(path)} (FORMAT parquet, COMPRESSION zstd)`);
  } catch (error) {
    throw writingError(error, path);
  }
}

/**
 * Lines, from 1, in which records start that begin at these bytes, in ascending order. DuckDB counts records, which
 * are fewer when texts hold line ends. Undefined when the file's compression cannot be read here.
 */
async function lineNumbers(path: string, starts: readonly number[]): Promise<readonly number[] | undefined> {
  const text = openText(path);
  if (text === undefined) return undefined;
  const numbers: number[] = [];
  let line = 1;
  let offset = 0;
  for await (const chunk of text) {
    if (!Buffer.isBuffer(chunk)) return undefined;
    let at = 0;
    while (numbers.length < starts.length) {
      const start = (starts[numbers.length] ?? 0) - offset;
      const next = chunk.indexOf(0x0a, at);
      if (start <= (next < 0 ? chunk.length - 1 : next)) {
        numbers.push(line);
        continue;
      }
      if (next < 0) break;
      line += 1;
      at = next + 1;
    }
    if (numbers.length === starts.length) break;
    offset += chunk.length;
  }
  return numbers.length === starts.length ? numbers : undefined;
}
