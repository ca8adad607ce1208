import { join, resolve } from 'node:path';
import { AppError } from '../core/errors.ts';
import type { Comparison, DatasetFacts, InputRequest } from '../dataset/contract.ts';
import type { Ports } from './ports.ts';

export interface DiffOptions {
  /** Published outputs, or any files, globs or folders; relative to `baseDir`. */
  readonly a: string;
  readonly b: string;
  readonly baseDir: string;
  readonly keys: readonly string[];
  readonly columns: readonly string[] | undefined;
  readonly tolerance: number;
}

/**
 * Compares two tables of predictions row by row, joined by key.
 * @throws AppError INPUT_NOT_FOUND, INPUT_UNREADABLE, COLUMN_MISSING, USAGE
 */
export async function diffOutputs(ports: Ports, options: DiffOptions): Promise<Comparison> {
  await using folder = await ports.temporaryFolder();
  const a = await openTable(ports, options.a, { baseDir: options.baseDir, stagingFolder: await folder.make('a') });
  const b = await openTable(ports, options.b, { baseDir: options.baseDir, stagingFolder: await folder.make('b') });
  // Awaited here: what is returned unawaited would outlive the folder.
  return await ports.compareTables({
    a,
    b,
    keys: options.keys,
    columns: options.columns,
    tolerance: options.tolerance,
    spillFolder: await folder.make('spill'),
  });
}

export function isSame(comparison: Comparison): boolean {
  const { rowsOnlyInA, rowsOnlyInB, columnsOnlyInA, columnsOnlyInB, columns } = comparison;
  return (
    rowsOnlyInA === 0 &&
    rowsOnlyInB === 0 &&
    columnsOnlyInA.length === 0 &&
    columnsOnlyInB.length === 0 &&
    columns.every((column) => column.changedRows === 0)
  );
}

async function openTable(
  ports: Ports,
  given: string,
  { baseDir, stagingFolder }: { readonly baseDir: string; readonly stagingFolder: string },
): Promise<DatasetFacts> {
  const manifest = await ports.store.readManifest(resolve(baseDir, given));
  const paths = manifest === undefined ? [given] : manifest.parts.map((part) => join(given, part.name));
  const csv = { delimiter: 'auto', header: 'auto', nullValues: [''], types: {} } as const;
  const request: InputRequest = {
    paths,
    baseDir,
    format: manifest?.format ?? 'auto',
    csv,
    where: undefined,
    limit: undefined,
  };
  const found = await ports.dataset.find(request).catch((error: unknown) => Promise.reject(withHint(error, given)));
  const rejectsPath = join(stagingFolder, 'rejects.parquet');
  const { facts, rejectedLines } = await ports.dataset.open(found, request, {
    stagingFolder,
    rejectsPath,
    listColumns: [],
  });
  if (rejectedLines === 0) return facts;
  throw new AppError('INPUT_UNREADABLE', `${rejectedLines} lines of ${given} cannot be parsed`, {
    hint: 'look at the file with `nightshift inspect`',
  });
}

/** The dataset room speaks of the spec's input.path; here a path stands on the command line. */
function withHint(error: unknown, given: string): unknown {
  if (!(error instanceof AppError) || error.code !== 'INPUT_NOT_FOUND') return error;
  return new AppError(error.code, error.message, {
    hint: `name a published output, or files, a glob or a folder in place of ${given}; relative paths start at the current folder`,
    details: error.details,
    cause: error,
  });
}
