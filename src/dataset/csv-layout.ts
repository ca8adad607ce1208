import { AppError } from '../core/errors.ts';
import { nearest } from '../core/suggest.ts';
import { familyOf, widenedType } from './column-type.ts';
import type { CsvOptions } from './contract.ts';
import { chooseDelimiter } from './csv-delimiter.ts';
import type { Database } from './duckdb.ts';
import { mergeColumns } from './merge-columns.ts';
import { literalGlob, quoteList, quoteName, quotePaths, quoteText } from './sql.ts';
import { type StagedColumn, stagedColumns } from './stored-type.ts';
import { textError } from './text-error.ts';
import { firstLines } from './text-lines.ts';

/** How the CSV files of a dataset are read: decided once, by all their lines. */
export interface CsvLayout {
  readonly delimiter: string;
  readonly header: boolean;
  readonly nullValues: readonly string[];
  /** What the files share, in the order of the first. */
  readonly columns: readonly StagedColumn[];
  readonly files: readonly CsvFile[];
}

interface CsvFile {
  readonly path: string;
  /** In the file's own order. */
  readonly names: readonly string[];
  readonly dateFormat: string | undefined;
  readonly timestampFormat: string | undefined;
}

interface SniffedFile extends CsvFile {
  readonly header: boolean;
  readonly columns: readonly StagedColumn[];
}

/** Lines that the delimiter is chosen by. */
const sampleLines = 100;

/**
 * Delimiter and header by the first file; names by each file's header; types by every value of every file, since
 * DuckDB would round what a type that fits the first lines only cannot hold.
 * @throws AppError INPUT_UNREADABLE, INPUT_SCHEMA_MISMATCH, COLUMN_MISSING
 */
export async function csvLayout(
  database: Database,
  files: readonly { readonly path: string }[],
  csv: CsvOptions,
): Promise<CsvLayout> {
  let { delimiter, header } = csv;
  const sniffed: SniffedFile[] = [];
  for (const { path } of files) {
    const lines = await firstLines(database, path, sampleLines).catch((error: unknown) => {
      throw textError(error, path, 'csv');
    });
    if (delimiter === 'auto') delimiter = chooseDelimiter(lines);
    const file = await sniffFile(database, path, { ...csv, delimiter, header });
    header = file.header;
    if (lines.length === 0 && file.columns.length === 1) {
      throw new AppError('INPUT_UNREADABLE', `${path} is empty: not even a header`, {
        hint: 'a table without rows still needs its header line; remove the file or narrow input.path',
      });
    }
    // The types of a file without rows say nothing.
    const isBare = header && lines.length === 1;
    sniffed.push(isBare ? { ...file, columns: file.columns.map(({ name }) => ({ name, type: unknownType })) } : file);
  }
  const merged = mergeColumns(
    sniffed.map(({ path, columns }) => ({ source: path, columns })),
    widenedText,
  );
  return {
    delimiter,
    header: header === true,
    nullValues: csv.nullValues,
    columns: await withGivenTypes(database, merged, csv.types),
    files: sniffed.map(({ path, names, dateFormat, timestampFormat }) => ({
      path,
      names,
      dateFormat,
      timestampFormat,
    })),
  };
}

const unknownType = '"NULL"';

function widenedText(a: string, b: string): string {
  if (a === unknownType) return b;
  if (b === unknownType) return a;
  return widenedType(a, b) ?? 'VARCHAR';
}

async function sniffFile(database: Database, path: string, csv: CsvOptions): Promise<SniffedFile> {
  const settings = dialect(csv.delimiter, csv.nullValues);
  if (csv.header !== 'auto') settings.push(`header = ${csv.header}`);
  const sql = `SELECT HasHeader AS header, DateFormat AS dates, TimestampFormat AS timestamps, to_json(Columns)::VARCHAR AS columns
    FROM sniff_csv(${quoteText(literalGlob(path))}, ${settings.join(', ')}, sample_size = -1, ignore_errors = true)`;
  const [row] = await database.rows(sql).catch((error: unknown) => {
    throw textError(error, path, 'csv');
  });
  const columns = sniffedColumns(JSON.parse(String(row?.['columns'])));
  return {
    path,
    header: row?.['header'] === true,
    names: columns.map((column) => column.name),
    columns,
    dateFormat: formatOf(row?.['dates']),
    timestampFormat: formatOf(row?.['timestamps']),
  };
}

function sniffedColumns(value: unknown): readonly StagedColumn[] {
  if (!Array.isArray(value)) return [];
  return value.map((column: unknown) => {
    const hasBoth = typeof column === 'object' && column !== null && 'name' in column && 'type' in column;
    return hasBoth ? { name: String(column.name), type: String(column.type) } : { name: '', type: 'VARCHAR' };
  });
}

function formatOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

async function withGivenTypes(
  database: Database,
  columns: readonly StagedColumn[],
  types: CsvOptions['types'],
): Promise<readonly StagedColumn[]> {
  const names = columns.map((column) => column.name);
  for (const [name, type] of Object.entries(types)) {
    const near = nearest(name, names);
    if (!names.includes(name)) {
      throw new AppError('COLUMN_MISSING', `input.csv.types: column ${name} is not in the dataset`, {
        hint: near === undefined ? `choose from ${names.slice(0, 12).join(', ')}` : `did you mean ${near}?`,
      });
    }
    const isType =
      /^[\w (),]+$/.test(type) && (await database.columns(`SELECT CAST(NULL AS ${type})`).then(Boolean, () => false));
    if (isType) continue;
    throw new AppError('SPEC_INVALID', `input.csv.types.${name}: "${type}" is not a type that DuckDB knows`, {
      hint: 'write a SQL type, such as BIGINT, DOUBLE, VARCHAR, DATE, TIMESTAMP or DECIMAL(18,4)',
    });
  }
  const casts = columns.map(({ name, type }) => {
    const given = types[name] ?? (type === unknownType ? 'VARCHAR' : type);
    return `CAST(NULL AS ${given}) AS ${quoteName(name)}`;
  });
  return stagedColumns(database, `SELECT ${casts.join(', ')}`);
}

/** The rows of one file of the layout; lines that don't parse are left to DuckDB's table of rejects. */
export function csvSql(layout: CsvLayout, file: CsvFile): string {
  const types = new Map(layout.columns.map((column) => [column.name, column.type]));
  const settings = ['store_rejects = true'];
  if (file.dateFormat !== undefined) settings.push(`dateformat = ${quoteText(file.dateFormat)}`);
  if (file.timestampFormat !== undefined) settings.push(`timestampformat = ${quoteText(file.timestampFormat)}`);
  const table = tableSql(layout, file, { typeOf: (name) => types.get(name) ?? 'VARCHAR', settings });
  return `SELECT ${layout.columns.map(({ name }) => quoteName(name)).join(', ')} FROM ${table}`;
}

/**
 * A query that fails at the first value that is a number but not a whole one, in columns that the job calls whole:
 * DuckDB's own cast would round 1.5 in silence. Undefined when there is no such column.
 */
export function fractionsSql(layout: CsvLayout, file: CsvFile, given: CsvOptions['types']): string | undefined {
  const checks = layout.columns
    .filter(({ name, type }) => given[name] !== undefined && familyOf(type) === 'integer')
    .map(({ name, type }) => {
      const column = quoteName(name);
      const problem = `${quoteText(`column ${name}: `)} || ${column} || ${quoteText(` is not ${type}, as input.csv.types says`)}`;
      return `count(CASE WHEN TRY_CAST(${column} AS ${type}) IS NOT NULL AND NOT regexp_full_match(trim(${column}), '[+-]?[0-9]+') THEN error(${problem}) END)`;
    });
  if (checks.length === 0) return undefined;
  const table = tableSql(layout, file, { typeOf: () => 'VARCHAR', settings: ['ignore_errors = true'] });
  return `SELECT ${checks.join(', ')} FROM ${table}`;
}

function tableSql(
  layout: CsvLayout,
  file: CsvFile,
  { typeOf, settings }: { readonly typeOf: (name: string) => string; readonly settings: readonly string[] },
): string {
  const columns = file.names.map((name) => `${quoteText(name)}: ${quoteText(typeOf(name))}`).join(', ');
  const all = [
    ...dialect(layout.delimiter, layout.nullValues),
    `header = ${layout.header}, auto_detect = false, columns = {${columns}}, hive_partitioning = false`,
    ...settings,
  ];
  return `read_csv(${quotePaths([file.path])}, ${all.join(', ')})`;
}

/** All that would be guessed otherwise: quotes as RFC 4180 has them, no comments, no lines skipped. */
function dialect(delimiter: string, nullValues: readonly string[]): string[] {
  return [
    `delim = ${quoteText(delimiter)}, quote = '"', escape = '"', comment = '', skip = 0, null_padding = false`,
    `nullstr = ${quoteList(nullValues)}`,
  ];
}
