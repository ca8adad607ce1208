import type { AppError } from '../core/errors.ts';
import type { FileStamp } from '../core/file-stamp.ts';
import type { BatchSize } from '../plan/batch-size.ts';
import type { Commit } from '../plan/commit.ts';
import type { RunPlan, Shard } from '../plan/run-plan.ts';
import type { RetryPolicy } from './shard-queue.ts';

/** A GPU, a MIG slice of one, or the CPU. */
export interface Device {
  /** `cuda:0`, or `cpu`. */
  readonly name: string;
  readonly kind: 'cuda' | 'cpu';
  /** What CUDA_VISIBLE_DEVICES is set to in the child. */
  readonly uuid: string | undefined;
  readonly description: string;
  readonly memoryBytes: number | undefined;
}

/** A place for one worker on a device. */
export interface Slot {
  readonly index: number;
  readonly device: Device;
  readonly intraOpThreads: number;
}

export type ExecutorEvent =
  | {
      readonly type: 'worker-ready';
      readonly slot: Slot;
      readonly pid: number;
      readonly providers: readonly string[];
      /** What the worker did with the optimised model, where the job keeps it; and why it did nothing. */
      readonly optimizedModel?: 'kept' | 'loaded' | undefined;
      readonly optimizedModelError?: string | undefined;
    }
  | ({ readonly type: 'batch-measured' } & BatchSize)
  /** Memory ran out; batches are smaller from now on. */
  | ({ readonly type: 'batch-reduced' } & BatchSize)
  | { readonly type: 'shard-started'; readonly shard: number; readonly attempt: number; readonly slot: Slot }
  | { readonly type: 'shard-progress'; readonly shard: number; readonly rows: number; readonly slot: Slot }
  | {
      readonly type: 'shard-done';
      readonly shard: number;
      readonly commit: Commit;
      readonly slot: Slot;
      readonly peakRssBytes: number;
    }
  | {
      readonly type: 'shard-failed';
      readonly shard: number;
      readonly attempt: number;
      readonly willRetry: boolean;
      /** Milliseconds until the next attempt, when there is one. */
      readonly retryAfterMs: number | undefined;
      readonly error: AppError;
      readonly slot: Slot;
    }
  | { readonly type: 'worker-lost'; readonly slot: Slot; readonly error: AppError }
  | { readonly type: 'worker-recycled'; readonly slot: Slot; readonly rssBytes: number };

/** Shards that are scored in batches of one size. */
export interface Round {
  /** undefined is that of the round before, or measured by the first worker. */
  readonly batch: BatchSize | undefined;
  readonly shards: readonly number[];
}

export interface ExecutionOptions {
  readonly slots: readonly Slot[];
  readonly plan: RunPlan;
  readonly shards: readonly Shard[];
  readonly outputFolder: string;
  readonly runId: string;
  /** undefined is measured by the first worker. */
  readonly batch: BatchSize | undefined;
  readonly prefetch: boolean;
  /** Batches that each worker scores before its first shard. */
  readonly warmupBatches: number;
  /** Keep each session's profile of its first shard. */
  readonly profile: boolean;
  /** The model as it was digested; undefined where what is predicted is thrown away. */
  readonly modelFiles?: readonly FileStamp[] | undefined;
  /** Folder of optimised models, where the job keeps its model's. */
  readonly optimizedModels?: string | undefined;
  readonly fallback: 'fail' | 'cpu';
  readonly maxWorkerMemoryBytes: number | undefined;
  /** A batch that takes longer costs its worker the life. */
  readonly batchTimeoutMs: number;
  readonly retry: RetryPolicy;
  /** Shards that may fail; each comes back as done, with all its rows rejected. */
  readonly maxFailedShards: number;
  /**
   * In place of `batch`, for who measures: one begins when every worker is ready, since they do not come up at the same
   * time, and the next when all of its shards are done.
   */
  readonly rounds?: readonly Round[];
  readonly signal: AbortSignal;
}

/** Runs shards somewhere. Each shard ends in one `shard-done`, or one `shard-failed` that will not be retried. */
export interface Executor extends AsyncDisposable {
  /** Starts the first worker before there is a plan, so that its native libraries load meanwhile. */
  warmUp(slot: Slot): void;
  /** @throws AppError WORKER_START_FAILED, PROVIDER_UNAVAILABLE and the like when no worker can be had */
  execute(options: ExecutionOptions): AsyncIterable<ExecutorEvent>;
}
