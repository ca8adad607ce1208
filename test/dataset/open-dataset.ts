import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Json } from '@duckdb/node-api';
import type { FoundDataset, InputRequest, OpenedDataset } from '../../src/dataset/contract.ts';
import { Database } from '../../src/dataset/duckdb.ts';
import { newDatasetReader } from '../../src/dataset/reader.ts';
import { quotePaths } from '../../src/dataset/sql.ts';

export const fixtures = join(import.meta.dirname, '../../fixtures');

export type Row = Readonly<Record<string, Json>>;

/** A folder that goes with its test. */
export class TempFolder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'nightshift-dataset-'));

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

export type Wanted = Partial<Omit<InputRequest, 'csv'>> & { readonly csv?: Partial<InputRequest['csv']> };

export function inputRequest(path: string | readonly string[], wanted: Wanted = {}): InputRequest {
  return {
    paths: typeof path === 'string' ? [path] : path,
    baseDir: fixtures,
    format: 'auto',
    where: undefined,
    limit: undefined,
    ...wanted,
    csv: { delimiter: 'auto', header: 'auto', nullValues: [''], types: {}, ...wanted.csv },
  };
}

/** A dataset that was found and opened, and all its rows. */
export interface ReadDataset {
  readonly found: FoundDataset;
  readonly opened: OpenedDataset;
  readonly types: Readonly<Record<string, string>>;
  readonly rows: readonly Row[];
  readonly rejects: readonly Row[];
}

/** Finds, opens and reads a dataset as a run does, in a folder that is gone afterwards. */
export async function readDataset(path: string | readonly string[], wanted: Wanted = {}): Promise<ReadDataset> {
  using folder = new TempFolder();
  const stagingFolder = join(folder.path, 'input');
  mkdirSync(stagingFolder);
  const rejectsPath = join(folder.path, 'rejects.parquet');
  const reader = newDatasetReader({ threads: 2 });
  const request = inputRequest(path, wanted);
  const found = await reader.find(request);
  const opened = await reader.open(found, request, { stagingFolder, rejectsPath, listColumns: [] });
  const paths = opened.facts.files.map((file) => file.path);
  using database = await Database.open({ readablePaths: paths, folders: [folder.path], threads: 1 });
  return {
    found,
    opened,
    types: Object.fromEntries(opened.facts.columns.map((column) => [column.name, column.type])),
    rows: await database.rows(`SELECT * FROM read_parquet(${quotePaths(paths)}, hive_partitioning = false)`),
    rejects:
      opened.rejectedLines === 0
        ? []
        : await database.rows(`SELECT * REPLACE (row_number::INTEGER AS row_number) FROM '${rejectsPath}'`),
  };
}
