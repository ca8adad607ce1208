import { watch } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { lockFile, metaFolder } from '../plan/layout.ts';

/**
 * Waits until somebody takes or leaves the lock of an output, at most so long: not every file system tells, and a
 * process that dies leaves its lock as it is.
 * @throws the signal's reason
 */
export async function lockChange(
  outputFolder: string,
  { maxMs, signal }: { readonly maxMs: number; readonly signal: AbortSignal },
): Promise<void> {
  const ended = new AbortController();
  try {
    await Promise.race([
      lockTouched(join(outputFolder, metaFolder), ended.signal),
      setTimeout(maxMs, undefined, { signal: AbortSignal.any([signal, ended.signal]) }),
    ]);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    ended.abort();
  }
}

/** Never ends where the folder cannot be watched. */
function lockTouched(folder: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    try {
      const watcher = watch(folder, { signal }, (_event, name) => {
        if (name === basename(lockFile)) resolve();
      });
      watcher.on('error', () => undefined);
    } catch {
      // No watches left, or no such folder: the caller looks again after a while.
    }
  });
}
