import { AppError } from '../core/errors.ts';
import { parseLogicalDate } from '../core/zoned-date.ts';
import { type DatedJob, dateJob } from '../run/date-job.ts';
import { newRunId } from '../run/open-run.ts';
import type { Ports } from '../run/ports.ts';
import { zoneOf } from '../spec/fill-templates.ts';
import type { JobSpec } from '../spec/job-spec.ts';

export interface DateFlags {
  /** The date that runs are for; now, if left out. */
  readonly date?: string;
  /** The run to go on with, whose id is filled in. */
  readonly resume?: string;
}

/**
 * The jobs for the date that the command line names, each in its zone; without one all are for the same instant.
 * @throws AppError USAGE
 */
export function dateJobs(
  ports: Pick<Ports, 'now' | 'randomId'>,
  jobs: readonly JobSpec[],
  { date, resume }: DateFlags,
): readonly DatedJob[] {
  const now = Math.floor(ports.now().getTime() / 1000) * 1000;
  return jobs.map((job) =>
    dateJob(job, {
      logicalDate: date === undefined ? now : askedDate(date, zoneOf(job), now),
      isAsked: date !== undefined,
      runId: () => resume ?? newRunId(ports),
    }),
  );
}

function askedDate(written: string, zone: string, now: number): number {
  try {
    return parseLogicalDate(written, zone, now);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const { code, message, hint } = error;
    throw new AppError(code, `--date ${message}`, { ...(hint === undefined ? {} : { hint }), cause: error });
  }
}
