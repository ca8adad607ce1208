import { readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../core/errors.ts';
import { syncPath, systemCode, writeError, writeFileAtomic } from '../core/files.ts';
import type { Commit } from '../plan/commit.ts';
import { manifestFile, partName, runLayout, runsFolder, successFile } from '../plan/layout.ts';
import { type RunPlan, recordVersion } from '../plan/run-plan.ts';
import type { PublishRequest, WriteMode } from './contract.ts';
import type { Manifest, PublishedPart } from './manifest.ts';
import { isWhole, removeEnded, tidyRun } from './run-store.ts';

const ownName = /^part-\d{5,}\.(parquet|csv|jsonl|arrow)(\.(gz|zst))?$/;

/** The manifest after publishing; pure. Parts of an append go on counting where the last one stopped. */
function nextManifest(request: Omit<PublishRequest, 'outputFolder'>): Manifest {
  const { plan, commits, run } = request;
  const kept = request.mode === 'append' ? request.previous : undefined;
  const first = kept?.parts.length ?? 0;
  const parts = commits.map(
    (commit, index): PublishedPart => ({
      name: partName(first + index, plan.part),
      runId: run.runId,
      rowCount: commit.rowsOut,
      sizeBytes: commit.sizeBytes,
      sha256: commit.sha256,
    }),
  );
  return {
    v: recordVersion,
    format: plan.part.format,
    parts: [...(kept?.parts ?? []), ...parts],
    runs: [...(kept?.runs ?? []), run],
  };
}

/**
 * Makes a run's parts visible: the old marker goes, parts are renamed into place, what they replace is removed, then
 * manifest and `_SUCCESS`. Killed anywhere, it can run again and ends the same.
 * @throws AppError OUTPUT_UNWRITABLE, DISK_FULL
 */
export async function publishRun(request: PublishRequest): Promise<Manifest> {
  const { outputFolder, commits, previous, run } = request;
  const manifest = nextManifest(request);
  const names = new Map(
    commits.map((commit, index) => [manifest.parts.at(index - commits.length)?.name ?? '', commit]),
  );
  try {
    await rm(join(outputFolder, successFile), { force: true });
    for (const [name, commit] of names) await movePart(request, name, commit);
    const wanted = new Set(manifest.parts.map((part) => part.name));
    for (const part of previous?.parts ?? [])
      if (!wanted.has(part.name)) await rm(join(outputFolder, part.name), { force: true });
    await syncPath(outputFolder);
    await writeFileAtomic(join(outputFolder, manifestFile), `${JSON.stringify(manifest, null, 2)}\n`);
    await writeFileAtomic(join(outputFolder, successFile), '');
  } catch (error) {
    throw writeError(error, outputFolder);
  }
  await tidyRun(outputFolder, run.runId);
  await removeEnded(outputFolder, manifest);
  return manifest;
}

/** Removes parts that an unfinished run had moved into place already, unless a manifest names them. */
export async function removeMovedParts(
  outputFolder: string,
  plan: RunPlan,
  previous: Manifest | undefined,
): Promise<void> {
  const named = new Set(previous?.parts.map((part) => part.name));
  const most = plan.shards.length + (previous?.parts.length ?? 0);
  for (let index = 0; index < most; index++) {
    const name = partName(index, plan.part);
    if (!named.has(name)) await rm(join(outputFolder, name), { force: true });
  }
}

async function movePart({ outputFolder, run }: PublishRequest, name: string, commit: Commit): Promise<void> {
  const target = join(outputFolder, name);
  try {
    await rename(join(outputFolder, runLayout(run.runId).staging, commit.part), target);
  } catch (error) {
    const isMovedAlready = systemCode(error) === 'ENOENT' && (await isWhole(target, commit));
    if (!isMovedAlready) throw error;
  }
}

/**
 * Refuses to write where it would mix with, or remove, what is there.
 * @returns `skip` when the mode says to leave a published output alone
 * @throws AppError OUTPUT_EXISTS
 */
export async function checkOutputFolder(
  outputFolder: string,
  mode: WriteMode,
  previous: Manifest | undefined,
): Promise<'go' | 'skip'> {
  if (previous !== undefined && mode === 'ignore') return 'skip';
  if (previous !== undefined && mode === 'error') {
    throw new AppError(
      'OUTPUT_EXISTS',
      `${outputFolder} is published already (run ${previous.runs.at(-1)?.runId ?? 'unknown'})`,
      {
        hint: 'set output.mode to overwrite, append or ignore, or choose another output.path',
      },
    );
  }
  const names = (await namesIn(outputFolder)).filter((name) => !/^[._]/.test(name));
  const own = new Set(previous?.parts.map((part) => part.name));
  // A publish that was cut off leaves parts that no manifest names; without any run they are somebody else's.
  const hasRuns = (await namesIn(join(outputFolder, runsFolder))).length > 0;
  const foreign = names.filter((name) => !own.has(name) && !(hasRuns && ownName.test(name)));
  if (foreign.length === 0) return 'go';
  throw new AppError(
    'OUTPUT_EXISTS',
    `${outputFolder} holds files that nightshift did not write: ${foreign.slice(0, 3).join(', ')}${foreign.length > 3 ? ', …' : ''}`,
    {
      hint: 'choose an empty folder for output.path, or move these files away',
    },
  );
}

/** @throws AppError OUTPUT_UNWRITABLE when the path is a file */
async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw writeError(error, folder);
  }
}
