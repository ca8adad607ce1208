import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { AppError } from '../core/errors.ts';
import {
  isThere,
  makeFolder,
  readIfPresent,
  sha256OfFile,
  syncPath,
  writeError,
  writeFileAtomic,
} from '../core/files.ts';
import { parseJson } from '../core/parse-json.ts';
import type { BatchSize } from '../plan/batch-size.ts';
import { type Commit, commitSchema } from '../plan/commit.ts';
import { changedFields, differInInput } from '../plan/fingerprint.ts';
import { commitName, metaFolder, runLayout, runsFolder, versionLayout } from '../plan/layout.ts';
import { type RunPlan, runPlanSchema } from '../plan/run-plan.ts';
import type { StoredRun, WantedRun } from './contract.ts';
import type { Manifest } from './manifest.ts';

/** Makes the folders of a new run; its plan is written when it is decided. */
export async function createRunFolders(outputFolder: string, runId: string): Promise<void> {
  await removeUnplanned(outputFolder);
  const layout = runLayout(runId);
  for (const folder of [layout.staging, layout.commits, layout.rejects, layout.input])
    await makeFolder(join(outputFolder, folder));
}

/** Runs that were killed while they were planned: nobody can go on with them, and their copies of the input are big. */
async function removeUnplanned(outputFolder: string): Promise<void> {
  for (const runId of await readdir(join(outputFolder, runsFolder)).catch(() => [])) {
    const { plan, staging } = runLayout(runId);
    if (await isThere(join(outputFolder, plan))) continue;
    if (await isThere(join(outputFolder, staging))) await removeRun(outputFolder, runId);
  }
}

/**
 * Who finds a plan goes on with it, so what it tells of is flushed first: copies of the input, lines that were rejected,
 * and the run's folder with all that lead to it.
 */
export async function writePlan(outputFolder: string, runId: string, plan: RunPlan): Promise<void> {
  const layout = runLayout(runId);
  for (const name of [layout.input, layout.rejects]) {
    const folder = join(outputFolder, name);
    for (const file of await readdir(folder)) await syncPath(join(folder, file));
    await syncPath(folder);
  }
  for (const folder of [layout.folder, runsFolder, metaFolder, '.']) await syncPath(join(outputFolder, folder));
  await syncPath(dirname(outputFolder));
  await writeFileAtomic(join(outputFolder, layout.plan), `${JSON.stringify(plan)}\n`);
}

/** A run by its id; undefined when its plan is gone or cannot be read. */
export async function readRun(outputFolder: string, runId: string): Promise<StoredRun | undefined> {
  const text = await readIfPresent(join(outputFolder, runLayout(runId).plan));
  const parsed = text === undefined ? undefined : runPlanSchema.safeParse(parseJson(text));
  return parsed?.success === true ? { runId, plan: parsed.data } : undefined;
}

/**
 * Runs with a plan that are not published, oldest first; run ids sort by time. A run whose staging folder is gone was
 * published once, and replaced since.
 */
export async function unfinishedRuns(
  outputFolder: string,
  published: readonly string[],
): Promise<readonly StoredRun[]> {
  const names = await readdir(join(outputFolder, runsFolder)).catch(() => []);
  const runs: StoredRun[] = [];
  for (const runId of names.sort()) {
    if (published.includes(runId)) continue;
    if (!(await isThere(join(outputFolder, runLayout(runId).staging)))) continue;
    const run = await readRun(outputFolder, runId);
    if (run !== undefined) runs.push(run);
  }
  return runs;
}

/**
 * The unfinished run that may go on, if there is one.
 * @throws AppError FINGERPRINT_CHANGED when the latest one was planned for something else
 */
export function resumable(runs: readonly StoredRun[], wanted: WantedRun): StoredRun | undefined {
  const own = runs.filter((run) => run.plan.job === wanted.job);
  const same = own.findLast((run) => run.plan.fingerprint === wanted.fingerprint);
  const last = own.at(-1);
  if (same !== undefined || last === undefined) return same;
  if (wanted.isByContent === true && differInInput(last.plan.identity, wanted.identity)) return undefined;
  throw changedSince(last, wanted);
}

/**
 * The unfinished run of that id.
 * @throws AppError USAGE when there is none, FINGERPRINT_CHANGED when it was planned for something else
 */
export function requested(runs: readonly StoredRun[], wanted: WantedRun & { readonly runId: string }): StoredRun {
  const own = runs.filter((run) => run.plan.job === wanted.job);
  const run = own.find(({ runId }) => runId === wanted.runId);
  if (run === undefined) throw noSuchRun(runs, wanted);
  if (run.plan.fingerprint !== wanted.fingerprint) throw changedSince(run, wanted);
  return run;
}

function noSuchRun(runs: readonly StoredRun[], { job, runId }: WantedRun & { readonly runId: string }): AppError {
  const texts = runs.map((run) => (run.plan.job === job ? run.runId : `${run.runId} (of job ${run.plan.job})`));
  return new AppError('USAGE', `--resume ${runId}: job ${job} has no such unfinished run`, {
    hint:
      texts.length === 0
        ? 'nothing is unfinished there: leave --resume out to begin a new run'
        : `what is unfinished there: ${texts.join(', ')}`,
    details: { runs: runs.map((run) => run.runId) },
  });
}

function changedSince(run: StoredRun, wanted: WantedRun): AppError {
  const changed = changedFields(run.plan.identity, wanted.identity);
  return new AppError(
    'FINGERPRINT_CHANGED',
    `run ${run.runId} of job ${wanted.job} is unfinished, and since then changed: ${changed.join(', ')}`,
    {
      hint: 'score everything anew with --restart, or put back what changed to go on',
      details: { runId: run.runId, changed },
    },
  );
}

/** Commits of a run by shard; records that cannot be read count as absent. */
export async function readCommits(outputFolder: string, runId: string): Promise<ReadonlyMap<number, Commit>> {
  const folder = join(outputFolder, runLayout(runId).commits);
  const names = await readdir(folder).catch(() => []);
  const commits = new Map<number, Commit>();
  for (const name of names) {
    const text = await readIfPresent(join(folder, name));
    const parsed = text === undefined ? undefined : commitSchema.safeParse(parseJson(text));
    if (parsed?.success === true && name === commitName(parsed.data.shard)) commits.set(parsed.data.shard, parsed.data);
  }
  return commits;
}

/** Flushed with its folder; the part and the rejects that it names must be flushed before. */
export async function writeCommit(outputFolder: string, runId: string, commit: Commit): Promise<void> {
  const path = join(outputFolder, runLayout(runId).commits, commitName(commit.shard));
  await writeFileAtomic(path, `${JSON.stringify(commit)}\n`);
}

/** Commits whose parts are whole, in staging or under `publishedName`, where a publish that was cut off moved them. */
export async function validCommits(options: {
  outputFolder: string;
  runId: string;
  publishedName: (commit: Commit) => string;
}): Promise<ReadonlyMap<number, Commit>> {
  const { outputFolder, runId, publishedName } = options;
  const valid = new Map<number, Commit>();
  for (const [shard, commit] of await readCommits(outputFolder, runId)) {
    const part = await findPart(outputFolder, runId, { commit, publishedName: publishedName(commit) });
    if (part !== undefined) valid.set(shard, commit);
  }
  return valid;
}

/** Where the whole part of a commit lies: in staging, or where a publish moved it. */
export async function findPart(
  outputFolder: string,
  runId: string,
  { commit, publishedName }: { readonly commit: Commit; readonly publishedName: string },
): Promise<string | undefined> {
  const places = [
    join(outputFolder, runLayout(runId).staging, commit.part),
    join(outputFolder, publishedName),
    join(outputFolder, versionLayout(runId).folder, publishedName),
  ];
  for (const place of places) if (await isWhole(place, commit)) return place;
  return undefined;
}

/** Whether a file is the one that a record tells of: the size first, since it is cheap. */
export async function isWhole(
  path: string,
  record: { readonly sizeBytes: number; readonly sha256: string },
): Promise<boolean> {
  const info = await stat(path).catch(() => undefined);
  if (info?.isFile() !== true || info.size !== record.sizeBytes) return false;
  return (await sha256OfFile(path)) === record.sha256;
}

const positive = z.int().positive();
const batchSchema = z.object({ batchRows: positive, batchTokens: positive.optional() });

export async function readBatch(outputFolder: string, runId: string): Promise<BatchSize | undefined> {
  const text = await readIfPresent(join(outputFolder, runLayout(runId).execution));
  return text === undefined ? undefined : batchSchema.safeParse(parseJson(text)).data;
}

/** The batch size is kept for the run, since some models' last bits depend on it. */
export async function writeBatch(outputFolder: string, runId: string, batch: BatchSize): Promise<void> {
  const { batchRows, batchTokens } = batch;
  await writeFileAtomic(
    join(outputFolder, runLayout(runId).execution),
    `${JSON.stringify({ batchRows, batchTokens })}\n`,
  );
}

/** @throws AppError OUTPUT_UNWRITABLE */
export async function removeRun(outputFolder: string, runId: string): Promise<void> {
  const folder = join(outputFolder, runLayout(runId).folder);
  await rm(folder, { recursive: true, force: true }).catch((error: unknown) =>
    Promise.reject(writeError(error, folder)),
  );
  await removeVersion(outputFolder, runId);
}

/** The manifest goes first: what is cut off here is no version any more. */
export async function removeVersion(outputFolder: string, runId: string): Promise<void> {
  const { folder, manifest } = versionLayout(runId);
  if (!(await isThere(join(outputFolder, folder)))) return;
  await rm(join(outputFolder, manifest), { force: true });
  await rm(join(outputFolder, folder), { recursive: true, force: true });
}

/** Removes runs that ended and that no manifest names, e.g. because whoever replaced them was killed. */
export async function removeEnded(outputFolder: string, named: ReadonlySet<string>): Promise<void> {
  for (const runId of await readdir(join(outputFolder, runsFolder))) {
    const isUnfinished = await isThere(join(outputFolder, runLayout(runId).staging));
    if (!named.has(runId) && !isUnfinished) await removeRun(outputFolder, runId);
  }
}

/** Drops what only an unfinished run needs; plan, commits and rejects stay for `verify`. */
export async function tidyRun(outputFolder: string, runId: string): Promise<void> {
  const { folder, commits, rejects, input, staging } = runLayout(runId);
  for (const holder of [folder, commits, rejects]) await removeTemporary(join(outputFolder, holder), /\.tmp$/);
  // Staging goes last: a run that still has it is put in order by the next publish.
  for (const name of [input, staging]) await rm(join(outputFolder, name), { recursive: true, force: true });
  await mkdir(join(outputFolder, folder), { recursive: true });
}

/** Removes what processes that were killed were just writing. */
export async function removeTemporary(folder: string, name: RegExp): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const found of names) if (name.test(found)) await rm(join(folder, found), { force: true });
}

/**
 * A run that was killed when it was published, before its staging folder went, would look unfinished as soon as the
 * marker goes or the manifest no longer names it. To be called while the marker is there.
 */
export async function tidyPublished(outputFolder: string, published: Manifest | undefined): Promise<void> {
  for (const { runId } of published?.runs ?? []) {
    const { folder, staging } = runLayout(runId);
    if (!(await isThere(join(outputFolder, staging)))) continue;
    await tidyRun(outputFolder, runId);
    await syncPath(join(outputFolder, folder));
  }
}
