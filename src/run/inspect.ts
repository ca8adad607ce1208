import type { ColumnSchema, DatasetFacts, DatasetFormat, FoundDataset, RowProfile } from '../dataset/contract.ts';
import type { ModelFile, TokenizerFile } from '../model/contract.ts';
import { besideModel } from './beside-model.ts';
import { fromCommandLine, sortTargets } from './inspect-targets.ts';
import { inputRequest, openIn } from './open-for-look.ts';
import type { Ports } from './ports.ts';

export interface InspectRequest {
  /** Models and data, in any order; all data together is one dataset. */
  readonly targets: readonly string[];
  readonly baseDir: string;
  readonly format: DatasetFormat | 'auto';
  /** Read all rows where statistics leave null counts open. */
  readonly measureNulls: boolean;
  readonly firstRows: number;
}

export interface InspectedDataset {
  readonly paths: readonly string[];
  readonly format: DatasetFormat;
  readonly files: readonly {
    readonly path: string;
    readonly sizeBytes: number;
    readonly rowCount: number | undefined;
  }[];
  readonly sizeBytes: number;
  /** Undefined for text that is too large to be read unasked. */
  readonly rowCount: number | undefined;
  /** Lines that don't parse. */
  readonly rejectedLines: number | undefined;
  /** Of Parquet alone; other formats have none of their own. */
  readonly rowGroups: { readonly count: number; readonly minRows: number; readonly maxRows: number } | undefined;
  readonly partitionKeys: readonly string[];
  readonly columns: readonly InspectedColumn[];
  readonly firstRows: readonly Readonly<Record<string, unknown>>[];
}

export interface InspectedColumn extends Pick<ColumnSchema, 'name' | 'type'> {
  /** The files have it under different types. */
  readonly widened: boolean;
  readonly nullCount: number | undefined;
  /** Lengths of the first list, outermost first. */
  readonly listShape: readonly number[] | undefined;
}

export interface InspectedModel extends ModelFile {
  /** The tokenizer.json that was saved with it. */
  readonly tokenizer?: TokenizerFile;
}

export interface Inspection {
  readonly models: readonly InspectedModel[];
  readonly dataset: InspectedDataset | undefined;
}

/** Text up to this size is read without being asked: it takes about a second. */
const smallTextBytes = 64 * 2 ** 20;
/** Values that are counted without being asked. */
const smallValueCount = 20_000_000;

/** @throws AppError MODEL_NOT_FOUND, MODEL_INVALID, INPUT_NOT_FOUND, INPUT_UNREADABLE, INPUT_SCHEMA_MISMATCH */
export async function inspect(ports: Ports, request: InspectRequest): Promise<Inspection> {
  try {
    const { models, data } = await sortTargets(request.targets, request.baseDir);
    const files: InspectedModel[] = [];
    for (const path of models) {
      const tokenizer = await besideModel(ports, path);
      files.push({ ...(await ports.models.read(path)), ...(tokenizer === undefined ? {} : { tokenizer }) });
    }
    return { models: files, dataset: data.length === 0 ? undefined : await inspectDataset(ports, request, data) };
  } catch (error) {
    throw fromCommandLine(error);
  }
}

async function inspectDataset(
  ports: Ports,
  request: InspectRequest,
  paths: readonly string[],
): Promise<InspectedDataset> {
  const input = inputRequest(paths, request);
  const found = await ports.dataset.find(input);
  const sizeBytes = found.files.reduce((sum, file) => sum + file.sizeBytes, 0);
  const isAsked = request.measureNulls || request.firstRows > 0;
  if (found.format !== 'parquet' && sizeBytes > smallTextBytes && !isAsked) return unread(found, { paths, sizeBytes });
  const { opened, folder } = await openIn(ports, input, found);
  await using _folder = folder;
  const { facts } = opened;
  const unknown = facts.columns.filter((column) => column.nullCount === undefined).map((column) => column.name);
  const isSmall = unknown.length * facts.rowCount <= smallValueCount;
  const profile = await profileIfAsked(ports, facts, {
    nullsOf: request.measureNulls || isSmall ? unknown : [],
    firstRows: request.firstRows,
  });
  return {
    paths,
    format: found.format,
    files: facts.files.map(({ source, sizeBytes: bytes, rowCount }) => ({ path: source, sizeBytes: bytes, rowCount })),
    sizeBytes,
    rowCount: facts.rowCount,
    rejectedLines: opened.rejectedLines,
    rowGroups: found.format === 'parquet' ? rowGroupsOf(facts) : undefined,
    partitionKeys: facts.columns.filter((column) => column.origin === 'partition').map((column) => column.name),
    columns: facts.columns.map(({ name, type, widened, nullCount }) => ({
      name,
      type,
      widened,
      nullCount: nullCount ?? profile?.nullCounts.get(name),
      listShape: opened.listShapes.get(name),
    })),
    firstRows: profile?.firstRows ?? [],
  };
}

function unread(
  { format, files, columns }: FoundDataset,
  known: Pick<InspectedDataset, 'paths' | 'sizeBytes'>,
): InspectedDataset {
  return {
    ...known,
    format,
    files: files.map((file) => ({ path: file.source, sizeBytes: file.sizeBytes, rowCount: undefined })),
    rowCount: undefined,
    rejectedLines: undefined,
    rowGroups: undefined,
    partitionKeys: [],
    columns: columns.map(({ name, type }) => ({
      name,
      type,
      widened: false,
      nullCount: undefined,
      listShape: undefined,
    })),
    firstRows: [],
  };
}

async function profileIfAsked(
  ports: Ports,
  facts: DatasetFacts,
  asked: { readonly nullsOf: readonly string[]; readonly firstRows: number },
): Promise<RowProfile | undefined> {
  if (asked.nullsOf.length === 0 && asked.firstRows === 0) return undefined;
  const nothing = { sampleRows: undefined, uniqueOf: [], rejectsOf: [], textsIn: [], texts: [] };
  return ports.profileRows(facts, { ...nothing, ...asked });
}

function rowGroupsOf({ files }: DatasetFacts): InspectedDataset['rowGroups'] {
  let [count, minRows, maxRows] = [0, Number.POSITIVE_INFINITY, 0];
  for (const { rowCount } of files.flatMap((file) => file.rowGroups)) {
    count += 1;
    minRows = Math.min(minRows, rowCount);
    maxRows = Math.max(maxRows, rowCount);
  }
  return { count, minRows: count === 0 ? 0 : minRows, maxRows };
}
