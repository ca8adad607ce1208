import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Caches, KeptModel } from '../run/caches.ts';
import type { JobSpec } from '../spec/job-spec.ts';
import type { CacheFlags } from './cache-flags.ts';
import { chooseJobs } from './choose-jobs.ts';
import type { Io } from './io.ts';
import { modelsOf } from './models-of.ts';
import { openSpec } from './open-spec.ts';

const usualSpec = 'jobs.yaml';

export interface CacheRequest<Flags extends CacheFlags = CacheFlags> {
  /** undefined where nobody names one. */
  readonly spec: string | undefined;
  readonly names: readonly string[];
  readonly flags: Flags;
}

/** A folder of predictions, and the jobs that share it. */
export interface JobsCache {
  readonly folder: string;
  readonly jobs: readonly JobSpec[];
  readonly maxSizeBytes: number;
}

export interface ChosenCaches {
  /** Absolute. */
  readonly specPath: string | undefined;
  readonly predictions: readonly JobsCache[];
  /** Those of the jobs' models; all where nobody names a spec. */
  readonly models: readonly KeptModel[];
}

/** @throws AppError SPEC_NOT_FOUND, SPEC_INVALID, USAGE */
export async function chosenCaches(io: Io, caches: Caches, request: CacheRequest): Promise<ChosenCaches> {
  const { names, flags } = request;
  const all = await caches.models(resolve(flags.stateDir));
  const spec = request.spec ?? (existsSync(usualSpec) ? usualSpec : undefined);
  if (spec === undefined) {
    io.err(`no ${usualSpec} here; name a spec for its predictions\n`);
    return { specPath: undefined, predictions: [], models: all };
  }
  const loaded = await openSpec({ spec, names, flags });
  const jobs = chooseJobs(loaded, names);
  const models = request.spec === undefined ? all : await modelsOf(all, jobs, Date.now());
  return { specPath: resolve(spec), predictions: byFolder(jobs), models };
}

function byFolder(jobs: readonly JobSpec[]): readonly JobsCache[] {
  const found = new Map<string, JobsCache>();
  for (const job of jobs) {
    if (job.cache === undefined) continue;
    const folder = resolve(job.baseDir, job.cache.path);
    const { jobs: others = [], maxSizeBytes = 0 } = found.get(folder) ?? {};
    const most = Math.max(maxSizeBytes, job.cache.maxSizeBytes);
    found.set(folder, { folder, jobs: [...others, job], maxSizeBytes: most });
  }
  return [...found.values()];
}
