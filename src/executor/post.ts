import { AppError } from '../core/errors.ts';
import type { BatchSize } from '../plan/batch-size.ts';
import { type FromWorker, protocolVersion, type StartMessage } from '../worker/protocol.ts';
import type { ExecutionOptions, ExecutorEvent, Slot } from './contract.ts';
import type { Assignment } from './shard-queue.ts';
import type { WorkerProcess } from './worker-process.ts';

/** A slot's worker and what it is at. */
export interface Post {
  readonly slot: Slot;
  process: WorkerProcess;
  state: 'starting' | 'waiting' | 'measuring' | 'idle' | 'scoring' | 'gone';
  assignment: Assignment | undefined;
  /** How large its batches are; smaller than it was told once its session ran out of memory. */
  batch: BatchSize;
}

/** Where an attempt is made when one post is free: where its shard has failed, another that is free is tried first. */
export function postFor({ failedOn, needsFresh }: Assignment, free: Post, posts: readonly Post[]): Post {
  if (failedOn !== free.slot.index || needsFresh) return free;
  return posts.find((other) => other !== free && other.state === 'idle') ?? free;
}

export function startMessage(options: ExecutionOptions, { device, intraOpThreads }: Slot): StartMessage {
  const { plan, outputFolder, runId, prefetch, fallback, warmupBatches, profile, optimizedModels, modelFiles } =
    options;
  return {
    type: 'start',
    protocol: protocolVersion,
    plan,
    outputFolder,
    runId,
    fallback,
    prefetch,
    warmupBatches,
    profile,
    optimizedModels,
    modelFiles,
    provider: device.kind,
    intraOpThreads,
  };
}

export function diedStarting({ device }: Slot, error: AppError): AppError {
  return new AppError('WORKER_START_FAILED', `worker on ${device.name} died while it started: ${error.message}`, {
    cause: error,
    hint: 'see `nightshift doctor`',
  });
}

export function doneEvent({ commit, peakRssBytes }: Extract<FromWorker, { type: 'done' }>, slot: Slot): ExecutorEvent {
  return { type: 'shard-done', shard: commit.shard, commit, slot, peakRssBytes };
}

export function readyEvent(
  { providers, optimizedModel, optimizedModelError }: Extract<FromWorker, { readonly type: 'ready' }>,
  { slot, process }: Post,
): ExecutorEvent {
  return { type: 'worker-ready', slot, pid: process.pid, providers, optimizedModel, optimizedModelError };
}

/** Stops processes, and kills what is left of them after a while. */
export async function endAll(processes: readonly WorkerProcess[], graceMs: number): Promise<void> {
  const kill = () => {
    for (const process of processes) process.kill();
  };
  if (graceMs === 0) kill();
  else for (const process of processes) process.stop();
  const timer = setTimeout(kill, graceMs);
  for (const process of processes) await process.ended;
  clearTimeout(timer);
}
