import { readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../core/errors.ts';
import { syncPath, systemCode, writeError, writeFileAtomic, writeMarker } from '../core/files.ts';
import type { Commit } from '../plan/commit.ts';
import {
  isPartName,
  manifestFile,
  metaFolder,
  partName,
  runLayout,
  runsFolder,
  successFile,
  versionLayout,
} from '../plan/layout.ts';
import { type RunPlan, recordVersion } from '../plan/run-plan.ts';
import type { PublishRequest, WriteMode } from './contract.ts';
import { linkOver } from './link-file.ts';
import { type Manifest, manifestText, type PublishedPart, readVersion, versionId } from './manifest.ts';
import { isWhole, removeEnded, removeTemporary, tidyPublished, tidyRun } from './run-store.ts';
import { keepPublished, makeVersion, pruneVersions } from './versions.ts';

const manifestTemp = /^manifest\.json\.\d+\.tmp$/;

/** The manifest after publishing; pure. Parts of an append go on counting where the last one stopped. */
function nextManifest(request: Omit<PublishRequest, 'outputFolder'>, replaces: string | undefined): Manifest {
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
    ...(replaces === undefined ? {} : { replaces }),
  };
}

/**
 * Makes a run's parts visible: versions are made where they are kept, the old marker goes, parts are renamed into
 * place, what they replace is removed, then manifest and `_SUCCESS`. Killed anywhere, it can run again and ends the same.
 * @throws AppError OUTPUT_UNWRITABLE, DISK_FULL
 */
export async function publishRun(request: PublishRequest): Promise<Manifest> {
  const { outputFolder, commits, previous, run, keepVersions } = request;
  const manifest = nextManifest(request, keepVersions === 1 ? undefined : await replacedBy(request));
  const names = new Map(
    commits.map((commit, index) => [manifest.parts.at(index - commits.length)?.name ?? '', commit]),
  );
  try {
    await tidyPublished(outputFolder, previous);
    if (keepVersions > 1) {
      await keepPublished(outputFolder, previous);
      const staging = join(outputFolder, runLayout(run.runId).staging);
      await makeVersion(
        outputFolder,
        manifest,
        new Map([...names].map(([name, { part }]) => [name, join(staging, part)])),
      );
    }
    await removeMarker(outputFolder);
    for (const [name, commit] of names) await movePart(request, name, commit);
    const wanted = new Set(manifest.parts.map((part) => part.name));
    for (const part of previous?.parts ?? [])
      if (!wanted.has(part.name)) await rm(join(outputFolder, part.name), { force: true });
    await syncPath(outputFolder);
    await writeFileAtomic(join(outputFolder, manifestFile), manifestText(manifest));
    await writeMarker(join(outputFolder, successFile));
    await tidyRun(outputFolder, run.runId);
    const versions = await pruneVersions(outputFolder, manifest, keepVersions);
    await removeEnded(
      outputFolder,
      new Set([manifest, ...versions].flatMap((version) => version.runs.map(({ runId }) => runId))),
    );
    await removeTemporary(join(outputFolder, metaFolder), manifestTemp);
    return manifest;
  } catch (error) {
    throw writeError(error, outputFolder);
  }
}

/** A publish that was cut off after its manifest hides what it replaces; its version still tells. */
async function replacedBy({ outputFolder, previous, run }: PublishRequest): Promise<string | undefined> {
  return previous === undefined ? (await readVersion(outputFolder, run.runId))?.replaces : versionId(previous);
}

/** Readers that find the marker rely on the parts: after a power cut it must not be back beside the parts of the next run. */
async function removeMarker(outputFolder: string): Promise<void> {
  await rm(join(outputFolder, successFile), { force: true });
  // Also when it was gone already: whoever removed it may have been killed before this.
  await syncPath(outputFolder);
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
    if (systemCode(error) !== 'ENOENT') throw error;
    if (await isWhole(target, commit)) return;
    // A rollback may have taken away what a publish that was cut off had moved.
    const { staging } = runLayout(run.runId);
    const kept = join(outputFolder, versionLayout(run.runId).folder, name);
    if (!(await isWhole(kept, commit))) throw error;
    await linkOver(kept, target, join(outputFolder, staging, `${name}.tmp`));
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
  const foreign = names.filter((name) => !own.has(name) && !(hasRuns && isPartName(name)));
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
