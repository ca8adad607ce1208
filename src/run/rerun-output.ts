import type { Manifest, PublishedPart, PublishedRun } from '../checkpoint/contract.ts';
import { AppError } from '../core/errors.ts';
import { sha256OfFile } from '../core/files.ts';
import { changedFields, inputFiles, labelFiles } from '../plan/fingerprint.ts';
import { runLayout } from '../plan/layout.ts';
import type { RunPlan } from '../plan/run-plan.ts';
import { parseStoredJob } from '../spec/written-job.ts';
import type { JobRequest } from './job-request.ts';
import { notPublished } from './not-published.ts';
import type { Ports } from './ports.ts';
import { type PreparedJob, prepareJob } from './prepare-job.ts';

/** A published run that can be scored once more, and how. */
export interface Rerun {
  readonly output: string;
  /** The folder that it will be published to. */
  readonly into: string;
  readonly run: PublishedRun;
  readonly parts: readonly PublishedPart[];
  readonly plan: RunPlan;
  readonly request: JobRequest;
}

export interface RerunOptions {
  readonly outputFolder: string;
  /** Another folder; undefined replaces what is published. */
  readonly into: string | undefined;
  readonly signal: AbortSignal;
}

/**
 * Finds the run that an output publishes, and makes sure that its model and input are what they were.
 * @throws AppError OUTPUT_NOT_FOUND, OUTPUT_EXISTS, MODEL_CHANGED, INPUT_CHANGED, FINGERPRINT_CHANGED; what reading the model and the input throws
 */
export async function prepareRerun(ports: Ports, options: RerunOptions): Promise<Rerun> {
  const { outputFolder: output, signal } = options;
  const manifest = await ports.store.readPublished(output);
  const run = manifest?.runs.at(-1);
  if (manifest === undefined || run === undefined) throw await notPublished(output);
  const into = options.into ?? output;
  if (into === output && manifest.runs.length > 1) throw appended(output, manifest);
  const mode = into === output ? 'overwrite' : 'error';
  // A refusal comes before anything is read.
  await ports.store.check(into, mode, into === output ? manifest : await ports.store.readPublished(into));
  if (run.replayOf !== undefined)
    throw new AppError(
      'USAGE',
      `${output} was published by a replay, and rows that were mended cannot be scored once more`,
      {
        hint: 'run the job itself again',
      },
    );
  const stored = await ports.store.readRun(output, run.runId);
  const text = await ports.store.readJob(output, run.runId);
  const job = text === undefined ? undefined : parseStoredJob(text);
  if (stored === undefined || job === undefined) throw nothingKept(output, run.runId);
  const { plan } = stored;
  const kept = `${output}/${runLayout(run.runId).job}`;
  const request: JobRequest = {
    job: {
      ...job,
      output: { ...job.output, path: into, mode },
      execution: {
        ...job.execution,
        batchSize: run.batchRows,
        ...(run.batchTokens === undefined ? {} : { batchTokens: run.batchTokens }),
      },
    },
    baseDir: job.baseDir,
    locate: (path) => `${kept} ${['job', ...path].join('.')}`,
    shards: plan.shards,
    ...sameDate(plan),
    signal,
  };
  await refuseChanges(await prepareJob(ports, request), run, plan);
  return { output, into, run, parts: partsOf(manifest, run.runId), plan, request };
}

function sameDate({ logicalDate }: RunPlan): Pick<JobRequest, 'date'> {
  return logicalDate === undefined ? {} : { date: { logicalDate, isAsked: true, isShown: false } };
}

/** A part then and now; undefined where there is none. */
export interface PartPair {
  readonly name: string;
  readonly former: string | undefined;
  readonly sha256: string | undefined;
}

export interface RerunResult {
  readonly runId: string;
  readonly parts: readonly PartPair[];
  readonly isEqual: boolean;
  readonly providers: readonly string[];
}

/** Holds the parts that a rerun has published against those of the run that it repeats. */
export async function compareRerun(ports: Ports, { into, parts: former }: Rerun): Promise<RerunResult> {
  const manifest = await ports.store.readPublished(into);
  const run = manifest?.runs.at(-1);
  if (manifest === undefined || run === undefined) throw await notPublished(into);
  const now = partsOf(manifest, run.runId);
  const longer = now.length > former.length ? now : former;
  const parts = longer.map(({ name }, index): PartPair => {
    return { name: now[index]?.name ?? name, former: former[index]?.sha256, sha256: now[index]?.sha256 };
  });
  const isEqual = parts.every((part) => part.former === part.sha256);
  return { runId: run.runId, parts, isEqual, providers: run.providers };
}

function partsOf(manifest: Manifest, runId: string): readonly PublishedPart[] {
  return manifest.parts.filter((part) => part.runId === runId);
}

async function refuseChanges(
  { request, model, found, identity }: PreparedJob,
  { runId }: PublishedRun,
  plan: RunPlan,
): Promise<void> {
  const cannot = `run ${runId} cannot be repeated`;
  if (model.sha256 !== plan.model.sha256) {
    const [was, is] = [plan.model.sha256.slice(0, 12), model.sha256.slice(0, 12)];
    throw new AppError('MODEL_CHANGED', `${cannot}: model ${model.path} has sha256 ${is}, and the run had ${was}`, {
      hint: 'put back the model that it was scored with, or run the job as it is now',
      details: { runId, path: model.path, sha256: model.sha256, former: plan.model.sha256 },
    });
  }
  const changes = await inputChanges(found.files, { plan, signal: request.signal });
  if (changes.length > 0) {
    const more = changes.length > 3 ? `, and ${changes.length - 3} more` : '';
    throw new AppError('INPUT_CHANGED', `${cannot}: ${changes.slice(0, 3).join(', ')}${more}`, {
      hint: 'put back the input that it was scored from, or run the job as it is now',
      details: { runId, changes },
    });
  }
  const others = changedFields(plan.identity, identity).filter((name) => name !== inputFiles);
  if (others.length === 0) return;
  if (others.includes(labelFiles)) {
    throw new AppError('INPUT_CHANGED', `${cannot}: its files of labels say something else now`, {
      hint: 'put back the labels that it was scored with, or run the job as it is now',
      details: { runId, changed: others },
    });
  }
  throw new AppError('FINGERPRINT_CHANGED', `${cannot} by this version, which sees otherwise: ${others.join(', ')}`, {
    hint: 'repeat it with the version that the manifest names, or run the job as it is now',
    details: { runId, changed: others },
  });
}

async function inputChanges(
  found: PreparedJob['found']['files'],
  { plan, signal }: { readonly plan: RunPlan; readonly signal: AbortSignal | undefined },
): Promise<readonly string[]> {
  const now = new Map(found.map((file) => [file.source, file]));
  const changes: string[] = [];
  for (const file of plan.dataset.files) {
    signal?.throwIfAborted();
    const same = now.get(file.source);
    now.delete(file.source);
    if (same === undefined) changes.push(`${file.source} is gone`);
    else if (same.sizeBytes !== file.sizeBytes) changes.push(`${file.source} has another size`);
    else if (file.sha256 !== undefined && (await sha256OfFile(file.source)) !== file.sha256)
      changes.push(`${file.source} has another sha256`);
    else if (file.sha256 === undefined && same.mtimeMs !== file.mtimeMs)
      changes.push(`${file.source} was written since`);
  }
  return [...changes, ...[...now.keys()].map((source) => `${source} is new`)];
}

function appended(output: string, { runs }: Manifest): AppError {
  return new AppError('OUTPUT_EXISTS', `${output} holds ${runs.length} runs that were appended, and one is repeated`, {
    hint: 'repeat the last of them into another folder with --into FOLDER',
  });
}

function nothingKept(output: string, runId: string): AppError {
  return new AppError('OUTPUT_NOT_FOUND', `run ${runId} in ${output} keeps no job that could be repeated`, {
    hint: 'it was published by an earlier version: run its job again',
  });
}
