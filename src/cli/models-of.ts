import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { sha256OfFile } from '../core/files.ts';
import type { KeptModel } from '../run/caches.ts';
import { dateJob } from '../run/date-job.ts';
import type { JobSpec } from '../spec/job-spec.ts';
import { modelPathForm } from '../spec/model-path-form.ts';

/** Kept models that jobs use: made of a file at one of their paths, or of another one with the same bytes. */
export async function modelsOf(
  all: readonly KeptModel[],
  jobs: readonly JobSpec[],
  nowMs: number,
): Promise<readonly KeptModel[]> {
  if (all.length === 0) return [];
  const forms = jobs.map(modelPathForm);
  const paths = new Set(jobs.map((job) => modelPath(job, nowMs)));
  const digests = new Set(await Promise.all([...paths].map(digestOf)));
  return all.filter(({ path, sha256 }) => digests.has(sha256) || forms.some((form) => form.test(path)));
}

/** That of a run for now. */
function modelPath(job: JobSpec, nowMs: number): string {
  const dating = { logicalDate: nowMs, isAsked: false, runId: () => 'none' };
  const { model, baseDir } = dateJob(job, dating).job;
  return resolve(baseDir, model.path);
}

/** @returns undefined where there is no file, or none that can be read */
async function digestOf(path: string): Promise<string | undefined> {
  const info = await stat(path).catch(() => undefined);
  return info?.isFile() === true ? sha256OfFile(path).catch(() => undefined) : undefined;
}
