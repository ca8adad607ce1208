import { basename, join } from 'node:path';
import type { ArrowLayout } from './arrow-read.ts';
import { checkText } from './check-text.ts';
import type { CsvOptions } from './contract.ts';
import { type CsvLayout, csvLayout, csvSql, fractionsSql } from './csv-layout.ts';
import type { ParquetFile } from './describe-dataset.ts';
import { type Database, writingError } from './duckdb.ts';
import type { FoundFile } from './find-files.ts';
import { type JsonlLayout, jsonlError, jsonlLayout, jsonlSql } from './jsonl-layout.ts';
import { outside, type PartitionColumn, partitionColumns, partitionedSql } from './partitions.ts';
import { keepRejectedLines, type RejectedLines } from './rejected-lines.ts';
import { quoteText } from './sql.ts';
import type { StagedColumn } from './stored-type.ts';
import { textError } from './text-error.ts';

/** How the files of a dataset that is not Parquet become Parquet copies. */
export type Layout = FileLayout & { readonly partitions: readonly PartitionColumn[] };

type FileLayout =
  | { readonly format: 'csv'; readonly layout: CsvLayout }
  | { readonly format: 'jsonl'; readonly layout: JsonlLayout }
  | { readonly format: 'arrow'; readonly layout: ArrowLayout };

export interface LayoutOptions {
  readonly database: Database;
  readonly files: readonly FoundFile[];
  readonly format: Layout['format'];
  readonly csv: CsvOptions;
  readonly hasPartitions: boolean;
}

export interface StageOptions {
  readonly database: Database;
  readonly files: readonly FoundFile[];
  readonly layout: Layout;
  readonly csv: CsvOptions;
  /** Where the Parquet copies go; it exists and is empty. */
  readonly folder: string;
  /** Lines that could not be parsed are written here, if there are any. */
  readonly rejectsPath: string;
}

export interface StagedDataset extends RejectedLines {
  readonly files: readonly ParquetFile[];
}

/** @throws AppError INPUT_UNREADABLE, INPUT_SCHEMA_MISMATCH */
export async function findLayout(options: LayoutOptions): Promise<Layout> {
  const partitions = options.hasPartitions ? partitionColumns(options.files.map((file) => file.path)) : [];
  return { ...(await fileLayout(options)), partitions };
}

async function fileLayout({ database, files, format, csv }: LayoutOptions): Promise<FileLayout> {
  if (format !== 'arrow') for (const { path } of files) await checkText(path);
  switch (format) {
    case 'csv':
      return { format, layout: await csvLayout(database, files, csv) };
    case 'jsonl':
      return { format, layout: await jsonlLayout(database, files) };
    case 'arrow':
      return { format, layout: await (await arrow()).arrowLayout(database, files) };
  }
}

export function layoutColumns({ layout, partitions }: Layout): readonly StagedColumn[] {
  return [...outside(layout.columns, partitions), ...partitions.map(({ name, type }) => ({ name, type }))];
}

/**
 * Copies CSV, JSON lines and Arrow, which DuckDB cannot read from the middle, to Parquet that it can: one a file, same order.
 * CSV lines that don't parse are set aside with their line number.
 * @throws AppError INPUT_UNREADABLE, DISK_FULL, OUT_OF_MEMORY
 */
export async function stageDataset(options: StageOptions): Promise<StagedDataset> {
  const { database, layout } = options;
  const files: ParquetFile[] = [];
  for (const [index, file] of options.files.entries()) {
    const path = join(options.folder, `${String(index).padStart(5, '0')}-${stem(file.path)}.parquet`);
    const { partitions } = layout;
    const copy = (sql: string) => {
      const rows = partitionedSql(sql, file.path, { columns: layout.layout.columns, partitions });
      return database.run(`COPY (${rows}) TO ${quoteText(path)} (${copyOptions})`);
    };
    if (layout.format === 'arrow') await (await arrow()).stageArrow(database, file.path, { index, copy });
    else await copyText({ ...options, layout }, file.path, copy);
    files.push({ path, source: file.path, sizeBytes: file.sizeBytes, mtimeMs: file.mtimeMs });
  }
  const rejected =
    layout.format === 'csv' ? await keepRejectedLines(database, options.rejectsPath) : { rejectedLines: 0 };
  return { files, ...rejected };
}

const copyOptions = 'FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE 122880';

type TextOptions = Omit<StageOptions, 'layout'> & { readonly layout: Exclude<Layout, { readonly format: 'arrow' }> };

async function copyText(
  { database, layout, csv, folder }: TextOptions,
  source: string,
  copy: (sql: string) => Promise<number>,
): Promise<void> {
  try {
    if (layout.format === 'jsonl') await copy(jsonlSql(layout.layout, source));
    else {
      const file = csvFile(layout.layout, source);
      const fractions = fractionsSql(layout.layout, file, csv.types);
      if (fractions !== undefined) await database.rows(fractions);
      await copy(csvSql(layout.layout, file));
    }
  } catch (error) {
    const known = writingError(error, folder);
    if (known.code !== 'INPUT_UNREADABLE') throw known;
    throw layout.format === 'csv' ? textError(error, source, 'csv') : await jsonlError(database, [source], error);
  }
}

function csvFile(layout: CsvLayout, path: string): CsvLayout['files'][number] {
  const file = layout.files.find((candidate) => candidate.path === path);
  if (file === undefined) throw new Error(`${path} has no layout`);
  return file;
}

function stem(path: string): string {
  return (basename(path).split('.')[0] ?? '').replaceAll(/[^\w-]/g, '_').slice(0, 40);
}

/** Loaded by those who need it: apache-arrow is a good part of a short run's start. */
function arrow(): Promise<typeof import('./arrow-read.ts')> {
  return import('./arrow-read.ts');
}
