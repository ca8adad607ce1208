import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AppError, messageOf } from '../core/errors.ts';
import { systemCode } from '../core/files.ts';
import { ImageError } from './image-error.ts';

const bytesAtMost = 256 * 2 ** 20;

/** What the file itself is to blame for; anything else, as a disk that fails, is no matter of one row. */
const ofTheFile: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'does not exist',
  EACCES: 'may not be read',
  EPERM: 'may not be read',
  ELOOP: 'is a link to itself',
  ENAMETOOLONG: 'is too long for a path',
};

/**
 * An image file's bytes.
 * @param written a path, relative to `root`, or a file: URI
 * @throws ImageError; AppError INPUT_UNREADABLE when it is not the file that is at fault
 */
export async function readImageFile(written: string, root: string): Promise<Uint8Array> {
  const path = imagePath(written, root);
  try {
    const info = await stat(path);
    // A pipe gives its first byte when somebody writes to it, and some devices never give the last one.
    if (!info.isFile()) throw new ImageError('IMAGE_UNREADABLE', `${path} is not a file`);
    if (info.size > bytesAtMost)
      throw new ImageError('IMAGE_UNREADABLE', `${path} has ${info.size} bytes, more than ${bytesAtMost}`);
    return await readFile(path);
  } catch (error) {
    if (error instanceof ImageError) throw error;
    const problem = ofTheFile[systemCode(error) ?? ''];
    if (problem !== undefined) throw new ImageError('IMAGE_UNREADABLE', `${path} ${problem}`);
    throw new AppError('INPUT_UNREADABLE', `cannot read the image ${path}: ${messageOf(error)}`, {
      hint: 'check the disk that the images are on, then run again',
      cause: error,
    });
  }
}

/** @throws ImageError for what is no path of this machine */
export function imagePath(written: string, root: string): string {
  if (written === '') throw new ImageError('IMAGE_UNREADABLE', 'the path is empty');
  whole(written);
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(written)?.[1]?.toLowerCase();
  if (scheme === undefined) return resolve(root, written);
  if (scheme !== 'file') {
    throw new ImageError(
      'IMAGE_UNREADABLE',
      `${written} is not on this machine: a run reads no network, so that it can be repeated; fetch the images first`,
    );
  }
  try {
    return whole(fileURLToPath(written));
  } catch (error) {
    if (error instanceof ImageError) throw error;
    throw new ImageError('IMAGE_UNREADABLE', `${written} is no path: ${messageOf(error)}`);
  }
}

/** No file has a NUL in its path, and the system stops reading one there. */
function whole(path: string): string {
  if (!path.includes('\0')) return path;
  throw new ImageError('IMAGE_UNREADABLE', 'the path has a NUL in it');
}
