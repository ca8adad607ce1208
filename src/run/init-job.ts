import { basename, dirname, relative, resolve } from 'node:path';
import type { DatasetFormat, OpenedDataset } from '../dataset/contract.ts';
import type { ModelFacts, ModelFile } from '../model/contract.ts';
import { type ColumnLook, isKey, mayBeKey } from '../plan/guess-columns.ts';
import { guessFeatures } from '../plan/guess-features.ts';
import { guessImage, type ImageGuess } from '../plan/guess-image.ts';
import { guessOutputs } from '../plan/guess-outputs.ts';
import { type FeatureDraft, type JobDraft, writeSpec } from '../spec/write-spec.ts';
import { lookAtColumns } from './init-looks.ts';
import { findNullTexts } from './init-null-texts.ts';
import { withNullPolicies } from './init-nulls.ts';
import { draftText, type TextDraft, textName } from './init-text.ts';
import { fromCommandLine } from './inspect-targets.ts';
import { inputRequest, openIn } from './open-for-look.ts';
import type { Ports } from './ports.ts';

export interface InitRequest {
  readonly model: string;
  /** Files, globs and folders of one dataset. */
  readonly data: readonly string[];
  /** Where `model` and `data` start. */
  readonly baseDir: string;
  readonly format: DatasetFormat | 'auto';
  /** Absolute path of the spec, whether or not it will be written there. */
  readonly specPath: string;
  /** The model's name if left out. */
  readonly job: string | undefined;
  /** First lines of the spec, as comments. */
  readonly header: readonly string[];
}

export interface InitializedJob {
  readonly name: string;
  readonly text: string;
  /** What a person should look at, without the marks of a comment. */
  readonly checks: readonly string[];
  /** Absolute path of the tokenizer that the spec names, where it has to be got first. */
  readonly missingTokenizer: string | undefined;
}

/**
 * Writes a spec that runs as it is, and says in it what was guessed.
 * @throws AppError MODEL_INPUT_MISMATCH when the dataset cannot fill the model's inputs, and what reading both throws
 */
export async function initJob(ports: Ports, request: InitRequest): Promise<InitializedJob> {
  try {
    return await draftJob(ports, request);
  } catch (error) {
    throw fromCommandLine(error);
  }
}

async function draftJob(ports: Ports, request: InitRequest): Promise<InitializedJob> {
  const model = await ports.models.read(resolve(request.baseDir, request.model));
  const { format } = await ports.dataset.find(inputRequest(request.data, request));
  const nullValues = format === 'csv' ? await findNullTexts(ports, request, request.data) : undefined;
  const { opened, folder } = await openIn(ports, inputRequest(request.data, request, nullValues ?? ['']));
  await using _folder = folder;
  const { draft, text: found } = await draftFrom(ports, request, { model, opened, nullValues });
  // A text whose tokenizer has to be got first cannot be tried.
  const isWhole = found === undefined || found.tokenizer !== undefined;
  const tokenizers = new Map(found?.tokenizer === undefined ? [] : [[textName, found.tokenizer]]);
  const drafted = { draft, model, opened, specPath: request.specPath, tokenizers };
  const finished = isWhole ? await withNullPolicies(ports, drafted) : draft;
  const text = writeSpec(finished, request.header);
  const missingTokenizer = isWhole ? undefined : resolve(request.baseDir, found.feature.tokenizer ?? '');
  return { name: finished.name, text, checks: checksOf(finished), missingTokenizer };
}

interface Seen {
  readonly model: ModelFile;
  readonly opened: OpenedDataset;
  readonly nullValues: readonly string[] | undefined;
}

async function draftFrom(
  ports: Ports,
  request: InitRequest,
  { model, opened, nullValues }: Seen,
): Promise<{ readonly draft: JobDraft; readonly text: TextDraft | undefined }> {
  const name = request.job ?? jobName(request.model);
  const columns = await lookAtColumns(ports, opened, model.facts.signature);
  const image = guessImage(model.facts.signature, columns);
  const pixels = image === undefined ? undefined : { inputs: [image.input.name], column: image.column.name };
  const [facts, rest] = without(model.facts, columns, pixels);
  const text = await draftText(ports, { ...model, facts }, rest);
  const features = guessFeatures(...without(facts, rest, text));
  const keys = columns.filter((column) => mayBeKey(column) && isKey(column)).map((column) => column.name);
  const outputs = guessOutputs(model.facts, keys);
  const fromSpec = (path: string) => relative(dirname(request.specPath), resolve(request.baseDir, path)) || '.';
  const draft: JobDraft = {
    name,
    modelPath: fromSpec(request.model),
    input: {
      paths: request.data.map(fromSpec),
      format: request.format === 'auto' ? undefined : request.format,
      nullValues:
        nullValues === undefined
          ? undefined
          : { values: nullValues, comment: 'These texts stand where a number or a date should.' },
    },
    features: [
      ...(text === undefined ? [] : [{ ...text.feature, tokenizer: fromSpec(text.feature.tokenizer ?? '') }]),
      ...(image === undefined ? [] : [imageDraft(image)]),
      ...features.map((guess) => ({
        input: guess.input.name,
        columns: guess.columns.map((column) => column.name),
        comments: guess.comments,
      })),
    ],
    output: {
      path: `out/${name}`,
      keep: {
        columns: keys,
        comment:
          keys.length === 0 ? 'no column looks like a key; name some, so that rows can be told apart' : undefined,
      },
      ...outputs,
    },
  };
  return { draft, text };
}

function imageDraft({ input, column, comments, ...image }: ImageGuess): FeatureDraft {
  return { input: input.name, columns: [column.name], comments, image };
}

/** What is left to guess once it is known what fills some inputs. */
function without(
  facts: ModelFacts,
  columns: readonly ColumnLook[],
  found: Pick<TextDraft, 'inputs' | 'column'> | undefined,
): [ModelFacts, readonly ColumnLook[]] {
  if (found === undefined) return [facts, columns];
  const inputs = facts.signature.inputs.filter(({ name }) => !found.inputs.includes(name));
  return [{ ...facts, signature: { ...facts.signature, inputs } }, columns.filter(({ name }) => name !== found.column)];
}

/** The model's file name as the name of a job. */
function jobName(model: string): string {
  const stem = basename(model).replace(/\.[^.]*$/, '');
  const name = stem.replaceAll(/[^A-Za-z0-9._-]+/g, '-').replace(/^[^A-Za-z0-9]+/, '');
  return name === '' ? 'score' : name;
}

function checksOf({ features, maxRejected }: JobDraft): readonly string[] {
  const guesses = features.flatMap(({ input, comments }) =>
    comments
      .filter((comment) => comment.startsWith('CHECK'))
      .map((comment) => `${input}: ${comment.replace(/^CHECK: /, '')}`),
  );
  const nulls = features.flatMap(({ input, nulls }) =>
    nulls?.comment.startsWith('CHECK') === true ? [`${input}: ${nulls.comment.replace(/^CHECK: /, '')}`] : [],
  );
  return [...guesses, ...nulls, ...(maxRejected === undefined ? [] : [`errors: ${maxRejected.comment}`])];
}
