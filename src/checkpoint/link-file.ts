import { copyFile, link, rename, rm } from 'node:fs/promises';
import { syncPath, systemCode } from '../core/files.ts';

/** What file systems without hard links say, and those that have no more of them for this file. */
const withoutLinks = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV'];

/**
 * Puts a second name for a file where another one may be; a copy where the file system has no hard links.
 * @param temp a name on the same file system that nobody reads
 */
export async function linkOver(from: string, to: string, temp: string): Promise<void> {
  await rm(temp, { force: true });
  try {
    await link(from, temp);
  } catch (error) {
    if (!withoutLinks.includes(systemCode(error) ?? '')) throw error;
    await copyFile(from, temp);
    await syncPath(temp);
  }
  await rename(temp, to);
  // When both names are links to one file already, `rename` leaves both.
  await rm(temp, { force: true });
}
