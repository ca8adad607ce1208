import type { Manifest, StoredRun } from '../checkpoint/contract.ts';
import { AppError } from '../core/errors.ts';
import { chosenBatch } from '../plan/batch-size.ts';
import { type EarlierRun, explainShards, type ShardFate } from '../plan/explain-shards.ts';
import type { RunPlan } from '../plan/run-plan.ts';
import type { Ports } from './ports.ts';
import type { PreparedJob } from './prepare-job.ts';

/** How a run would begin, given what is in its output folder now. */
export type RunStart =
  | { readonly state: 'new'; readonly publishedRunId: string | undefined; readonly publishedParts: number }
  | { readonly state: 'resume'; readonly runId: string; readonly shardsDone: number }
  | { readonly state: 'skip'; readonly publishedRunId: string | undefined }
  | { readonly state: 'refuse'; readonly error: AppError };

export interface ExplainedStart {
  readonly start: RunStart;
  /** One a shard of the plan, in order. */
  readonly shards: readonly ShardFate[];
}

interface Planned {
  readonly plan: RunPlan;
  readonly restart: boolean;
}

/** What `openRun` would find, and what that means for each shard; writes nothing, and `refuse` holds what it would throw. */
export async function explainStart(ports: Ports, prepared: PreparedJob, planned: Planned): Promise<ExplainedStart> {
  const { outputFolder, fingerprint, identity, request } = prepared;
  const { mode } = request.job.output;
  const { plan, restart } = planned;
  const fates = { shards: explainShards(plan, undefined) };
  const isByContent = request.job.resume === 'byContent' && !restart;
  try {
    const previous = await ports.store.readPublished(outputFolder);
    const latest = await latestRun(ports, prepared, { previous, isByContent });
    const takeovers = isByContent ? await takeoversFor(ports, prepared, { plan, previous, latest }) : undefined;
    if (latest !== undefined) {
      const earlier = await earlierRun(ports, latest, { ...prepared, restart, previous });
      fates.shards = explainShards(plan, earlier, takeovers);
      if (!restart && latest.plan.fingerprint === fingerprint)
        return { start: { state: 'resume', runId: latest.runId, shardsDone: earlier.valid.size }, ...fates };
    }
    const wanted = { job: request.job.name, fingerprint, identity, isByContent };
    if (!restart) await ports.store.findResumable(outputFolder, wanted, previous);
    const publishedRunId = previous?.runs.at(-1)?.runId;
    if ((await ports.store.check(outputFolder, mode, previous)) === 'skip')
      return { start: { state: 'skip', publishedRunId }, shards: idle(fates.shards, 'output.mode is ignore') };
    return { start: { state: 'new', publishedRunId, publishedParts: previous?.parts.length ?? 0 }, ...fates };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const reason = error.code === 'FINGERPRINT_CHANGED' ? undefined : error.code;
    return { start: { state: 'refuse', error }, shards: idle(fates.shards, reason) };
  }
}

/** The unfinished run that would be gone on with, else the one that stands in the way, or is taken over from. */
async function latestRun(
  ports: Ports,
  { outputFolder, fingerprint, request }: PreparedJob,
  { previous, isByContent }: { readonly previous: Manifest | undefined; readonly isByContent: boolean },
): Promise<StoredRun | undefined> {
  const runs = await ports.store.earlierRuns(outputFolder, request.job.name, previous);
  const isUnfinished = ({ runId }: StoredRun) => previous?.runs.some((run) => run.runId === runId) !== true;
  const unfinished = runs.filter(isUnfinished);
  const same = unfinished.find(({ plan }) => plan.fingerprint === fingerprint);
  return same ?? (isByContent ? runs : unfinished)[0];
}

/** @returns the runs that have them, by shard */
async function takeoversFor(
  ports: Ports,
  { outputFolder, fingerprint, request }: PreparedJob,
  by: { readonly plan: RunPlan; readonly previous: Manifest | undefined; readonly latest: StoredRun | undefined },
): Promise<ReadonlyMap<number, string>> {
  const { output, execution } = request.job;
  const runId = by.latest?.plan.fingerprint === fingerprint ? by.latest.runId : undefined;
  const measured = runId === undefined ? undefined : await ports.store.readBatch(outputFolder, runId);
  const batch = chosenBatch(by.plan, execution, measured);
  const asked = { plan: by.plan, runId, previous: by.previous, mode: output.mode, batch, done: new Set<number>() };
  const takeovers = await ports.store.findTakeovers(outputFolder, asked);
  return new Map(takeovers.map(({ shard, runId: from }) => [shard, from]));
}

async function earlierRun(
  ports: Ports,
  run: StoredRun,
  by: Pick<PreparedJob, 'outputFolder' | 'request'> & {
    readonly restart: boolean;
    readonly previous: Manifest | undefined;
  },
): Promise<EarlierRun & { readonly valid: ReadonlySet<number> }> {
  const { outputFolder, request, restart, previous } = by;
  const { mode } = request.job.output;
  const commits = await ports.store.readCommits(outputFolder, run.runId);
  const valid = await ports.store.validCommits(outputFolder, run, { mode, previous });
  return {
    plan: run.plan,
    committed: new Set(commits.keys()),
    valid: new Set(valid.keys()),
    isDiscarded: restart,
  };
}

/** Of a run that would not begin: nothing is scored. */
function idle(shards: readonly ShardFate[], reason: string | undefined): readonly ShardFate[] {
  return shards.map((shard) => ({ ...shard, willRun: false, reason: reason ?? shard.reason }));
}
