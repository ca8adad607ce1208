import { dirname } from 'node:path';
import type {
  DatasetFacts,
  DatasetReader,
  FoundDataset,
  InputRequest,
  OpenedDataset,
  OpenOptions,
} from './contract.ts';
import { describeDataset } from './describe-dataset.ts';
import { Database } from './duckdb.ts';
import { findFiles } from './find-files.ts';
import { limitRows } from './limit-rows.ts';
import { listShape } from './list-shape.ts';
import { checkPredicate } from './predicate.ts';
import { findLayout, type Layout, layoutColumns, stageDataset } from './stage-dataset.ts';

/** What `find` learned and `open` needs again: of Parquet its footers, of other formats how they are read. */
interface FoundInternally extends FoundDataset {
  readonly known: DatasetFacts | Layout;
}

export interface ReaderOptions {
  readonly threads: number;
}

export function newDatasetReader(options: ReaderOptions): DatasetReader {
  return {
    find: (request) => findDataset(request, options),
    open: (found, request, where) => openDataset({ found, request, ...where, ...options }),
  };
}

async function findDataset(request: InputRequest, { threads }: ReaderOptions): Promise<FoundInternally> {
  const { files, format, hasPartitions } = await findFiles(request.paths, request.baseDir, request.format);
  using database = await Database.open({
    readablePaths: files.map((file) => file.path),
    folders: [],
    threads,
    signal: request.signal,
  });
  const named = files.map((file) => ({ ...file, source: file.path }));
  if (format === 'parquet') {
    const facts = await describeDataset({ database, files: named, format, hasPartitions });
    return { format, files: named, columns: facts.columns, known: facts };
  }
  const layout = await findLayout({ database, files, format, csv: request.csv, hasPartitions });
  return { format, files: named, columns: layoutColumns(layout), known: layout };
}

interface OpenRequest extends ReaderOptions, OpenOptions {
  readonly found: FoundDataset;
  readonly request: InputRequest;
}

async function openDataset(options: OpenRequest): Promise<OpenedDataset> {
  const { found, request, stagingFolder, threads } = options;
  using database = await Database.open({
    readablePaths: found.files.map((file) => file.source),
    folders: [stagingFolder, dirname(options.rejectsPath)],
    threads,
    signal: request.signal,
  });
  const staged = await stage(database, options);
  const facts = staged.facts;
  const listShapes = new Map<string, readonly number[]>();
  for (const name of options.listColumns) {
    const column = facts.columns.find((candidate) => candidate.name === name);
    if (column !== undefined) listShapes.set(name, await listShape(database, facts, column));
  }
  await checkWhere(database, facts, request.where);
  const cut =
    request.limit === undefined
      ? undefined
      : await limitRows({ database, facts, where: request.where, limit: request.limit });
  return { ...staged, listShapes, cut };
}

async function stage(
  database: Database,
  { found, request, stagingFolder, rejectsPath }: OpenRequest,
): Promise<Pick<OpenedDataset, 'facts' | 'rejectedLines' | 'firstRejectedLine'>> {
  const { format } = found;
  const known = knownOf(found);
  if (!('layout' in known)) return { facts: known, rejectedLines: 0 };
  const files = found.files.map((file) => ({ ...file, path: file.source }));
  const staged = await stageDataset({
    database,
    files,
    layout: known,
    csv: request.csv,
    folder: stagingFolder,
    rejectsPath,
  });
  const facts = await describeDataset({ database, files: staged.files, format, hasPartitions: false });
  return { facts, rejectedLines: staged.rejectedLines, firstRejectedLine: staged.firstRejectedLine };
}

function knownOf(found: FoundDataset): FoundInternally['known'] {
  if (isFoundInternally(found)) return found.known;
  throw new Error('this dataset was not found by this reader');
}

function isFoundInternally(found: FoundDataset): found is FoundInternally {
  return 'known' in found;
}

async function checkWhere(database: Database, facts: DatasetFacts, where: string | undefined): Promise<void> {
  const [first] = facts.files;
  if (where === undefined || first === undefined) return;
  await checkPredicate(database, {
    files: [{ ...first, rowStart: 0, rowEnd: first.rowCount }],
    columns: facts.columns,
    hasPartitions: facts.hasPartitions,
    where,
  });
}
