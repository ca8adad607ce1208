import { formatLogicalDate } from '../core/zoned-date.ts';
import { fillTemplates, usesTemplates, zoneOf } from '../spec/fill-templates.ts';
import type { JobSpec } from '../spec/job-spec.ts';

/** What a run is for. */
export interface RunDate {
  /** ISO 8601 with the offset of the job's zone, to the second. */
  readonly logicalDate: string;
  /** Whether it was asked for; else it is the time of the command, and an unfinished run keeps its own. */
  readonly isAsked: boolean;
  /** Whether the job is another one on another date, or somebody asked for this one: then people are told of it. */
  readonly isShown: boolean;
}

export interface DatedJob {
  /** Its templates are filled. */
  readonly job: JobSpec;
  readonly date: RunDate;
  /** The id that the run must have, since it is filled in. */
  readonly runId?: string;
}

export interface Dating {
  /** Epoch milliseconds. */
  readonly logicalDate: number;
  readonly isAsked: boolean;
  /** The id of the run, if its job names it. */
  readonly runId: () => string;
}

/** A job for a date. @throws AppError USAGE when a template cannot be filled */
export function dateJob(job: JobSpec, { logicalDate, isAsked, runId }: Dating): DatedJob {
  const zone = zoneOf(job);
  const id = usesTemplates(job, 'run.id') ? { runId: runId() } : {};
  return {
    job: fillTemplates(job, { logicalDate, zone, runId: '', ...id }),
    date: {
      logicalDate: formatLogicalDate(logicalDate, zone),
      isAsked,
      isShown: isAsked || usesTemplates(job, 'date'),
    },
    ...id,
  };
}

/** A logical date for people: a day where it is the first instant of one, else as it is. */
export function dateText(logicalDate: string): string {
  return logicalDate.replace(/T00:00:00[+-]\d{2}:\d{2}$/, '');
}
