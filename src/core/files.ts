import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, statSync } from 'node:fs';
import { access, mkdir, open, readFile, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AppError, messageOf } from './errors.ts';

/**
 * Flushes a file's data, or a folder's names, to the disk.
 * @throws AppError OUTPUT_UNWRITABLE, DISK_FULL
 */
export async function syncPath(path: string): Promise<void> {
  try {
    await using handle = await open(path, 'r');
    await handle.sync();
  } catch (error) {
    throw writeError(error, path);
  }
}

/**
 * Moves a whole, flushed file to its final name so that a power cut leaves either none or all of it.
 * @throws AppError OUTPUT_UNWRITABLE, DISK_FULL
 */
export async function publishFile(from: string, to: string): Promise<void> {
  await syncPath(from);
  try {
    await rename(from, to);
  } catch (error) {
    throw writeError(error, to);
  }
  await syncPath(dirname(to));
}

/**
 * Writes text under a name that no reader sees half-written: tmp, fsync, rename, fsync of the folder.
 * @throws AppError OUTPUT_UNWRITABLE, DISK_FULL
 */
export async function writeFileAtomic(path: string, text: string): Promise<void> {
  const temp = `${path}.${process.pid}.tmp`;
  try {
    await using handle = await open(temp, 'w');
    await handle.writeFile(text);
    await handle.sync();
    await rename(temp, path);
  } catch (error) {
    throw writeError(error, path);
  }
  await syncPath(dirname(path));
}

/**
 * Makes an empty file that tells by being there: it needs no temporary name, which a kill would leave behind.
 * @throws AppError OUTPUT_UNWRITABLE, DISK_FULL
 */
export async function writeMarker(path: string): Promise<void> {
  try {
    const handle = await open(path, 'w');
    await handle.close();
  } catch (error) {
    throw writeError(error, path);
  }
  await syncPath(dirname(path));
}

/** @throws AppError OUTPUT_UNWRITABLE, DISK_FULL */
export async function makeFolder(path: string): Promise<void> {
  try {
    await makeFolders(path);
  } catch (error) {
    throw writeError(error, path);
  }
}

/** Node's own `recursive` tries for ever where a folder is there and takes no others, such as /proc. */
async function makeFolders(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT' && dirname(path) !== path && !(await isThere(dirname(path)))) {
      await makeFolders(dirname(path));
      await makeFolders(path);
      return;
    }
    const isFolder = await stat(path).then(
      (info) => info.isDirectory(),
      () => false,
    );
    if (!isFolder) throw error;
  }
}

/**
 * A folder that only its owner may look into, with the folders above it; one that is there stays as it is.
 * @throws what the system says
 */
export function makePrivateFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    const parent = dirname(path);
    if (
      systemCode(error) === 'ENOENT' &&
      parent !== path &&
      statSync(parent, { throwIfNoEntry: false }) === undefined
    ) {
      makePrivateFolder(parent);
      makePrivateFolder(path);
      return;
    }
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) throw error;
  }
}

/** The text of a file, or undefined when there is none. */
export async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

export async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** A path, or the nearest one above it that is there: what is not there yet will be made in it. */
export async function nearestExisting(path: string): Promise<string> {
  return (await isThere(path)) || dirname(path) === path ? path : nearestExisting(dirname(path));
}

/** Lower-case hex SHA-256 of a file, read once in pieces. */
export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(piece);
  return hash.digest('hex');
}

/** `ENOSPC` and the like, of an error that the operating system caused. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

export function writeError(error: unknown, path: string): AppError {
  if (error instanceof AppError) return error;
  const code = systemCode(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new AppError('DISK_FULL', `no space left to write ${path}`, {
      hint: 'free space and run the same command again; finished shards are kept',
      cause: error,
    });
  }
  return new AppError('OUTPUT_UNWRITABLE', `cannot write ${path}: ${messageOf(error)}`, {
    hint: 'check the folder and its permissions',
    cause: error,
  });
}
