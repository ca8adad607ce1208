import { open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError } from '../core/errors.ts';
import { makeFolder, systemCode, writeError } from '../core/files.ts';
import { isAlive, ownIdentity } from '../core/host.ts';
import { lockFile, metaFolder } from '../plan/layout.ts';
import { parseJson } from './manifest.ts';

const lockSchema = z.object({
  pid: z.number(),
  host: z.string(),
  bootId: z.string(),
  startTicks: z.string(),
  since: z.string(),
});

/** Keeps a second run away from an output folder until it is disposed of. */
export class OutputLock implements AsyncDisposable {
  readonly #path: string;

  private constructor(path: string) {
    this.#path = path;
  }

  /**
   * @param since ISO time, for the message that others will see
   * @throws AppError LOCKED while a live run holds it; a dead one's lock is taken over
   */
  static async take(outputFolder: string, since: string): Promise<OutputLock> {
    await makeFolder(join(outputFolder, metaFolder));
    const path = join(outputFolder, lockFile);
    const text = JSON.stringify({ ...ownIdentity(), since });
    for (let tries = 0; tries < 3; tries++) {
      if (await createExclusive(path, text)) return new OutputLock(path);
      await removeIfDead(path, outputFolder);
    }
    throw new AppError('LOCKED', `another run takes the lock of ${outputFolder}`, { hint: 'try again' });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#path, { force: true });
  }
}

async function createExclusive(path: string, text: string): Promise<boolean> {
  try {
    await using handle = await open(path, 'wx');
    await handle.writeFile(text);
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw writeError(error, path);
  }
}

async function removeIfDead(path: string, outputFolder: string): Promise<void> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return;
  const holder = lockSchema.safeParse(parseJson(text));
  // A lock that was cut off while it was written names nobody, so nobody can be alive.
  if (holder.success && isAlive(holder.data) !== false) {
    const { pid, host, since } = holder.data;
    throw new AppError('LOCKED', `${outputFolder} is locked by process ${pid} on ${host} since ${since}`, {
      hint: `wait until it ends; if ${host} is gone for good, remove ${path}`,
      details: { pid, host, since },
    });
  }
  // Renaming lets only one of two takers remove it.
  const grave = `${path}.${process.pid}.dead`;
  await rename(path, grave).catch(() => undefined);
  await rm(grave, { force: true });
}
