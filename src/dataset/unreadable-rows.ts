import { messageOf } from '../core/errors.ts';
import type { RowSelection, ScanRequest } from './contract.ts';
import { type Database, dataError, isOutOfMemory } from './duckdb.ts';
import { scanSql } from './feature-sql.ts';
import { sourceSql, whereSql } from './source-sql.ts';
import { quoteName, quotePaths } from './sql.ts';

/** Rows `[rowStart, rowEnd)` of a file that cannot be read, or are given up. */
export interface UnreadableRange {
  readonly code: 'ROWS_UNREADABLE' | 'SHARD_FAILED';
  readonly source: string;
  readonly rowStart: number;
  readonly rowEnd: number;
  readonly message: string;
  /** How many ranges of the readable selection come before it. */
  readonly rangesBefore: number;
}

export interface ReadableRequest {
  readonly database: Database;
  readonly selection: RowSelection;
  readonly features: readonly ScanRequest[];
  /** Columns that are passed through. */
  readonly keep: readonly string[];
}

export interface ReadableRows {
  /** The selection without what cannot be read. */
  readonly selection: RowSelection;
  readonly unreadable: readonly UnreadableRange[];
}

/**
 * Tells the rows that can be read from those that cannot, row group by row group: all that the job needs of each is
 * read once. For after a failure; a selection that reads well costs one pass.
 * @throws AppError INPUT_UNREADABLE when it is not the rows that are at fault
 */
export async function readableRows(request: ReadableRequest): Promise<ReadableRows> {
  const files: RowSelection['files'][number][] = [];
  const unreadable: UnreadableRange[] = [];
  for (const file of request.selection.files) {
    if ((await problemOf(request, file)) === undefined) {
      files.push(file);
      continue;
    }
    for (const range of await rowGroupRanges(request.database, file)) {
      const problem = await problemOf(request, range);
      if (problem === undefined) files.push(range);
      else
        unreadable.push({
          code: 'ROWS_UNREADABLE',
          ...placeOf(range),
          rangesBefore: files.length,
          message: `rows ${range.rowStart} to ${range.rowEnd - 1} cannot be read: ${problem}`,
        });
    }
  }
  // A selection names a file, also of no rows: a part without rows has columns.
  const [first] = request.selection.files;
  if (files.length === 0 && first !== undefined) files.push({ ...first, rowEnd: first.rowStart });
  return { selection: { ...request.selection, files }, unreadable };
}

/** A selection none of whose rows is read, since nothing came of reading them. */
export function withoutRows(selection: RowSelection, message: string): ReadableRows {
  const [first] = selection.files;
  const unreadable = selection.files.map((file) => ({
    code: 'SHARD_FAILED' as const,
    ...placeOf(file),
    rangesBefore: 0,
    message,
  }));
  const files = first === undefined ? [] : [{ ...first, rowEnd: first.rowStart }];
  return { selection: { ...selection, files }, unreadable };
}

type FileRange = RowSelection['files'][number];

function placeOf({ source, rowStart, rowEnd }: FileRange) {
  return { source, rowStart, rowEnd };
}

async function problemOf({ database, selection, features, keep }: ReadableRequest, file: FileRange) {
  const part = { ...selection, files: [file] };
  const values = [
    ...features.flatMap((feature) => scanSql(feature).scan.map(({ sql }) => sql)),
    ...keep.map((name) => quoteName(name)),
  ];
  const from = sourceSql(part, selection.columns);
  const hash = values.length === 0 ? '0' : `bit_xor(hash(${values.join(', ')}))`;
  try {
    await database.rows(`SELECT ${hash} AS value FROM ${from}`);
    if (selection.where !== undefined) await database.rows(`SELECT count(*) AS value FROM ${from}${whereSql(part)}`);
    return undefined;
  } catch (error) {
    if (!isDamage(error)) throw dataError(error, file.source);
    return messageOf(error).split('\n')[0] ?? '';
  }
}

/** The file itself is at fault, not what the machine does with it at the moment. */
function isDamage(error: unknown): boolean {
  if (isOutOfMemory(error)) return false;
  return !/interrupt|cannot open|no such file|permission|input\/output|stale/i.test(messageOf(error));
}

/** The file's rows cut at its row groups; as one range when its footer cannot be read either. */
async function rowGroupRanges(database: Database, file: FileRange): Promise<readonly FileRange[]> {
  const sql = `SELECT any_value(row_group_num_rows)::DOUBLE AS rows FROM parquet_metadata(${quotePaths([file.path])}) GROUP BY row_group_id ORDER BY row_group_id`;
  const groups = await database.rows(sql).catch(() => []);
  const ranges: FileRange[] = [];
  let start = 0;
  for (const group of groups) {
    const end = start + Number(group['rows']);
    const rowStart = Math.max(start, file.rowStart);
    const rowEnd = Math.min(end, file.rowEnd);
    if (rowStart < rowEnd) ranges.push({ ...file, rowStart, rowEnd });
    start = end;
  }
  return ranges.length === 0 ? [file] : ranges;
}
