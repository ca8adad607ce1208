import { stat } from 'node:fs/promises';
import { AppError } from '../core/errors.ts';
import { sha256OfFile } from '../core/files.ts';
import type { PreparedJob } from './prepare-job.ts';

/**
 * SHA-256 of each input file by its path, when the job compares files by content; reads each of them once.
 * @throws AppError INPUT_CHANGED when a file is no longer the one that was found; the signal's reason
 */
export async function digestInputs({
  request: { job, signal },
  found,
}: Pick<PreparedJob, 'request' | 'found'>): Promise<ReadonlyMap<string, string> | undefined> {
  if (job.resume !== 'byContent') return undefined;
  const digests = new Map<string, string>();
  for (const { source, sizeBytes, mtimeMs } of found.files) {
    signal?.throwIfAborted();
    const digest = await sha256OfFile(source).catch(() => undefined);
    const info = await stat(source).catch(() => undefined);
    if (digest === undefined || info?.size !== sizeBytes || Math.round(info.mtimeMs) !== mtimeMs) {
      const what = info === undefined ? 'removed' : digest === undefined ? 'made unreadable' : 'replaced';
      throw new AppError('INPUT_CHANGED', `${source} was ${what} while the run was planned`, {
        hint: 'run again when the input holds still',
      });
    }
    digests.set(source, digest);
  }
  return digests;
}
