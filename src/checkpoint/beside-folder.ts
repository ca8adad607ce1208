import { readdir, realpath, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { AppError } from '../core/errors.ts';
import { isThere, readIfPresent, writeError } from '../core/files.ts';
import { holdFile } from '../core/hold-file.ts';

/** How folders begin that lie beside an output for a while. */
export const besidePrefix = '.nightshift-';

const ownerLock = 'owner.lock';
/** Says which output a folder lies beside; written once its owner holds it, so that who sees it can ask for the owner. */
const besideFile = 'beside';

/**
 * Holds a folder beside an output for as long as this process lives, so that others can tell when it is nobody's.
 * @throws AppError OUTPUT_UNWRITABLE, DISK_FULL
 * @returns undefined where the system has no locks to hold it by; then nobody else ever removes it
 */
export async function ownFolder(folder: string, output: string): Promise<Disposable | undefined> {
  const held = tryToHold(join(folder, ownerLock));
  if (held === undefined) return undefined;
  const path = join(folder, besideFile);
  await writeFile(path, await realPath(output)).catch((error: unknown) => Promise.reject(writeError(error, path)));
  return held;
}

/** Folders that lie beside an output and whose owners are gone; nobody ever takes one over. */
export async function abandonedFolders(output: string): Promise<readonly string[]> {
  const abandoned: string[] = [];
  const real = await realPath(output);
  const above = [...foldersAbove(resolve(output)), ...foldersAbove(real)];
  for (const parent of new Set(await Promise.all(above.map(realPath)))) {
    const entries = await readdir(parent, { withFileTypes: true }).catch(() => []);
    for (const entry of entries.filter(({ name }) => name.startsWith(besidePrefix)))
      if (entry.isDirectory() && (await isAbandoned(join(parent, entry.name), real)))
        abandoned.push(join(parent, entry.name));
  }
  return abandoned.sort();
}

/** All of them: a folder is made in the nearest one that is there at the time. */
function foldersAbove(path: string): readonly string[] {
  const parent = dirname(path);
  return parent === path ? [] : [parent, ...foldersAbove(parent)];
}

/** Without links, as far as the path is there. */
async function realPath(path: string): Promise<string> {
  const whole = resolve(path);
  return realpath(whole).catch(async () =>
    dirname(whole) === whole ? whole : join(await realPath(dirname(whole)), basename(whole)),
  );
}

async function isAbandoned(folder: string, output: string): Promise<boolean> {
  const beside = await readIfPresent(join(folder, besideFile)).catch(() => undefined);
  if (beside !== output || !(await isThere(join(folder, ownerLock)))) return false;
  using held = tryToHold(join(folder, ownerLock));
  return held !== undefined;
}

function tryToHold(path: string): Disposable | undefined {
  try {
    return holdFile(path);
  } catch (error) {
    if (error instanceof AppError) return undefined;
    throw error;
  }
}
