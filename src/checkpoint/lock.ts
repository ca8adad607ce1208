import { randomBytes } from 'node:crypto';
import { link, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError } from '../core/errors.ts';
import { makeFolder, readIfPresent, systemCode, writeError } from '../core/files.ts';
import { isAlive, ownIdentity } from '../core/host.ts';
import { parseJson } from '../core/parse-json.ts';
import { lockFile, metaFolder } from '../plan/layout.ts';

const lockSchema = z.object({
  pid: z.number(),
  host: z.string(),
  bootId: z.string(),
  startTicks: z.string(),
  since: z.string(),
});

const maxTries = 5;

/** Keeps a second run away from an output folder until it is disposed of. */
export class OutputLock implements AsyncDisposable {
  readonly #path: string;
  readonly #text: string;

  private constructor(path: string, text: string) {
    this.#path = path;
    this.#text = text;
  }

  /**
   * @param since ISO time, for the message that others will see
   * @throws AppError LOCKED while a live run holds it; a dead one's lock is taken over
   */
  static async take(outputFolder: string, since: string): Promise<OutputLock> {
    await makeFolder(join(outputFolder, metaFolder));
    const path = join(outputFolder, lockFile);
    const text = JSON.stringify({ ...ownIdentity(), since });
    for (let tries = 0; tries < maxTries; tries++) {
      if (await createExclusive(path, text)) {
        // Whoever died right after a takeover left its claim; a live one is somebody who is about to find us here.
        await removeIfDead(claimOf(path), { outputFolder, text }).catch(() => undefined);
        return new OutputLock(path, text);
      }
      await removeIfDead(path, { outputFolder, text });
    }
    throw beingTaken(outputFolder);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Whoever was told to remove the lock of a host that is gone may have been wrong, and hold it now.
    if ((await readIfPresent(this.#path)) === this.#text) await rm(this.#path, { force: true });
  }
}

/** Nobody sees the file before its text is in it: a link to a whole file either is made or is not. */
async function createExclusive(path: string, text: string): Promise<boolean> {
  const temp = `${path}.${process.pid}.${randomBytes(3).toString('hex')}.tmp`;
  try {
    await writeNew(temp, text);
    await link(temp, path);
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    // Some file systems have no links; there a lock that is read while it is written looks like one that was cut off.
    if (['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(systemCode(error) ?? '')) return createPlain(path, text);
    throw writeError(error, path);
  } finally {
    await rm(temp, { force: true });
  }
}

async function createPlain(path: string, text: string): Promise<boolean> {
  try {
    await writeNew(path, text);
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw writeError(error, path);
  }
}

async function writeNew(path: string, text: string): Promise<void> {
  await using handle = await open(path, 'wx');
  await handle.writeFile(text);
}

/** @throws AppError LOCKED when its holder lives, or when another process is just removing it */
async function removeIfDead(path: string, taker: { readonly outputFolder: string; readonly text: string }) {
  const { outputFolder, text } = taker;
  const found = await readIfPresent(path);
  if (found === undefined) return;
  const holder = lockSchema.safeParse(parseJson(found));
  // A lock that was cut off while it was written names nobody, so nobody can be alive.
  if (holder.success && isAlive(holder.data) !== false) {
    const { pid, host, since } = holder.data;
    throw new AppError('LOCKED', `${outputFolder} is locked by process ${pid} on ${host} since ${since}`, {
      hint: `wait until it ends, as \`nightshift run --wait 10m\` does; if ${host} is gone for good, remove ${path}`,
      details: { pid, host, since },
    });
  }
  // Between reading and removing, another taker may have replaced it by its own: only the holder of the claim may remove.
  const claim = claimOf(path);
  if (!(await createExclusive(claim, text))) {
    // A taker that died within the few instructions of a takeover is taken over in the same way.
    await removeIfDead(claim, taker);
    return;
  }
  try {
    if ((await readIfPresent(path)) === found) await rm(path, { force: true });
  } finally {
    await rm(claim, { force: true });
  }
}

function claimOf(path: string): string {
  return `${path}.claim`;
}

function beingTaken(outputFolder: string): AppError {
  return new AppError('LOCKED', `another run takes the lock of ${outputFolder}`, { hint: 'try again' });
}
