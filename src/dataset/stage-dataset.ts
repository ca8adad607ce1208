import { basename, join } from 'node:path';
import { AppError, messageOf } from '../core/errors.ts';
import type { CsvOptions, DatasetFormat } from './contract.ts';
import type { ParquetFile } from './describe-dataset.ts';
import { type Database, dataError } from './duckdb.ts';
import type { FoundFile } from './find-files.ts';
import { quoteList, quoteText } from './sql.ts';

export interface StageOptions {
  readonly database: Database;
  readonly files: readonly FoundFile[];
  readonly format: Exclude<DatasetFormat, 'parquet'>;
  readonly csv: CsvOptions;
  /** Where the Parquet copies go; it exists and is empty. */
  readonly folder: string;
  /** Lines that could not be parsed are written here, if there are any. */
  readonly rejectsPath: string;
}

export interface StagedDataset {
  readonly files: readonly ParquetFile[];
  readonly rejectedLines: number;
}

/** A column of a text dataset, as sniffed or as told. */
export interface TextColumn {
  readonly name: string;
  readonly type: string;
}

/**
 * Copies CSV or JSON lines, which cannot be read from the middle, to Parquet files that can: one a file, same order.
 * CSV lines that don't parse are set aside with their line number.
 */
export async function stageDataset(options: StageOptions): Promise<StagedDataset> {
  const columns = await textColumns(options);
  const files: ParquetFile[] = [];
  for (const [index, file] of options.files.entries()) {
    const path = join(options.folder, `${String(index).padStart(5, '0')}-${stem(file.path)}.parquet`);
    const sql = `SELECT * FROM ${textSource([file.path], options, columns)}`;
    try {
      await options.database.run(
        `COPY (${sql}) TO ${quoteText(path)} (FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE 122880)`,
      );
    } catch (error) {
      throw textError(error, file.path, options.format);
    }
    files.push({ path, source: file.path, sizeBytes: file.sizeBytes, mtimeMs: file.mtimeMs });
  }
  return { files, rejectedLines: await keepRejectedLines(options) };
}

/** Columns that all files share; types are sniffed over every file, so that one odd file widens them for all. */
export async function textColumns(
  options: Omit<StageOptions, 'folder' | 'rejectsPath'>,
): Promise<readonly TextColumn[]> {
  const paths = options.files.map((file) => file.path);
  const emptyPath = options.files.find((file) => file.sizeBytes === 0)?.path;
  if (emptyPath !== undefined) {
    throw new AppError('INPUT_UNREADABLE', `${emptyPath} is empty: not even a header`, {
      hint: 'a table without rows still needs its header line; remove the file or narrow input.path',
    });
  }
  try {
    const rows = await options.database.rows(`DESCRIBE SELECT * FROM ${textSource(paths, options, undefined)}`);
    return rows.map((row) => ({ name: String(row['column_name']), type: String(row['column_type']) }));
  } catch (error) {
    throw textError(error, paths.length === 1 ? (paths[0] ?? '') : `one of ${paths.length} files`, options.format);
  }
}

/** Rows of text files without staging them. */
export async function countTextRows(options: Omit<StageOptions, 'folder' | 'rejectsPath'>): Promise<number> {
  const columns = await textColumns(options);
  const [row] = await options.database.rows(
    `SELECT count(*)::DOUBLE AS rows FROM ${textSource(
      options.files.map((file) => file.path),
      options,
      columns,
    )}`,
  );
  return Number(row?.['rows']);
}

function textSource(
  paths: readonly string[],
  options: Omit<StageOptions, 'folder' | 'rejectsPath'>,
  columns: readonly TextColumn[] | undefined,
): string {
  if (options.format === 'jsonl') {
    const shape =
      columns === undefined
        ? 'union_by_name = true, sample_size = -1'
        : `columns = {${columns.map(typeEntry).join(', ')}}`;
    return `read_json(${quoteList(paths)}, format = 'newline_delimited', hive_partitioning = false, ${shape})`;
  }
  const { csv } = options;
  const settings = ['hive_partitioning = false', `nullstr = ${quoteList(csv.nullValues)}`, 'null_padding = false'];
  if (csv.delimiter !== 'auto') settings.push(`delim = ${quoteText(csv.delimiter)}`);
  if (csv.header !== 'auto') settings.push(`header = ${csv.header}`);
  if (columns === undefined) settings.push('union_by_name = true', typesOption(csv.types));
  else
    settings.push(
      'store_rejects = true',
      typesOption(Object.fromEntries(columns.map(({ name, type }) => [name, type]))),
    );
  return `read_csv(${quoteList(paths)}, ${settings.filter((setting) => setting !== '').join(', ')})`;
}

function typesOption(types: Readonly<Record<string, string>>): string {
  const entries = Object.entries(types).map(([name, type]) => typeEntry({ name, type }));
  return entries.length === 0 ? '' : `types = {${entries.join(', ')}}`;
}

function typeEntry(column: TextColumn): string {
  return `${quoteText(column.name)}: ${quoteText(column.type)}`;
}

async function keepRejectedLines(options: StageOptions): Promise<number> {
  if (options.format !== 'csv') return 0;
  const lines = `SELECT s.file_path AS file, e.line::BIGINT AS row_number, 'CSV_LINE' AS code,
      'line ' || e.line || ': ' || string_agg(split_part(e.error_message, chr(10), 1), '; ') AS message, 1 AS attempt, to_json({'line': any_value(e.csv_line)}) AS row
    FROM reject_errors e JOIN reject_scans s USING (scan_id, file_id) GROUP BY s.file_path, e.line, e.scan_id ORDER BY e.scan_id, e.line`;
  const [row] = await options.database.rows(`SELECT count(*)::DOUBLE AS lines FROM (${lines})`);
  const rejectedLines = Number(row?.['lines']);
  if (rejectedLines > 0)
    await options.database.run(
      `COPY (${lines}) TO ${quoteText(options.rejectsPath)} (FORMAT parquet, COMPRESSION zstd)`,
    );
  return rejectedLines;
}

function stem(path: string): string {
  return (basename(path).split('.')[0] ?? '').replaceAll(/[^\w-]/g, '_').slice(0, 40);
}

function textError(error: unknown, place: string, format: DatasetFormat): AppError {
  const message = (messageOf(error).split('\n')[0] ?? '').slice(0, 300);
  if (/no space left/i.test(message)) return dataError(error, place);
  const hint =
    format === 'csv'
      ? 'set input.csv.delimiter, header or types if they were guessed wrong'
      : 'each line must be one JSON object';
  return new AppError('INPUT_UNREADABLE', `cannot read ${place} as ${format}: ${message}`, { hint, cause: error });
}
