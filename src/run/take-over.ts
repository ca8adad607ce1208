import type { StoredRun } from '../checkpoint/contract.ts';
import { chosenBatch } from '../plan/batch-size.ts';
import type { Commit } from '../plan/commit.ts';
import { shardRowCount } from '../plan/run-plan.ts';
import type { JobSpec } from '../spec/job-spec.ts';
import type { RunEventBody } from './events.ts';
import type { RunPlace } from './open-run.ts';
import type { Ports } from './ports.ts';

interface Taking {
  /** Everything is to be scored. */
  readonly isAnew: boolean;
  readonly job: JobSpec;
  readonly run: StoredRun;
  readonly place: RunPlace;
  readonly done: ReadonlyMap<number, Commit>;
}

export interface Taken {
  readonly commits: readonly Commit[];
  readonly event: RunEventBody | undefined;
}

/**
 * With `resume: byContent`, takes over shards whose input files have the content that they had in an earlier run. The
 * unfinished runs that are not needed any more then go.
 */
export async function takeOverShards(ports: Ports, { isAnew, job, run, place, done }: Taking): Promise<Taken> {
  const { outputFolder, mode, previous } = place;
  const isWhole = done.size === run.plan.shards.length;
  if (job.resume !== 'byContent' || isAnew || isWhole) return { commits: [], event: undefined };
  const measured = await ports.store.readBatch(outputFolder, run.runId);
  const batch = chosenBatch(run.plan, job.execution, measured);
  const asked = { ...run, mode, previous, batch, done: new Set(done.keys()) };
  const takeovers = await ports.store.findTakeovers(outputFolder, asked);
  const [first] = takeovers;
  if (first !== undefined && batch === undefined) await ports.store.writeBatch(outputFolder, run.runId, first.commit);
  const commits = await ports.store.takeOver(outputFolder, run, takeovers);
  await ports.store.discardOthers(outputFolder, run, previous);
  if (first === undefined) return { commits, event: undefined };
  const shards = new Set(commits.map(({ shard }) => shard));
  const rows = run.plan.shards.filter(({ index }) => shards.has(index)).reduce((sum, at) => sum + shardRowCount(at), 0);
  const from = [...new Set(takeovers.map(({ runId }) => runId))];
  return { commits, event: { type: 'shards-taken-over', shards: commits.length, rows, from } };
}

/** Rows of commits that earlier runs scored. */
export function takenOverRows(commits: readonly Commit[]): number {
  return commits.reduce((sum, commit) => sum + (commit.takenFrom === undefined ? 0 : commit.rowsIn), 0);
}
