import { join } from 'node:path';
import type {
  ElementArray,
  ElementType,
  FeatureRequest,
  NullPolicy,
  RowSelection,
  ScanRequest,
} from '../../src/dataset/contract.ts';
import { Database } from '../../src/dataset/duckdb.ts';
import { type ScanCounts, type ScanOptions, scanRows } from '../../src/dataset/scan-rows.ts';
import { writeRejects } from '../../src/dataset/write-rejects.ts';
import { type Row, TempFolder } from './open-dataset.ts';

/** A Parquet file made of one query, and the database that reads it. */
export class ScanTable implements Disposable {
  readonly #folder: TempFolder;
  readonly database: Database;
  readonly path: string;
  readonly selection: RowSelection;

  private constructor(folder: TempFolder, database: Database, selection: RowSelection) {
    this.#folder = folder;
    this.database = database;
    this.selection = selection;
    this.path = join(folder.path, 'table.parquet');
  }

  static async of(select: string, rowGroupRows = 122_880): Promise<ScanTable> {
    const folder = new TempFolder();
    const database = await Database.open({ readablePaths: [], folders: [folder.path], threads: 1 });
    const path = join(folder.path, 'table.parquet');
    await database.run(`COPY (${select}) TO '${path}' (FORMAT parquet, ROW_GROUP_SIZE ${rowGroupRows})`);
    const columns = await database.rows(`DESCRIBE SELECT * FROM '${path}'`);
    const [count] = await database.rows(`SELECT count(*)::INTEGER AS rows FROM '${path}'`);
    const rowCount = Number(count?.['rows']);
    return new ScanTable(folder, database, {
      files: [{ path, source: path, rowStart: 0, rowEnd: rowCount, rowCount }],
      columns: columns.map((column) => ({
        name: String(column['column_name']),
        type: String(column['column_type']),
        widened: false,
        origin: 'file',
      })),
      hasPartitions: false,
      where: undefined,
    });
  }

  typeOf(name: string): string {
    return this.selection.columns.find((column) => column.name === name)?.type ?? '';
  }

  /** A feature of these columns, without what statistics might say. */
  feature(
    names: readonly string[],
    element: ElementType,
    more: { readonly nulls?: NullPolicy; readonly innerShape?: readonly number[] } = {},
  ): FeatureRequest {
    return {
      input: 'x',
      columns: names.map((name) => ({ name, type: this.typeOf(name), nullFree: false, fits: false })),
      element,
      innerShape: more.innerShape ?? [names.length],
      nulls: more.nulls ?? 'reject',
    };
  }

  /** The rejected rows' numbers, codes and messages. */
  async rejects(features: readonly ScanRequest[], selection = this.selection): Promise<readonly Row[]> {
    const path = join(this.#folder.path, 'rejects.parquet');
    await writeRejects({ database: this.database, selection, features, late: [], unreadable: [], attempt: 1, path });
    return await this.database.rows(`SELECT row_number::INTEGER AS row_number, code, message FROM '${path}'`);
  }

  [Symbol.dispose](): void {
    this.database[Symbol.dispose]();
    this.#folder[Symbol.dispose]();
  }
}

export interface Scanned {
  /** One list of values a feature, row-major. */
  readonly values: readonly (readonly (number | bigint | string)[])[];
  readonly batchSizes: readonly number[];
  readonly counts: ScanCounts;
}

export async function scanAll(
  { database, selection }: Pick<ScanTable, 'database' | 'selection'>,
  features: readonly FeatureRequest[],
  {
    batchRows = 1000,
    fetch = 'chunk',
    ...more
  }: Partial<Pick<ScanOptions, 'batchRows' | 'fetch' | 'contentAtMost'>> = {},
): Promise<Scanned> {
  const counts: ScanCounts = { matchedRows: 0, rejectedRows: 0 };
  const values: (number | bigint | string)[][] = features.map(() => []);
  const batchSizes: number[] = [];
  for await (const batch of scanRows({ database, selection, features, batchRows, fetch, counts, ...more })) {
    batchSizes.push(batch.rowCount);
    for (const [index, array] of batch.values.entries()) values[index]?.push(...listOf(array));
  }
  return { values, batchSizes, counts };
}

function listOf(array: ElementArray): readonly (number | bigint | string)[] {
  return Array.from<number | bigint | string>(array);
}
