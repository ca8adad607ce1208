import { join } from 'node:path';
import type { Slot } from '../executor/contract.ts';
import { type BatchSize, chosenBatch, hasTokens } from '../plan/batch-size.ts';
import type { ShardFate } from '../plan/explain-shards.ts';
import { inputRejectsName } from '../plan/layout.ts';
import type { RunPlan } from '../plan/run-plan.ts';
import { type JobCache, lookAtCache } from './caches.ts';
import { digestInputs } from './digest-inputs.ts';
import { estimateMemory, type MemoryEstimate } from './estimate-memory.ts';
import type { JobRequest } from './job-request.ts';
import { keepsModel } from './keeps-model.ts';
import { orAborted } from './or-aborted.ts';
import type { Ports } from './ports.ts';
import { openJob, type PreparedJob, prepareJob } from './prepare-job.ts';
import { readsAhead } from './reads-ahead.ts';
import { explainStart, type RunStart } from './run-start.ts';

/** All that can be told of a run before it runs. */
export interface JobPlan {
  readonly request: JobRequest;
  readonly outputFolder: string;
  readonly plan: RunPlan;
  readonly start: RunStart;
  /** Whether each shard would be scored, and why. */
  readonly shards: readonly ShardFate[];
  readonly slots: readonly Slot[];
  readonly prefetch: boolean;
  /** undefined is measured when the first worker is warm. */
  readonly batch: BatchSize | undefined;
  readonly memory: MemoryEstimate;
  /** Where the job keeps predictions, and what is kept there. */
  readonly cache: JobCache | undefined;
  /** Why the optimised model is not kept, although the job asks for it. */
  readonly modelKeeping: ReturnType<typeof keepsModel>;
  /** Of the first rows, how many differ in their features; where scoring them once may be worth it. */
  readonly repeats: { readonly rows: number; readonly distinctRows: number } | undefined;
}

const sampledRows = 50_000;

/**
 * Decides what a run would do, and writes nothing but copies of text inputs to a temporary folder.
 * @throws AppError what planning throws; what would keep the run from starting is in `start`
 */
export async function planJob(ports: Ports, options: JobRequest & { readonly restart: boolean }): Promise<JobPlan> {
  const { execution } = options.job;
  const devices = await ports.findDevices(execution.devices);
  const prepared = await orAborted(options.signal, prepareJob(ports, options));
  const cache = await lookAtCache(ports.caches, options.job);
  const digests = await orAborted(options.signal, digestInputs(prepared));
  const { plan, repeats } = await planHere(ports, prepared, { digests, samples: true });
  const { start, shards } = await explainStart(ports, prepared, { plan, restart: options.restart });
  const isIdle = start.state === 'refuse' || start.state === 'skip';
  const left = isIdle ? shards.length : shards.filter(({ willRun }) => willRun).length;
  const slots = ports.planSlots({ ...execution, devices, modelBytes: plan.model.sizeBytes }).slice(0, left);
  const prefetch = readsAhead(ports, { ...execution, slots, plan });
  const measured =
    start.state === 'resume' ? await ports.store.readBatch(prepared.outputFolder, start.runId) : undefined;
  const batch = chosenBatch(plan, execution, measured);
  return {
    request: options,
    outputFolder: prepared.outputFolder,
    plan,
    start,
    shards,
    slots,
    prefetch,
    batch,
    memory: estimateMemory(plan, { workers: slots.length, batch, prefetch }),
    repeats,
    cache,
    modelKeeping: keepsModel(options.job, prepared.model),
  };
}

/**
 * Checks that a job fits its model and data, as far as that shows without scoring.
 * @throws AppError what planning throws
 */
export async function validateJob(ports: Ports, request: JobRequest): Promise<Pick<JobPlan, 'plan' | 'cache'>> {
  const prepared = await orAborted(request.signal, prepareJob(ports, request));
  const cache = await lookAtCache(ports.caches, request.job);
  return { plan: (await planHere(ports, prepared, { samples: false })).plan, cache };
}

interface PlanHow {
  readonly digests?: ReadonlyMap<string, string> | undefined;
  readonly samples: boolean;
}

async function planHere(
  ports: Ports,
  prepared: PreparedJob,
  { digests, samples }: PlanHow,
): Promise<Pick<JobPlan, 'plan' | 'repeats'>> {
  await using folder = await ports.temporaryFolder();
  const { signal } = prepared.request;
  const places = { stagingFolder: folder.path, rejectsPath: join(folder.path, inputRejectsName), digests };
  const { plan, dataset } = await orAborted(signal, openJob(ports, prepared, places));
  const mayRepeat = hasTokens(plan) || plan.dedupe === true || plan.cache !== undefined;
  // Images would all have to be read.
  if (!samples || !mayRepeat || plan.images !== undefined) return { plan, repeats: undefined };
  const none = { nullsOf: [], uniqueOf: [], rejectsOf: [], textsIn: [], texts: [], firstRows: 0 };
  const distinctOf = [...new Set(plan.features.flatMap(({ columns }) => columns.map(({ name }) => name)))];
  const { rowCount: rows, distinctRows } = await orAborted(
    signal,
    ports.profileRows(dataset.facts, {
      ...none,
      distinctOf,
      sampleRows: Math.min(sampledRows, prepared.input.limit ?? sampledRows),
    }),
  );
  return { plan, repeats: { rows, distinctRows } };
}
