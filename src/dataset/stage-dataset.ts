import { basename, join } from 'node:path';
import type { ArrowLayout } from './arrow-read.ts';
import type { CsvOptions } from './contract.ts';
import { type CsvLayout, csvLayout, csvSql } from './csv-layout.ts';
import type { ParquetFile } from './describe-dataset.ts';
import { type Database, dataError } from './duckdb.ts';
import type { FoundFile } from './find-files.ts';
import { type JsonlLayout, jsonlError, jsonlLayout, jsonlSql } from './jsonl-layout.ts';
import { keepRejectedLines } from './rejected-lines.ts';
import { quoteText } from './sql.ts';
import type { StagedColumn } from './stored-type.ts';
import { textError } from './text-error.ts';

/** How the files of a dataset that is not Parquet become Parquet copies. */
export type Layout =
  | { readonly format: 'csv'; readonly layout: CsvLayout }
  | { readonly format: 'jsonl'; readonly layout: JsonlLayout }
  | { readonly format: 'arrow'; readonly layout: ArrowLayout };

export interface LayoutOptions {
  readonly database: Database;
  readonly files: readonly FoundFile[];
  readonly format: Layout['format'];
  readonly csv: CsvOptions;
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

export interface StagedDataset {
  readonly files: readonly ParquetFile[];
  readonly rejectedLines: number;
}

/** @throws AppError INPUT_UNREADABLE, INPUT_SCHEMA_MISMATCH */
export async function findLayout({ database, files, format, csv }: LayoutOptions): Promise<Layout> {
  switch (format) {
    case 'csv':
      return { format, layout: await csvLayout(database, files, csv) };
    case 'jsonl':
      return { format, layout: await jsonlLayout(database, files) };
    case 'arrow':
      return { format, layout: await (await arrow()).arrowLayout(database, files) };
  }
}

export function layoutColumns({ layout }: Layout): readonly StagedColumn[] {
  return layout.columns;
}

/**
 * Copies CSV, JSON lines and Arrow, which DuckDB cannot read from the middle, to Parquet that it can: one a file, same order.
 * CSV lines that don't parse are set aside with their line number.
 * @throws AppError INPUT_UNREADABLE, DISK_FULL
 */
export async function stageDataset(options: StageOptions): Promise<StagedDataset> {
  const { database, layout } = options;
  const files: ParquetFile[] = [];
  for (const [index, file] of options.files.entries()) {
    const path = join(options.folder, `${String(index).padStart(5, '0')}-${stem(file.path)}.parquet`);
    if (layout.format === 'arrow')
      await (await arrow()).stageArrow(database, file.path, { path, index, options: copyOptions });
    else await copyText({ ...options, layout }, file, path);
    files.push({ path, source: file.path, sizeBytes: file.sizeBytes, mtimeMs: file.mtimeMs });
  }
  const rejectedLines = layout.format === 'csv' ? await keepRejectedLines(database, options.rejectsPath) : 0;
  return { files, rejectedLines };
}

const copyOptions = 'FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE 122880';

type TextOptions = Omit<StageOptions, 'layout'> & { readonly layout: Exclude<Layout, { readonly format: 'arrow' }> };

async function copyText({ database, layout, csv }: TextOptions, file: FoundFile, path: string): Promise<void> {
  const sql = layout.format === 'csv' ? csvCopySql(layout.layout, file.path, csv) : jsonlSql(layout.layout, file.path);
  try {
    await database.run(`COPY (${sql}) TO ${quoteText(path)} (${copyOptions})`);
  } catch (error) {
    const known = dataError(error, path);
    if (known.code === 'DISK_FULL' || known.code === 'OUTPUT_UNWRITABLE') throw known;
    throw layout.format === 'csv' ? textError(error, file.path, 'csv') : await jsonlError(database, [file.path], error);
  }
}

function csvCopySql(layout: CsvLayout, path: string, csv: CsvOptions): string {
  const file = layout.files.find((candidate) => candidate.path === path);
  if (file === undefined) throw new Error(`${path} has no layout`);
  return csvSql(layout, file, csv.types);
}

function stem(path: string): string {
  return (basename(path).split('.')[0] ?? '').replaceAll(/[^\w-]/g, '_').slice(0, 40);
}

/** Loaded by those who need it: apache-arrow is a good part of a short run's start. */
function arrow(): Promise<typeof import('./arrow-read.ts')> {
  return import('./arrow-read.ts');
}
