import { resolve } from 'node:path';
import { AppError } from '../core/errors.ts';
import { type DateShift, formatLogicalDate, shift } from '../core/zoned-date.ts';
import { dateJob } from '../run/date-job.ts';
import type { Partition } from '../schedule/backfill.ts';
import { nextStart, partitionDates } from '../schedule/partition-dates.ts';
import { zoneOf } from '../spec/fill-templates.ts';
import type { JobSpec } from '../spec/job-spec.ts';
import type { BackfillFlags } from './backfill-flags.ts';

type Unit = BackfillFlags['every'];

export interface PartitionsOf extends Pick<BackfillFlags, 'every' | 'reverse'> {
  readonly from: string;
  readonly to: string;
}

/** @throws AppError USAGE where the dates would publish over each other */
export function partitionsOf(job: JobSpec, { from, to, every, reverse }: PartitionsOf): readonly Partition[] {
  const zone = zoneOf(job);
  const dates = partitionDates({ from, to, every, zone, nowMs: Date.now() });
  const partitions = dates.map((dateMs) => ({
    dateMs,
    logicalDate: formatLogicalDate(dateMs, zone),
    output: outputFor(job, dateMs),
  }));
  // With the ids of their runs in them, no two are the same.
  if (!isByRun(job)) checkDistinct(job, partitions, every);
  return reverse === true ? partitions.toReversed() : partitions;
}

function checkDistinct(job: JobSpec, partitions: readonly Partition[], every: Unit): void {
  const [first, second] = partitions;
  const areDistinct = new Set(partitions.map(({ output }) => output)).size === partitions.length;
  if (areDistinct || job.output.mode === 'append') return;
  const shared = first?.output === second?.output ? first : undefined;
  throw new AppError(
    'USAGE',
    `job ${job.name} would publish several ${every}s to ${shared?.output ?? 'the same folder'}, each over the last`,
    { hint: `put the date into output.path, like \`out/${job.name}/dt=\${date}\`, or let output.mode be append` },
  );
}

interface OutputsOf {
  readonly partitions: readonly Partition[];
  readonly every: Unit;
}

/** Whether other dates, of this backfill or not, have the output of one of these. */
export function sharesOutput(job: JobSpec, { partitions, every }: OutputsOf): boolean {
  if (isByRun(job)) return false;
  const outputs = new Set(partitions.map(({ output }) => output));
  if (outputs.size < partitions.length) return true;
  const last = Math.max(...partitions.map(({ dateMs }) => dateMs));
  return outputs.has(outputFor(job, nextStart(last, zoneOf(job), every)));
}

/** After what a path may come again, by what the runs are for; the 31st needs two months, and 29 February four years. */
const returns: Readonly<Record<Unit, readonly DateShift[]>> = {
  month: [{ months: 1 }, { years: 1 }],
  day: [{ days: 1 }, { weeks: 1 }, { months: 1 }, { months: 2 }, { years: 1 }, { years: 4 }],
  hour: [{ hours: 1 }, { days: 1 }, { weeks: 1 }, { months: 1 }, { months: 2 }, { years: 1 }, { years: 4 }],
};

/** Whether no other date has the output of this one, so that what lies there needs no date to be of it. */
export function isOfDateAlone(job: JobSpec, dateMs: number, every: Unit): boolean {
  const own = outputFor(job, dateMs);
  return returns[every].every((by) => outputFor(job, shift(dateMs, zoneOf(job), by)) !== own);
}

/** Whether each run has an output of its own, which lies nowhere before it runs. */
export function isByRun(job: JobSpec): boolean {
  return outputFor(job, 0, 'a') !== outputFor(job, 0, 'b');
}

/** Stands for an id that is not known yet. */
const templateId = 'run-id-to-come';

/** Absolute; where the id of the run is not known yet, its template stays. */
export function outputFor(job: JobSpec, logicalDate: number, runId = templateId): string {
  const { output } = dateJob(job, { logicalDate, isAsked: true, runId: () => runId }).job;
  const path = resolve(job.baseDir, output.path);
  return runId === templateId ? path.replaceAll(templateId, `\${run.id}`) : path;
}
