import { resolve } from 'node:path';
import { AppError } from '../core/errors.ts';
import type { FoundDataset, InputRequest, OpenedDataset } from '../dataset/contract.ts';
import type { ModelFile, TokenizerFile } from '../model/contract.ts';
import { fingerprintOf, type RunIdentity } from '../plan/fingerprint.ts';
import type { Locate, PlanInput } from '../plan/plan-input.ts';
import { planRun, runIdentity } from '../plan/plan-run.ts';
import type { RunPlan } from '../plan/run-plan.ts';
import type { JobSpec } from '../spec/job-spec.ts';
import type { JobRequest } from './job-request.ts';
import { missingFile } from './missing-file.ts';
import type { Ports } from './ports.ts';
import { readLabels } from './read-labels.ts';
import { refuseOwnInput } from './refuse-own-input.ts';

/** What is known before a row is read or a file written. */
export interface PreparedJob {
  readonly request: JobRequest;
  readonly input: InputRequest;
  readonly outputFolder: string;
  readonly found: FoundDataset;
  readonly model: ModelFile;
  readonly labels: PlanInput['labels'];
  /** Versions of what decodes images, where the job has any. */
  readonly imageDecoder: string | undefined;
  /** Of the job's texts, by the names of their features. */
  readonly tokenizers: ReadonlyMap<string, TokenizerFile>;
  readonly identity: RunIdentity;
  readonly fingerprint: string;
}

/**
 * @throws AppError INPUT_NOT_FOUND, INPUT_UNREADABLE, INPUT_SCHEMA_MISMATCH, MODEL_NOT_FOUND, MODEL_INVALID,
 *   LABELS_UNREADABLE, TOKENIZER_NOT_FOUND, TOKENIZER_INVALID, MODEL_OUTPUT_MISMATCH for an output expression that cannot
 *   be read
 */
export async function prepareJob(ports: Ports, request: JobRequest): Promise<PreparedJob> {
  const { job, baseDir, locate, date, signal } = request;
  const { paths, format, csv, where, limit } = job.input;
  const input: InputRequest = { paths, baseDir, format, csv, where, limit, signal };
  const missing = (named: readonly string[], at: readonly string[]) => async (error: unknown) =>
    Promise.reject(await missingFile(error, { paths: named, baseDir, locate, at, date }));
  const hasImages = Object.values(job.features ?? {}).some((feature) => 'image' in feature);
  const [model, found, imageDecoder, tokenizers] = await Promise.all([
    ports.models.read(resolve(baseDir, job.model.path)).catch(missing([job.model.path], ['model', 'path'])),
    ports.dataset.find(input).catch(missing(paths, ['input', 'path'])),
    hasImages ? ports.models.imageDecoder() : undefined,
    readTokenizers(ports, request),
  ]);
  const outputFolder = resolve(baseDir, job.output.path);
  await refuseOwnInput(found, outputFolder, locate);
  const labels = await readLabels({ job, baseDir, locate });
  const identity = runIdentity({
    job,
    modelSha256: model.sha256,
    format: found.format,
    files: found.files,
    columns: found.columns,
    labels,
    imageDecoder,
    tokenizers,
  });
  return {
    request,
    input,
    outputFolder,
    found,
    model,
    labels,
    imageDecoder,
    tokenizers,
    identity,
    fingerprint: fingerprintOf(identity),
  };
}

/** @throws AppError TOKENIZER_NOT_FOUND, TOKENIZER_INVALID with the place in the spec */
async function readTokenizers(
  ports: Ports,
  { job, baseDir, locate, date }: JobRequest,
): Promise<ReadonlyMap<string, TokenizerFile>> {
  const texts = Object.entries(job.features ?? {}).flatMap(([name, feature]) =>
    'tokenizer' in feature ? [{ name, path: feature.tokenizer }] : [],
  );
  const read = texts.map(async ({ name, path }) => {
    const at = ['features', name, 'tokenizer'];
    const file = await ports.tokenizers
      .read(resolve(baseDir, path))
      .catch(async (error) => Promise.reject(await missingFile(error, { paths: [path], baseDir, locate, at, date })));
    return [name, file] as const;
  });
  return new Map(await Promise.all(read));
}

export interface OpenedJob {
  readonly plan: RunPlan;
  readonly dataset: OpenedDataset;
}

export interface OpenPlaces {
  readonly stagingFolder: string;
  readonly rejectsPath: string;
  /** SHA-256 of the input files, where the plan is to tell it. */
  readonly digests?: ReadonlyMap<string, string> | undefined;
}

/** Stages the input where it must be, and plans. */
export async function openJob(
  ports: Ports,
  prepared: PreparedJob,
  { digests, ...places }: OpenPlaces,
): Promise<OpenedJob> {
  const { request, input, found, model, labels, tokenizers } = prepared;
  const dataset = await ports.dataset
    .open(found, input, { ...places, listColumns: listColumns(request.job, prepared) })
    .catch((error: unknown) => Promise.reject(placed(error, request.locate)));
  const plan = planRun({
    ...request,
    ...dataset,
    logicalDate: request.date?.logicalDate,
    dataset: dataset.facts,
    model,
    labels,
    imageDecoder: prepared.imageDecoder,
    tokenizers,
    digests,
  });
  return { plan, dataset };
}

const wherePrefix = 'input.where: ';

/** The dataset room knows what is wrong with a condition; where it stands, the spec knows. */
function placed(error: unknown, locate: Locate): unknown {
  if (!(error instanceof AppError) || !error.message.startsWith(wherePrefix)) return error;
  const { code, message, hint, details } = error;
  const text = `${locate(['input', 'where'])}: ${message.slice(wherePrefix.length)}`;
  return new AppError(code, text, { ...(hint === undefined ? {} : { hint }), details, cause: error });
}

/** List columns that may fill a model input, so that their lengths are worth looking at. */
function listColumns(job: JobSpec, { found, model }: PreparedJob): readonly string[] {
  const named = Object.values(job.features ?? {}).flatMap((feature) => feature.columns ?? []);
  const wanted = new Set([...named, ...model.facts.signature.inputs.map((value) => value.name)]);
  return found.columns
    .filter((column) => wanted.has(column.name) && /\]$/.test(column.type))
    .map((column) => column.name);
}
