import type { PublishedRun } from '../checkpoint/contract.ts';
import { isAlive } from '../core/host.ts';
import { type History, type JobKey, type RunRecord, shownState } from '../history/contract.ts';
import { seemsWhole } from '../run/seems-whole.ts';
import type { Partition, PartitionState } from '../schedule/backfill.ts';
import type { JobSpec } from '../spec/job-spec.ts';
import type { BackfillFlags } from './backfill-flags.ts';
import { newPorts } from './context.ts';
import { isByRun, isOfDateAlone, outputFor } from './partitions.ts';

export interface KnownOf {
  readonly history: History | undefined;
  readonly key: JobKey;
  readonly job: JobSpec;
  readonly every: BackfillFlags['every'];
}

export interface FoundPartition {
  readonly state: PartitionState;
  /** Where it lies, or would. */
  readonly output: string;
}

/** What lies there is the truth; the history only tells what failed, and where runs lie that have outputs of their own. */
export async function findPartition(partition: Partition, known: KnownOf): Promise<FoundPartition> {
  const { history, key, job } = known;
  const records = history?.runsOf({ ...key, logicalDates: [partition.dateMs] }) ?? [];
  const outputs = isByRun(job) ? outputsOfRuns(partition, { job, records }) : [partition.output];
  let isDamaged = false;
  for (const output of outputs) {
    const published = await newPorts().store.readPublished(output);
    const ids = published?.runs.filter((run) => isRunOf(run, partition, known)).map(({ runId }) => runId) ?? [];
    if (published === undefined || ids.length === 0) continue;
    const parts = published.parts.filter(({ runId }) => ids.includes(runId));
    if (await seemsWhole(output, parts)) return { state: 'published', output };
    isDamaged = true;
  }
  const [latest] = records;
  const state = latest === undefined ? undefined : shownState(latest, isAlive);
  const { output } = partition;
  if (state === 'interrupted' || state === 'died') return { state: 'interrupted', output };
  if (state === 'failed') return { state, output };
  return { state: isDamaged ? 'damaged' : 'missing', output };
}

interface RecordsOf {
  readonly job: JobSpec;
  readonly records: readonly RunRecord[];
}

/** Where the date's runs lie, newest first; one whose folder the job would name otherwise by now is elsewhere. */
function outputsOfRuns({ dateMs }: Partition, { job, records }: RecordsOf): readonly string[] {
  const outputs = records.flatMap(({ runId, outputPath }) =>
    outputPath !== undefined && outputFor(job, dateMs, runId) === outputPath ? [outputPath] : [],
  );
  return [...new Set(outputs)];
}

/** Older versions wrote no date: then the path has to tell it. */
function isRunOf(run: PublishedRun, { dateMs }: Partition, { job, every }: KnownOf): boolean {
  if (run.job !== job.name) return false;
  return run.logicalDate === undefined ? isOfDateAlone(job, dateMs, every) : Date.parse(run.logicalDate) === dateMs;
}
