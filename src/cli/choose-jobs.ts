import { resolve } from 'node:path';
import { AppError } from '../core/errors.ts';
import { nearest } from '../core/suggest.ts';
import type { DatedJob } from '../run/date-job.ts';
import type { JobRequest } from '../run/job-request.ts';
import type { JobSpec } from '../spec/job-spec.ts';
import type { LoadedSpec } from '../spec/load-spec.ts';
import { formatLocation, formatPath, type PlaceInText, type SpecPath } from '../spec/location.ts';

/**
 * The jobs that are named, in that order and each once; all of them when none is.
 * @throws AppError USAGE for a name that the spec has not
 */
export function chooseJobs(spec: LoadedSpec, names: readonly string[]): readonly JobSpec[] {
  if (names.length === 0) return spec.jobs;
  const all = spec.jobs.map((job) => job.name);
  return [...new Set(names)].map((name) => {
    const job = spec.jobs.find((candidate) => candidate.name === name);
    if (job !== undefined) return job;
    const near = nearest(name, all);
    throw new AppError('USAGE', `${spec.path} has no job ${name}`, {
      hint: near === undefined ? `its jobs are ${all.join(', ')}` : `did you mean ${near}?`,
    });
  });
}

/**
 * Keeps jobs of one run from publishing over each other.
 * @throws AppError SPEC_INVALID when two of them have the same output folder
 */
export function checkOutputs(spec: LoadedSpec, jobs: readonly DatedJob[]): void {
  const owners = new Map<string, string>();
  for (const { job } of jobs) {
    const folder = resolve(job.baseDir, job.output.path);
    const owner = owners.get(folder);
    if (owner !== undefined) {
      throw new AppError(
        'SPEC_INVALID',
        `${place(spec, ['jobs', job.name, 'output', 'path'])}: ${job.output.path} is the output of job ${owner} too`,
        { hint: 'give each job a folder of its own, or run one of them alone', details: { jobs: [owner, job.name] } },
      );
    }
    owners.set(folder, job.name);
  }
}

/** A job with what it takes to point at its lines in messages. */
export function jobRequest(spec: LoadedSpec, dated: DatedJob): Omit<JobRequest, 'signal'> {
  const { job } = dated;
  return {
    ...dated,
    baseDir: spec.baseDir,
    locate: (path, within) => place(spec, ['jobs', job.name, ...path], within),
  };
}

function place(spec: LoadedSpec, path: SpecPath, within?: PlaceInText): string {
  return `${formatLocation(spec.where(path, within))} ${formatPath(path)}`;
}
