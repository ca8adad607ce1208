import { lstat, readdir, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { isThere, readIfPresent, writeError } from '../core/files.ts';
import { parseJson } from '../core/parse-json.ts';
import {
  isPartName,
  metaFolder,
  rollbackFolder,
  runLayout,
  runsFolder,
  successFile,
  versionLayout,
} from '../plan/layout.ts';
import { runPlanSchema } from '../plan/run-plan.ts';
import { abandonedFolders } from './beside-folder.ts';
import type { KeptRun, Leftover, Leftovers } from './contract.ts';
import { type Manifest, readManifest, versionId } from './manifest.ts';
import { pendingRollback } from './rollback.ts';
import { readCommits } from './run-store.ts';
import { publishedVersions, versionNames } from './versions.ts';

/** One that is so young may belong to a process that is just taking the lock. */
const lockTempMinAgeMs = 60_000;

type Found = Omit<Leftover, 'sizeBytes'>;

/** What dead runs left in an output folder, in the order in which it can be removed; the caller holds the lock. */
export async function findLeftovers(outputFolder: string): Promise<Leftovers> {
  const state = await readState(outputFolder);
  const runs: Found[] = [];
  const kept: KeptRun[] = [];
  for (const runId of await namesIn(join(outputFolder, runsFolder))) {
    const reason = await reasonToKeep(outputFolder, runId, state);
    if (reason !== undefined) kept.push({ runId, reason });
    else runs.push(...(await leftOfRun(outputFolder, runId, state)));
  }
  const found = [
    ...(kept.length > 0 ? [] : await strayParts(outputFolder, state)),
    ...(await leftOfVersions(outputFolder, { state, kept })),
    ...runs,
    ...(await leftOfWrites(outputFolder, state)),
    ...(await leftBeside(outputFolder)),
  ];
  return { ...(await weighed(outputFolder, found)), kept };
}

/** What killed measurements left beside an output, which need not be there; held by nobody, so that no lock is due. */
export async function findAbandoned(outputFolder: string): Promise<Leftovers> {
  return { ...(await weighed(outputFolder, await leftBeside(outputFolder))), kept: [] };
}

/** @throws AppError OUTPUT_UNWRITABLE */
export async function removeLeftovers(outputFolder: string, { items }: Leftovers): Promise<void> {
  for (const { path } of items)
    await rm(join(outputFolder, path), { recursive: true, force: true, maxRetries: 3 }).catch((error: unknown) =>
      Promise.reject(writeError(error, join(outputFolder, path))),
    );
}

interface State {
  readonly manifest: Manifest | undefined;
  readonly versions: readonly Manifest[];
  readonly isMarked: boolean;
  readonly pending: string | undefined;
}

async function readState(outputFolder: string): Promise<State> {
  return {
    manifest: await readManifest(outputFolder),
    versions: await publishedVersions(outputFolder),
    isMarked: await isThere(join(outputFolder, successFile)),
    pending: await pendingRollback(outputFolder),
  };
}

/** Without its marker an output may lack parts that only the run whose publish was cut off still has. */
async function reasonToKeep(
  outputFolder: string,
  runId: string,
  { manifest, isMarked }: State,
): Promise<string | undefined> {
  if (manifest === undefined || isMarked || !(await isThere(join(outputFolder, runLayout(runId).staging))))
    return undefined;
  const plan = await planOf(outputFolder, runId);
  if (plan === undefined || (await readCommits(outputFolder, runId)).size < plan.shards.length) return undefined;
  return `its publish may have been cut off: run job ${plan.job} again to finish it`;
}

async function leftOfRun(outputFolder: string, runId: string, state: State): Promise<readonly Found[]> {
  const { folder, staging, input } = runLayout(runId);
  const isNamed = [state.manifest, ...state.versions].some((manifest) =>
    manifest?.runs.some((run) => run.runId === runId),
  );
  if (!isNamed) return [{ path: folder, what: await runText(outputFolder, runId) }];
  const left: Found[] = [];
  for (const path of [staging, input])
    if (await isThere(join(outputFolder, path))) left.push({ path, what: 'of a run that is published' });
  return [...left, ...(await tempsIn(outputFolder, folder))];
}

async function runText(outputFolder: string, runId: string): Promise<string> {
  const plan = await planOf(outputFolder, runId);
  if (plan === undefined) return 'a run that was never planned';
  if (!(await isThere(join(outputFolder, runLayout(runId).staging))))
    return `a run of job ${plan.job} that was replaced`;
  const done = (await readCommits(outputFolder, runId)).size;
  return `an unfinished run of job ${plan.job}, ${done} of ${plan.shards.length} shards done`;
}

async function planOf(outputFolder: string, runId: string) {
  const text = await readIfPresent(join(outputFolder, runLayout(runId).plan));
  return text === undefined ? undefined : runPlanSchema.safeParse(parseJson(text)).data;
}

async function strayParts(outputFolder: string, { manifest, versions, pending }: State): Promise<readonly Found[]> {
  // Where no run of ours ever was, parts are somebody else's.
  if (manifest === undefined && (await namesIn(join(outputFolder, runsFolder))).length === 0) return [];
  const truths = [manifest, ...versions.filter((version) => versionId(version) === pending)];
  const named = new Set(truths.flatMap((truth) => truth?.parts.map((part) => part.name) ?? []));
  return (await namesIn(outputFolder))
    .filter((name) => isPartName(name) && !named.has(name))
    .map((path) => ({ path, what: 'a part that no manifest names' }));
}

async function leftOfVersions(
  outputFolder: string,
  { state, kept }: { readonly state: State; readonly kept: readonly KeptRun[] },
): Promise<readonly Found[]> {
  const stay = new Set([...state.versions.map(versionId), ...kept.map(({ runId }) => runId)]);
  const left: Found[] = [];
  for (const runId of await versionNames(outputFolder)) {
    const { folder } = versionLayout(runId);
    if (!stay.has(runId)) left.push({ path: folder, what: 'a version that was not published' });
    else left.push(...(await tempsIn(outputFolder, folder)));
  }
  return left;
}

async function leftOfWrites(outputFolder: string, { pending }: State): Promise<readonly Found[]> {
  const left = (await namesIn(outputFolder))
    .filter((name) => name.startsWith(`${successFile}.`) && name.endsWith('.tmp'))
    .map((path) => ({ path, what: temporary }));
  for (const name of await namesIn(join(outputFolder, metaFolder))) {
    const path = `${metaFolder}/${name}`;
    if (path === rollbackFolder && pending === undefined) left.push({ path, what: temporary });
    if (!name.endsWith('.tmp')) continue;
    const info = await lstat(join(outputFolder, path)).catch(() => undefined);
    if (name.startsWith('lock.') && Date.now() - (info?.mtimeMs ?? 0) < lockTempMinAgeMs) continue;
    left.push({ path, what: temporary });
  }
  return left;
}

async function leftBeside(outputFolder: string): Promise<readonly Found[]> {
  const folders = await abandonedFolders(outputFolder);
  return folders.map((folder) => ({
    path: relative(outputFolder, folder),
    what: 'measurements of a `tune` that was killed',
  }));
}

const temporary = 'a temporary file';

async function tempsIn(outputFolder: string, folder: string): Promise<readonly Found[]> {
  const names = await readdir(join(outputFolder, folder), { recursive: true }).catch(() => []);
  return names
    .filter((name) => name.endsWith('.tmp') && !/^(staging|input)\//.test(name))
    .sort()
    .map((name) => ({ path: `${folder}/${name}`, what: temporary }));
}

/** Sizes as the disk will have them back: a file with several names counts once, and only when all of them go. */
async function weighed(
  outputFolder: string,
  found: readonly Found[],
): Promise<Pick<Leftovers, 'items' | 'freedBytes'>> {
  const files = new Map<number, { readonly sizeBytes: number; readonly links: number; seen: number }>();
  const items: Leftover[] = [];
  for (const item of found) {
    let sizeBytes = 0;
    for (const path of await filesBelow(join(outputFolder, item.path))) {
      const { ino, size, nlink } = await lstat(path);
      const file = files.get(ino) ?? { sizeBytes: size, links: nlink, seen: 0 };
      file.seen++;
      files.set(ino, file);
      sizeBytes += size;
    }
    items.push({ ...item, sizeBytes });
  }
  const gone = [...files.values()].filter(({ links, seen }) => seen === links);
  return { items, freedBytes: gone.reduce((sum, file) => sum + file.sizeBytes, 0) };
}

async function filesBelow(path: string): Promise<readonly string[]> {
  if (!(await lstat(path)).isDirectory()) return [path];
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
}

async function namesIn(folder: string): Promise<readonly string[]> {
  return (await readdir(folder).catch(() => [])).sort();
}
