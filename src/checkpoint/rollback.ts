import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError } from '../core/errors.ts';
import { isThere, makeFolder, readIfPresent, syncPath, writeError, writeFileAtomic } from '../core/files.ts';
import { parseJson } from '../core/parse-json.ts';
import { isPartName, manifestFile, rollbackFile, rollbackFolder, successFile, versionLayout } from '../plan/layout.ts';
import { recordVersion } from '../plan/run-plan.ts';
import { linkOver } from './link-file.ts';
import { type Manifest, manifestText, readManifest, readPublished, readVersion, versionId } from './manifest.ts';
import { isWhole, tidyPublished } from './run-store.ts';
import { keepPublished, publishedVersions } from './versions.ts';

const rollbackSchema = z.strictObject({ v: z.literal(recordVersion), to: z.string() });

/** The version that a rollback which was cut off was bringing back. */
export async function pendingRollback(outputFolder: string): Promise<string | undefined> {
  const text = await readIfPresent(join(outputFolder, rollbackFile));
  return text === undefined ? undefined : rollbackSchema.safeParse(parseJson(text)).data?.to;
}

/**
 * What a rollback brings back when nobody says: what the published version replaced, else the next older one. After a
 * publish that was cut off, it is what that publish began to replace.
 */
export async function previousVersion(outputFolder: string): Promise<string | undefined> {
  const pending = await pendingRollback(outputFolder);
  if (pending !== undefined) return pending;
  const published = await readPublished(outputFolder);
  const ids = (await publishedVersions(outputFolder)).map(versionId);
  if (published === undefined) return (await readManifest(outputFolder))?.replaces;
  if (!(await isThere(join(outputFolder, successFile)))) return versionId(published);
  if (published.replaces !== undefined && ids.includes(published.replaces)) return published.replaces;
  const at = ids.indexOf(versionId(published));
  return at < 0 ? ids[0] : ids[at + 1];
}

/**
 * Publishes a version anew: the marker goes, its parts are linked into place, others go, then manifest and `_SUCCESS`.
 * A record of it comes first, so that whoever comes after a kill brings it to its end.
 * @throws AppError VERIFY_FAILED when the version is not whole, OUTPUT_UNWRITABLE, DISK_FULL
 */
export async function rollback(outputFolder: string, runId: string): Promise<Manifest> {
  const version = await wholeVersion(outputFolder, runId);
  try {
    const published = await readPublished(outputFolder);
    await tidyPublished(outputFolder, published);
    await keepPublished(outputFolder, published);
    await writeFileAtomic(
      join(outputFolder, rollbackFile),
      `${JSON.stringify({ v: recordVersion, to: runId } satisfies z.infer<typeof rollbackSchema>)}\n`,
    );
    await rm(join(outputFolder, successFile), { force: true });
    await makeFolder(join(outputFolder, rollbackFolder));
    const folder = join(outputFolder, versionLayout(runId).folder);
    const names = new Set(version.parts.map((part) => part.name));
    for (const name of names)
      await linkOver(join(folder, name), join(outputFolder, name), join(outputFolder, rollbackFolder, name));
    for (const name of await readdir(outputFolder))
      if (isPartName(name) && !names.has(name)) await rm(join(outputFolder, name), { force: true });
    await syncPath(outputFolder);
    await writeFileAtomic(join(outputFolder, manifestFile), manifestText(version));
    await writeFileAtomic(join(outputFolder, successFile), '');
    await rm(join(outputFolder, rollbackFile), { force: true });
    await rm(join(outputFolder, rollbackFolder), { recursive: true, force: true });
  } catch (error) {
    throw writeError(error, outputFolder);
  }
  return version;
}

/** Brings a rollback that was cut off to its end, if there is one. */
export async function finishRollback(outputFolder: string): Promise<void> {
  const pending = await pendingRollback(outputFolder);
  if (pending !== undefined) await rollback(outputFolder, pending);
}

async function wholeVersion(outputFolder: string, runId: string): Promise<Manifest> {
  const { folder } = versionLayout(runId);
  const version = await readVersion(outputFolder, runId);
  const bad: string[] = version === undefined ? ['manifest.json'] : [];
  for (const part of version?.parts ?? [])
    if (!(await isWhole(join(outputFolder, folder, part.name), part))) bad.push(part.name);
  if (version !== undefined && bad.length === 0) return version;
  throw new AppError(
    'VERIFY_FAILED',
    `version ${runId} of ${outputFolder} cannot be brought back: ${bad.slice(0, 3).join(', ')} in ${folder} ${bad.length === 1 ? 'is' : 'are'} missing or changed`,
    { hint: 'bring back another version with `nightshift rollback --to`; `nightshift versions` lists them' },
  );
}
