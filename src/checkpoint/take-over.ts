import { join } from 'node:path';
import { isThere, syncPath, writeError } from '../core/files.ts';
import type { BatchSize } from '../plan/batch-size.ts';
import type { Commit } from '../plan/commit.ts';
import { partName, rejectsName, runLayout } from '../plan/layout.ts';
import type { RunPlan, Shard } from '../plan/run-plan.ts';
import { sharedShards } from '../plan/shared-shards.ts';
import type { Manifest, StoredRun, Takeover, TakeoverRequest } from './contract.ts';
import { linkOver } from './link-file.ts';
import { findPart, readCommits, readRun, unfinishedRuns, writeCommit } from './run-store.ts';

/** Runs of a job whose shards may be taken over: unfinished ones, newest first, then the one that is published. */
export async function earlierRuns(
  outputFolder: string,
  job: string,
  previous: Manifest | undefined,
): Promise<readonly StoredRun[]> {
  const published = previous?.runs.map(({ runId }) => runId) ?? [];
  const runs = (await unfinishedRuns(outputFolder, published)).filter(({ plan }) => plan.job === job).reverse();
  const last = previous?.runs.findLast((run) => run.job === job);
  const run = last === undefined ? undefined : await readRun(outputFolder, last.runId);
  return run === undefined ? runs : [...runs, run];
}

/**
 * Shards of a plan that an earlier run has scored, and whose parts are whole. All have the batch size of the run, or
 * of each other: a model's last bits may depend on them.
 */
export async function findTakeovers(outputFolder: string, request: TakeoverRequest): Promise<readonly Takeover[]> {
  const { plan, previous } = request;
  const found = new Map<number, Takeover>();
  let { batch } = request;
  for (const run of await earlierRuns(outputFolder, plan.job, previous)) {
    if (run.runId === request.runId) continue;
    const shared = sharedShards(plan, run.plan);
    const commits = shared.size === 0 ? new Map<number, Commit>() : await readCommits(outputFolder, run.runId);
    const nameOf = publishedNames(run, request);
    for (const [index, shard] of shared) {
      const commit = commits.get(shard.index);
      if (commit === undefined || found.has(index) || request.done.has(index)) continue;
      if (plan.fixedBatchRows === undefined && !isSameBatch(commit, batch ?? commit)) continue;
      if (commit.rejects !== undefined) {
        // Rejects name the files of their rows.
        if (sourcesOf(plan, plan.shards[index]) !== sourcesOf(run.plan, shard)) continue;
        if (!(await isThere(rejectsPath(outputFolder, run.runId, commit.rejects)))) continue;
      }
      const part = await findPart(outputFolder, run.runId, { commit, publishedName: nameOf(commit) });
      if (part === undefined) continue;
      batch ??= commit;
      found.set(index, { shard: index, runId: run.runId, commit, part });
    }
  }
  return [...found.values()].sort((a, b) => a.shard - b.shard);
}

function isSameBatch(a: BatchSize, b: BatchSize): boolean {
  return a.batchRows === b.batchRows && a.batchTokens === b.batchTokens;
}

/**
 * Makes parts of earlier runs those of this one: links, flushed, then a commit each. May run again.
 * @throws AppError OUTPUT_UNWRITABLE, DISK_FULL
 */
export async function takeOver(
  outputFolder: string,
  { runId, plan }: StoredRun,
  takeovers: readonly Takeover[],
): Promise<readonly Commit[]> {
  const layout = runLayout(runId);
  const [staging, rejects] = [join(outputFolder, layout.staging), join(outputFolder, layout.rejects)];
  const commits: Commit[] = [];
  try {
    for (const { shard, runId: from, commit, part } of takeovers) {
      const name = partName(shard, plan.part);
      await linkOver(part, join(staging, name), join(staging, `${name}.tmp`));
      const taken = { ...commit, shard, part: name, takenFrom: commit.takenFrom ?? from };
      if (commit.rejects === undefined) {
        commits.push(taken);
        continue;
      }
      const rejected = rejectsName(shard);
      const source = rejectsPath(outputFolder, from, commit.rejects);
      await linkOver(source, join(rejects, rejected), join(rejects, `${rejected}.tmp`));
      commits.push({ ...taken, rejects: rejected });
    }
    for (const folder of [staging, rejects]) await syncPath(folder);
    for (const commit of commits) await writeCommit(outputFolder, runId, commit);
  } catch (error) {
    throw writeError(error, join(outputFolder, layout.folder));
  }
  return commits;
}

/** Where a run's parts lie once they are published, or a publish was cut off. */
function publishedNames({ runId, plan }: StoredRun, { previous, mode }: TakeoverRequest): (commit: Commit) => string {
  const own = previous?.parts.filter((part) => part.runId === runId) ?? [];
  const first = mode === 'append' ? (previous?.parts.length ?? 0) : 0;
  return ({ shard }) => own[shard]?.name ?? partName(first + shard, plan.part);
}

function rejectsPath(outputFolder: string, runId: string, name: string): string {
  return join(outputFolder, runLayout(runId).rejects, name);
}

function sourcesOf({ dataset }: RunPlan, shard: Shard | undefined): string {
  return shard?.ranges.map(({ file }) => dataset.files[file]?.source).join('\n') ?? '';
}
