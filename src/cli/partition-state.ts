import type { PublishedRun } from '../checkpoint/contract.ts';
import { isAlive } from '../core/host.ts';
import { type History, type JobKey, type RunRecord, shownState } from '../history/contract.ts';
import type { Partition, PartitionState } from '../schedule/backfill.ts';
import { usesTemplates } from '../spec/fill-templates.ts';
import type { JobSpec } from '../spec/job-spec.ts';
import type { BackfillFlags } from './backfill-command.ts';
import { newPorts } from './context.ts';
import { isOfDateAlone } from './partitions.ts';

export interface KnownOf {
  readonly history: History | undefined;
  readonly key: JobKey;
  readonly job: JobSpec;
  readonly every: BackfillFlags['every'];
}

/** What lies there is the truth; the history only tells what failed. */
export async function partitionState(partition: Partition, known: KnownOf): Promise<PartitionState> {
  const { history, key, job } = known;
  const records = history?.runsOf({ ...key, logicalDates: [partition.dateMs] }) ?? [];
  const published = await newPorts().store.readPublished(outputOf(partition, records, usesTemplates(job, 'run.id')));
  if (published?.runs.some((run) => isRunOf(run, partition, known)) === true) return 'published';
  const [latest] = records;
  const state = latest === undefined ? undefined : shownState(latest, isAlive);
  return state === 'failed' || state === 'interrupted' || state === 'died' ? 'failed' : 'missing';
}

function outputOf({ output }: Partition, records: readonly RunRecord[], isByRun: boolean): string {
  const published = isByRun ? records.find(({ state }) => state === 'published') : undefined;
  return published?.outputPath ?? output;
}

/** Older versions wrote no date: then the path has to tell it. */
function isRunOf(run: PublishedRun, { dateMs }: Partition, { job, every }: KnownOf): boolean {
  if (run.job !== job.name) return false;
  return run.logicalDate === undefined ? isOfDateAlone(job, dateMs, every) : Date.parse(run.logicalDate) === dateMs;
}
