import { join } from 'node:path';
import type { DatasetFormat, FoundDataset, InputRequest, OpenedDataset } from '../dataset/contract.ts';
import type { Ports } from './ports.ts';

export interface InputArguments {
  /** Where relative paths start. */
  readonly baseDir: string;
  readonly format: DatasetFormat | 'auto';
}

/** What the command line says about a dataset, as a job would. */
export function inputRequest(
  paths: readonly string[],
  { baseDir, format }: InputArguments,
  nullValues: readonly string[] = [''],
): InputRequest {
  const csv = { delimiter: 'auto', header: 'auto', nullValues, types: {} } as const;
  return { paths, baseDir, format, csv, where: undefined, limit: undefined };
}

export interface OpenedInFolder {
  readonly found: FoundDataset;
  readonly opened: OpenedDataset;
  /** Holds the staged copies; whoever opens disposes of it. */
  readonly folder: AsyncDisposable;
}

/**
 * Opens a dataset for a look, with the shapes of its lists, in a temporary folder.
 * @param known what was found already
 */
export async function openIn(ports: Ports, input: InputRequest, known?: FoundDataset): Promise<OpenedInFolder> {
  const found = known ?? (await ports.dataset.find(input));
  const folder = await ports.temporaryFolder();
  try {
    const opened = await ports.dataset.open(found, input, {
      stagingFolder: folder.path,
      rejectsPath: join(folder.path, 'rejects.parquet'),
      listColumns: found.columns.filter((column) => column.type.endsWith(']')).map((column) => column.name),
    });
    return { found, opened, folder };
  } catch (error) {
    await folder[Symbol.asyncDispose]();
    throw error;
  }
}
