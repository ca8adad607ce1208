import { resolve } from 'node:path';
import type { JobSpec } from '../spec/job-spec.ts';

/** What is kept of predictions in a folder, as far as looking tells. */
export interface KeptPredictions {
  /** `new` where nothing is kept yet; `damaged` where nobody can tell what is. */
  readonly state: 'new' | 'kept' | 'damaged';
  readonly entries: number;
  /** On the disk, with the journal. */
  readonly sizeBytes: number;
  /** Days, as in 2026-11-26; absent where there are no entries. */
  readonly oldestUse?: string;
  readonly newestUse?: string;
}

export interface KeptModel {
  readonly folder: string;
  /** The model that it was made of. */
  readonly path: string;
  readonly sha256: string;
  readonly runtime: string;
  readonly provider: string;
  readonly graphOptimization: string;
  readonly processor: string;
  readonly sizeBytes: number;
  readonly usedAtMs: number;
}

export interface Clearing {
  /** What was used since stays; undefined clears all. */
  readonly beforeMs: number | undefined;
  readonly dryRun: boolean;
}

export interface Cleared {
  readonly entries: number;
  readonly sizeBytes: number;
  /** It was damaged, and has gone whole. */
  readonly isDamaged?: true;
}

/** What runs keep for other runs; all of it may be used and written while it is looked at or cleared. */
export interface Caches {
  /**
   * Whether predictions can be kept in a folder; writes nothing.
   * @throws AppError CACHE_UNAVAILABLE
   */
  readonly check: (folder: string) => Promise<unknown>;
  /**
   * What is kept there, be it damaged; writes nothing, and counts all of it.
   * @throws AppError CACHE_UNAVAILABLE
   */
  readonly look: (folder: string) => Promise<KeptPredictions>;
  /**
   * A cache that is damaged goes whole, or not at all where something is to stay.
   * @throws AppError CACHE_UNAVAILABLE
   */
  readonly clear: (folder: string, clearing: Clearing) => Promise<Cleared>;
  /** The last used first. */
  readonly models: (stateFolder: string) => Promise<readonly KeptModel[]>;
  /** @returns whether it went: one that is being made stays */
  readonly removeModel: (model: KeptModel) => Promise<boolean>;
}

/** The cache of a job, and what is in it. */
export interface JobCache extends KeptPredictions {
  readonly folder: string;
  readonly maxSizeBytes: number;
}

/**
 * Refuses a cache that could not be used, before anything is scored.
 * @throws AppError CACHE_UNAVAILABLE
 */
export async function checkCache(caches: Caches, { cache, baseDir }: JobSpec): Promise<void> {
  if (cache !== undefined) await caches.check(resolve(baseDir, cache.path));
}

/**
 * What a job's run would use; undefined where the job keeps nothing.
 * @throws AppError CACHE_UNAVAILABLE
 */
export async function lookAtCache(caches: Caches, { cache, baseDir }: JobSpec): Promise<JobCache | undefined> {
  if (cache === undefined) return undefined;
  const folder = resolve(baseDir, cache.path);
  await caches.check(folder);
  return { folder, maxSizeBytes: cache.maxSizeBytes, ...(await caches.look(folder)) };
}
