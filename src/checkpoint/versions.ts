import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isThere, makeFolder, syncPath, writeFileAtomic } from '../core/files.ts';
import { runLayout, successFile, versionLayout, versionsFolder } from '../plan/layout.ts';
import { linkOver } from './link-file.ts';
import { type Manifest, manifestText, type PublishedPart, readPublished, readVersion, versionId } from './manifest.ts';
import { isWhole, removeVersion } from './run-store.ts';

/**
 * Keeps what a manifest publishes as a folder of its own: links to the parts, then the manifest. May run again.
 * @param staged where parts that are not published yet lie, by name; the others are taken from the output folder
 */
export async function makeVersion(
  outputFolder: string,
  manifest: Manifest,
  staged: ReadonlyMap<string, string>,
): Promise<void> {
  const layout = versionLayout(versionId(manifest));
  const folder = join(outputFolder, layout.folder);
  await makeFolder(folder);
  for (const part of manifest.parts) {
    const target = join(folder, part.name);
    const from = await sourceOf(part, { target, staged: staged.get(part.name), top: join(outputFolder, part.name) });
    if (from !== undefined) await linkOver(from, target, `${target}.tmp`);
  }
  const own = new Set(['manifest.json', ...manifest.parts.map((part) => part.name)]);
  for (const name of await readdir(folder)) if (!own.has(name)) await rm(join(folder, name), { force: true });
  await syncPath(folder);
  await writeFileAtomic(join(outputFolder, layout.manifest), manifestText(manifest));
  await syncPath(join(outputFolder, versionsFolder));
}

/** @returns undefined when the version has the part already */
async function sourceOf(
  part: PublishedPart,
  places: { readonly target: string; readonly staged: string | undefined; readonly top: string },
): Promise<string | undefined> {
  if (places.staged !== undefined && (await isThere(places.staged))) return places.staged;
  return (await isWhole(places.target, part)) ? undefined : places.top;
}

/** Makes a version of what is published, unless there is one, or a publish has begun to replace it. */
export async function keepPublished(outputFolder: string, published: Manifest | undefined): Promise<void> {
  if (published === undefined || !(await isThere(join(outputFolder, successFile)))) return;
  if ((await readVersion(outputFolder, versionId(published))) !== undefined) return;
  await makeVersion(outputFolder, published, new Map());
}

/** Versions that were published, newest first. One whose publish was cut off does not count. */
export async function publishedVersions(outputFolder: string): Promise<readonly Manifest[]> {
  const published = await readPublished(outputFolder);
  const current = published === undefined ? undefined : versionId(published);
  const versions: Manifest[] = [];
  for (const runId of await versionNames(outputFolder)) {
    const version = await readVersion(outputFolder, runId);
    if (version === undefined) continue;
    if (runId === current || !(await isThere(join(outputFolder, runLayout(runId).staging)))) versions.push(version);
  }
  return versions.sort((a, b) => (orderOf(a) < orderOf(b) ? 1 : -1));
}

function orderOf(version: Manifest): string {
  return `${version.runs.at(-1)?.publishedAt} ${versionId(version)}`;
}

/**
 * Removes versions beyond the last `keep`: what is published now, what it replaced, then the newest. One alone is in
 * the output folder itself.
 * @returns the versions that stay
 */
export async function pruneVersions(
  outputFolder: string,
  published: Manifest,
  keep: number,
): Promise<readonly Manifest[]> {
  const all = await publishedVersions(outputFolder);
  const rank = ({ runs }: Manifest) => [published.replaces, versionId(published)].indexOf(runs.at(-1)?.runId);
  const kept = keep === 1 ? [] : all.toSorted((a, b) => rank(b) - rank(a)).slice(0, keep);
  const ids = new Set(kept.map(versionId));
  for (const runId of await versionNames(outputFolder)) {
    const isUnfinished = await isThere(join(outputFolder, runLayout(runId).staging));
    if (!ids.has(runId) && !isUnfinished) await removeVersion(outputFolder, runId);
  }
  return kept;
}

export async function versionNames(outputFolder: string): Promise<readonly string[]> {
  return readdir(join(outputFolder, versionsFolder)).catch(() => []);
}
