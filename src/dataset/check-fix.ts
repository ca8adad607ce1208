import { AppError } from '../core/errors.ts';
import { nearest } from '../core/suggest.ts';
import { familyOf } from './column-type.ts';
import type { ColumnSchema } from './contract.ts';
import { Database, dataError } from './duckdb.ts';
import type { CheckFixRequest } from './replay-contract.ts';
import { quoteName, quotePaths } from './sql.ts';

/** Columns of the rejects that say nothing about the row itself; a fix made from them may have them still. */
const ofRejects = ['file', 'row_number', 'row_count', 'part_row', 'code', 'message', 'attempt', 'row'];

interface FixColumn {
  readonly name: string;
  readonly type: string;
}

/** @throws AppError USAGE, COLUMN_MISSING, INPUT_UNREADABLE; see the contract */
export async function checkFix({ fix, rejects, columns }: CheckFixRequest): Promise<void> {
  using database = await Database.open({ readablePaths: [fix, ...rejects], folders: [], threads: 1 });
  const given = await fixColumns(database, fix);
  refuseColumns(fix, given, columns);
  await refusePlaces(database, { fix, rejects }, given);
  for (const column of given) {
    const wanted = columns.find(({ name }) => name === column.name);
    if (wanted !== undefined) await refuseValues(database, fix, { column, wanted });
  }
}

async function fixColumns(database: Database, fix: string): Promise<readonly FixColumn[]> {
  try {
    const found = await database.columns(`SELECT * FROM read_parquet(${quotePaths([fix])}, hive_partitioning = false)`);
    return found.map(({ name, type }) => ({ name, type: String(type) }));
  } catch (error) {
    throw dataError(error, fix);
  }
}

function refuseColumns(fix: string, given: readonly FixColumn[], columns: readonly ColumnSchema[]): void {
  const names = columns.map(({ name }) => name);
  if (!given.some(({ name }) => name === 'row_number'))
    throw new AppError('COLUMN_MISSING', `${fix} has no column row_number`, {
      hint: 'take file and row_number from the rejects, and add the columns that you mended',
    });
  for (const { name } of given) {
    if (names.includes(name) || ofRejects.includes(name)) continue;
    const near = nearest(name, names);
    throw new AppError('USAGE', `${fix} has a column ${name}, which the input has not`, {
      hint: near === undefined ? `the input has ${names.slice(0, 12).join(', ')}` : `did you mean ${near}?`,
    });
  }
}

/** Each row of a fix is one reject, and each reject has one at the most. */
async function refusePlaces(
  database: Database,
  { fix, rejects }: Pick<CheckFixRequest, 'fix' | 'rejects'>,
  given: readonly FixColumn[],
): Promise<void> {
  const all = `read_parquet(${quotePaths(rejects)}, hive_partitioning = false)`;
  const mended = `read_parquet(${quotePaths([fix])}, hive_partitioning = false)`;
  const [files] = await database.rows(
    `SELECT count(DISTINCT file)::INTEGER AS count, any_value(file) AS one FROM ${all}`,
  );
  const hasFile = given.some(({ name }) => name === 'file');
  if (!hasFile && Number(files?.['count']) > 1)
    throw new AppError('COLUMN_MISSING', `${fix} has no column file, and the rejects are of several files`, {
      hint: 'take file and row_number from the rejects, and add the columns that you mended',
    });
  const place = hasFile ? 'file, row_number' : 'row_number';
  const [twice] = await database.rows(
    `SELECT row_number::VARCHAR AS row_number FROM ${mended} GROUP BY ${place} HAVING count(*) > 1 ORDER BY ALL LIMIT 1`,
  );
  if (twice !== undefined)
    throw new AppError('USAGE', `${fix} has row ${String(twice['row_number'])} more than once`, {
      hint: 'keep one row for each reject',
    });
  const [stray] = await database.rows(
    `SELECT row_number::VARCHAR AS row_number${hasFile ? ', file::VARCHAR AS file' : ''} FROM ${mended} fix WHERE NOT EXISTS
      (SELECT 1 FROM ${all} rejected WHERE rejected.row_number = fix.row_number${hasFile ? ' AND rejected.file = fix.file' : ''}
        AND part_row IS NOT NULL AND row IS NOT NULL) LIMIT 1`,
  );
  if (stray !== undefined) {
    const of = hasFile ? ` of ${String(stray['file'])}` : '';
    throw new AppError(
      'USAGE',
      `${fix} has row ${String(stray['row_number'])}${of}, which is no reject that can be replayed`,
      {
        hint: `name rows as the rejects do, e.g. file ${String(files?.['one'])}`,
      },
    );
  }
}

interface MendedColumn {
  readonly column: FixColumn;
  readonly wanted: ColumnSchema;
}

/** A mended value becomes one of the input's type without loss, but for the rounding of one float to another. */
async function refuseValues(database: Database, fix: string, { column, wanted }: MendedColumn): Promise<void> {
  if (column.type === wanted.type) return;
  const [from, to] = [familyOf(column.type), familyOf(wanted.type)];
  const isUnlike = from === 'text' && to !== 'text';
  const name = `fix.${quoteName(column.name)}`;
  const cast = `TRY_CAST(${name} AS ${wanted.type})`;
  const isRounding = to === 'float' && (from === 'float' || from === 'decimal');
  const differs = isRounding ? 'false' : `TRY_CAST(${cast} AS ${column.type}) IS DISTINCT FROM ${name}`;
  const [bad] = await database.rows(
    `SELECT row_number::VARCHAR AS row_number, ${name}::VARCHAR AS value FROM read_parquet(${quotePaths([fix])}) fix
      WHERE ${name} IS NOT NULL AND (${isUnlike} OR ${cast} IS NULL OR ${differs}) LIMIT 1`,
  );
  if (bad === undefined) return;
  const value = String(bad['value']);
  throw new AppError(
    'USAGE',
    `${fix}, row ${String(bad['row_number'])}: ${column.name} ${value} (${column.type}) is no ${wanted.type}, as the input has it`,
    { hint: `write the column as ${wanted.type}` },
  );
}
