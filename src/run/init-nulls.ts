import { dirname } from 'node:path';
import { AppError } from '../core/errors.ts';
import type { FeatureRequest, OpenedDataset, RowProfile } from '../dataset/contract.ts';
import type { ModelFile, TokenizerFile } from '../model/contract.ts';
import { planRun } from '../plan/plan-run.ts';
import { parseSpec } from '../spec/load-spec.ts';
import { formatPath } from '../spec/location.ts';
import { type FeatureDraft, type JobDraft, writeSpec } from '../spec/write-spec.ts';
import { sampleRows } from './init-looks.ts';
import type { Ports } from './ports.ts';

interface Drafted {
  readonly draft: JobDraft;
  readonly model: ModelFile;
  readonly opened: OpenedDataset;
  readonly specPath: string;
  /** Of the draft's texts, by their names. */
  readonly tokenizers: ReadonlyMap<string, TokenizerFile>;
}

/**
 * Plans the draft as a run would, tries its features on the data, and adds what keeps nulls and odd rows from stopping it.
 * @throws AppError when the draft cannot be planned; MODEL_INPUT_MISMATCH when no row fits
 */
export async function withNullPolicies(ports: Ports, drafted: Drafted): Promise<JobDraft> {
  const { draft, opened } = drafted;
  const features = planned(drafted).map((feature) => ({ ...feature, nulls: 'reject' as const }));
  const filled = features.map((feature): FeatureRequest => ({ ...feature, nulls: fillOf(feature) }));
  const profile = await ports.profileRows(opened.facts, {
    sampleRows,
    nullsOf: features.flatMap((feature) => feature.columns.map((column) => column.name)),
    nonFiniteOf: features.flatMap((feature) => feature.columns.filter(isFloat).map((column) => column.name)),
    uniqueOf: [],
    rejectsOf: [...features.map((feature) => [feature]), ...filled.map((feature) => [feature]), filled],
    textsIn: [],
    texts: [],
    firstRows: 0,
  });
  const count = features.length;
  refuseHopeless(filled, profile);
  const known = new Map(opened.facts.columns.map((column) => [column.name, column.nullCount]));
  const nullsOf = (name: string) => known.get(name) ?? profile.nullCounts.get(name) ?? 0;
  return {
    ...draft,
    features: draft.features.map((feature) => {
      // Texts come after the others in a plan.
      const index = features.findIndex(({ input }) => input === feature.input);
      const request = filled[index];
      if (request === undefined) return feature;
      const saved = (profile.rejected[index] ?? 0) - (profile.rejected[count + index] ?? 0);
      const what = isList(request)
        ? saved > 0 && `nulls in the lists of ${rowsText(saved, profile.rowCount)}`
        : nullsText(feature.columns, { nullsOf, rowCount: opened.facts.rowCount });
      return what === false || what === ''
        ? feature
        : { ...feature, nulls: feature.tokenizer === undefined ? nullsDraft(request, what) : emptyText(what) };
    }),
    nonFinite: nonFiniteComment(profile),
    maxRejected: maxRejected(drafted, { rejected: profile.rejected[2 * count] ?? 0, of: profile.rowCount }),
  };
}

function planned({ draft, model, opened, specPath, tokenizers }: Drafted): readonly FeatureRequest[] {
  const { jobs, baseDir } = parseSpec({ text: writeSpec(draft, []), path: specPath, env: {} });
  const [job] = jobs;
  if (job === undefined || baseDir !== dirname(specPath)) throw new Error('the draft holds no job');
  const locate = (path: readonly (string | number)[]) => formatPath(['jobs', job.name, ...path]);
  return planRun({ ...opened, job, locate, dataset: opened.facts, model, tokenizers }).features;
}

/** What a null becomes where the model has a word for it; integers have none. */
function fillOf({ element }: FeatureRequest): FeatureRequest['nulls'] {
  if (element === 'string') return { value: '' };
  return element.startsWith('float') ? 'nan' : { value: 0 };
}

function nullsDraft(request: FeatureRequest, what: string): NonNullable<FeatureDraft['nulls']> {
  const { nulls, element } = request;
  if (nulls === 'nan') return { value: 'nan', comment: `${capital(what)}; the model gets NaN.` };
  if (element === 'string') return { value: '', comment: `${capital(what)}; the model gets an empty text.` };
  return {
    value: 0,
    comment: `CHECK: ${what}; ${element} has no NaN, so the model gets 0. With \`reject\` such rows go to the rejects, and errors.maxRejected must allow them.`,
  };
}

function emptyText(what: string): NonNullable<FeatureDraft['nulls']> {
  return { value: 'empty', comment: `${capital(what)}; the model gets an empty text.` };
}

function nullsText(
  columns: readonly string[],
  { nullsOf, rowCount }: { readonly nullsOf: (name: string) => number; readonly rowCount: number },
): string {
  const counts = columns
    .filter((name) => nullsOf(name) > 0)
    .map((name) => `${name} (${nullsOf(name).toLocaleString('en-US')})`);
  return counts.length === 0 ? '' : `null in ${counts.join(', ')} of ${rowCount.toLocaleString('en-US')} rows`;
}

/** A model that is given NaN may answer with it. */
function nonFiniteComment({ nonFiniteCounts, rowCount }: RowProfile): string | undefined {
  const [first] = [...nonFiniteCounts].filter(([, count]) => count > 0);
  if (first === undefined) return undefined;
  const [name, count] = first;
  return `CHECK: ${name} is NaN or infinite in ${rowsText(count, rowCount)}, so a prediction may be; reject keeps such out`;
}

function isFloat({ type }: { readonly type: string }): boolean {
  return type === 'FLOAT' || type === 'DOUBLE';
}

/** A run that may reject all of its rows says nothing, so that is no way out. */
function refuseHopeless(filled: readonly FeatureRequest[], { rejected, rowCount }: RowProfile): void {
  if (rowCount === 0 || rejected[2 * filled.length] !== rowCount) return;
  const culprit = filled.find((_, index) => rejected[filled.length + index] === rowCount);
  const why =
    culprit === undefined
      ? ''
      : `: no value of ${culprit.columns.map(({ name }) => name).join(', ')} fits model input ${culprit.input}`;
  throw new AppError(
    'MODEL_INPUT_MISMATCH',
    `none of ${rowCount.toLocaleString('en-US')} rows can become tensors${why}`,
    {
      hint: 'see `nightshift inspect` on both; the dataset may need columns made for the model',
    },
  );
}

/** Rows that no policy saves are expected ones, if the job is to run as it is. */
function maxRejected(
  { opened }: Drafted,
  { rejected, of }: { readonly rejected: number; readonly of: number },
): JobDraft['maxRejected'] {
  const lines = opened.rejectedLines;
  // Where no row is left, a run says what is wrong.
  if (rejected === of || (rejected === 0 && lines === 0)) return undefined;
  const reasons = [
    ...(lines === 0 ? [] : [`${lines} line${lines === 1 ? '' : 's'} cannot be parsed`]),
    ...(rejected === 0 ? [] : [`${rowsText(rejected, of)} cannot become tensors`]),
  ];
  const isWhole = of === opened.facts.rowCount;
  const share = Math.min(99.9, Math.ceil(((rejected + lines) / (of + lines)) * 1000) / 10 + 1);
  return {
    value: isWhole ? rejected + lines : `${share.toFixed(1)}%`,
    comment: `${reasons.join(', ')}; more than these stop the run`,
  };
}

function isList({ columns }: FeatureRequest): boolean {
  return columns.some((column) => column.type.endsWith(']'));
}

function rowsText(count: number, total: number): string {
  return `${count.toLocaleString('en-US')} of ${total.toLocaleString('en-US')} rows`;
}

function capital(text: string): string {
  return `${text[0]?.toUpperCase() ?? ''}${text.slice(1)}`;
}
