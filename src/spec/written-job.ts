import { z } from 'zod';
import { parseJson } from '../core/parse-json.ts';
import { type JobSpec, jobSchema, type ScheduleSpec } from './job-spec.ts';

const storedSchema = z.strictObject({
  v: z.literal(1),
  name: z.string(),
  baseDir: z.string(),
  job: jobSchema,
});

/** A resolved job as a file keeps it: as people write jobs, defaults and all, variables filled. */
export function storedJobText({ name, baseDir, templates: _templates, ...job }: JobSpec): string {
  return `${JSON.stringify({ v: 1, name, baseDir, job: writtenJob(job) })}\n`;
}

/** @returns undefined when it is not a job that this version knows */
export function parseStoredJob(text: string): JobSpec | undefined {
  const { data } = storedSchema.safeParse(parseJson(text));
  return data === undefined ? undefined : { name: data.name, baseDir: data.baseDir, ...data.job };
}

/**
 * What `jobSchema` makes a resolved job of: parsing it again gives the same job, but for whom it notifies and what it
 * keeps: a repeat is told to nobody, scores itself, and the secrets of targets have no place in a file.
 */
export function writtenJob(job: Omit<JobSpec, 'name' | 'baseDir'>): Record<string, unknown> {
  const { input, execution, retry, errors, checks, schedule, notify: _notify, cache: _cache, ...rest } = job;
  const { paths, ...restOfInput } = input;
  const { batchTimeoutMs, maxWorkerMemoryBytes, ...restOfExecution } = execution;
  const { initialDelayMs, maxDelayMs, ...restOfRetry } = retry;
  const { maxRejected, maxFailedShards } = errors;
  return {
    ...rest,
    input: { ...restOfInput, path: paths },
    execution: {
      ...restOfExecution,
      batchTimeout: `${batchTimeoutMs}ms`,
      ...(maxWorkerMemoryBytes === undefined ? {} : { maxWorkerMemory: `${maxWorkerMemoryBytes / 1000}KB` }),
    },
    retry: { ...restOfRetry, initialDelay: `${initialDelayMs}ms`, maxDelay: `${maxDelayMs}ms` },
    errors: {
      maxRejected: 'rows' in maxRejected ? maxRejected.rows : `${percentText(maxRejected.fraction)}%`,
      maxFailedShards,
    },
    checks: checks.map(({ type, ...check }) => ({ [type]: check })),
    ...(schedule === undefined ? {} : { schedule: writtenSchedule(schedule) }),
  };
}

function writtenSchedule(schedule: ScheduleSpec): Record<string, unknown> {
  const { startingDeadlineMs, activeDeadlineMs, jitterMs, service, ...rest } = schedule;
  const { memoryMax, ...restOfService } = service;
  return {
    ...rest,
    jitter: `${jitterMs}ms`,
    ...(startingDeadlineMs === undefined ? {} : { startingDeadline: `${startingDeadlineMs}ms` }),
    ...(activeDeadlineMs === undefined ? {} : { activeDeadline: `${activeDeadlineMs}ms` }),
    service: { ...restOfService, ...(memoryMax === undefined ? {} : { memoryMax: `${memoryMax / 1000}KB` }) },
  };
}

/** Without an exponent, and so that dividing by 100 gives the same fraction again. */
function percentText(fraction: number): string {
  const percents = [15, 16, 17].map((digits) => Number((fraction * 100).toPrecision(digits)));
  const percent = percents.find((candidate) => candidate / 100 === fraction) ?? fraction * 100;
  const text = String(percent);
  return text.includes('e') ? percent.toFixed(20) : text;
}
