import { createHash } from 'node:crypto';
import { createReadStream, rmSync } from 'node:fs';
import { readdir, rename, rm, rmdir, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { z } from 'zod';
import { AppError, messageOf } from '../core/errors.ts';
import { isThere, readIfPresent, syncPath, systemCode, writeError, writeFileAtomic } from '../core/files.ts';
import { holdFile } from '../core/hold-file.ts';
import { parseJson } from '../core/parse-json.ts';

/** Raised when what is kept for a key changes, as how graphs are rewritten before. */
const keptVersion = 1;
const modelName = 'model.onnx';
/** On its way. */
const temporaryName = `${modelName}.tmp`;
const recordName = 'record.json';
const lockName = 'lock';
const modelsAtMost = 10;
const bytesAtMost = 8 * 2 ** 30;

const recordSchema = z
  .strictObject({
    v: z.literal(keptVersion),
    key: z.string(),
    /** Of the model that it was made of, as its job named it. */
    path: z.string(),
    sha256: z.string(),
    runtime: z.string(),
    provider: z.string(),
    graphOptimization: z.string(),
    processor: z.string(),
    sizeBytes: z.int().min(0),
    crc32: z.int().min(0),
    madeAt: z.iso.datetime(),
  })
  .readonly();
type ModelRecord = z.infer<typeof recordSchema>;

/** All that the graph depends on which ONNX Runtime makes of a model. */
export interface OptimizedModelFacts
  extends Pick<ModelRecord, 'path' | 'sha256' | 'runtime' | 'provider' | 'graphOptimization' | 'processor'> {
  /** What the processor can do: the layout of weights may be its own. */
  readonly abilities: string;
  /** Outputs for which the graph was rewritten before. */
  readonly unzippedOutputs: readonly string[];
}

export interface OptimizedModel extends ModelRecord {
  readonly folder: string;
  readonly usedAtMs: number;
}

/** A model on its way into the cache; nobody else makes it meanwhile. */
export interface NewModel extends Disposable {
  /** Where to write it. */
  readonly path: string;
  /**
   * Lets others have it.
   * @returns why one that is too many, or a leaving, is still there: it is kept all the same
   * @throws AppError OUTPUT_UNWRITABLE, DISK_FULL
   */
  keep(now: Date): Promise<AppError | undefined>;
}

/** Models as ONNX Runtime has optimised them, a folder each, shared by processes. */
export class OptimizedModels {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** @returns where it is, if it is there and whole */
  async find(facts: OptimizedModelFacts, now: Date): Promise<string | undefined> {
    const folder = this.#folderOf(facts);
    const record = await readRecord(folder);
    const path = join(folder, modelName);
    if (record?.key !== keyOf(facts) || !(await isWhole(path, record))) return undefined;
    await touch(folder, now);
    return path;
  }

  /**
   * @returns undefined while another process makes it
   * @throws AppError HISTORY_UNAVAILABLE
   */
  begin(facts: OptimizedModelFacts): NewModel | undefined {
    const folder = this.#folderOf(facts);
    const hold = holdFile(join(folder, lockName));
    if (hold === undefined) return undefined;
    const path = join(folder, temporaryName);
    removeQuietly(path);
    return {
      path,
      keep: async (now) => {
        try {
          await keepAs(facts, { folder, path, key: keyOf(facts), now });
        } catch (error) {
          throw writeError(error, folder);
        }
        return this.#evict(folder);
      },
      [Symbol.dispose]: () => {
        removeQuietly(path);
        hold[Symbol.dispose]();
      },
    };
  }

  /** Those that are whole as far as their records tell, the last used first. */
  async list(): Promise<readonly OptimizedModel[]> {
    const found = (await foldersIn(this.#folder)).map(async (folder) => {
      const record = await readRecord(folder);
      const usedAtMs = await stat(join(folder, recordName)).then(
        ({ mtimeMs }) => mtimeMs,
        () => 0,
      );
      return record === undefined ? [] : [{ ...record, folder, usedAtMs }];
    });
    return (await Promise.all(found)).flat().sort((a, b) => b.usedAtMs - a.usedAtMs);
  }

  /**
   * @returns whether it went: one that is being made stays
   * @throws AppError CACHE_UNAVAILABLE
   */
  async remove(folder: string): Promise<boolean> {
    try {
      return await removeFolder(folder);
    } catch (error) {
      throw unremovable(folder, error);
    }
  }

  /** @returns the first failure, after all were tried */
  async #evict(made: string): Promise<AppError | undefined> {
    const failures: AppError[] = [];
    const attempt = async (folder: string, removal: (folder: string) => Promise<unknown>) => {
      if (folder === made) return;
      await removal(folder).catch((error: unknown) => failures.push(unremovable(folder, error)));
    };
    try {
      for (const folder of await foldersIn(this.#folder)) await attempt(folder, sweep);
      for (const folder of await this.#surplus()) await attempt(folder, removeFolder);
    } catch (error) {
      failures.push(unremovable(this.#folder, error));
    }
    return failures[0];
  }

  async #surplus(): Promise<readonly string[]> {
    let bytes = 0;
    return (await this.list()).flatMap(({ folder, sizeBytes }, index) => {
      bytes += sizeBytes;
      return index < modelsAtMost && bytes <= bytesAtMost ? [] : [folder];
    });
  }

  #folderOf(facts: OptimizedModelFacts): string {
    return join(this.#folder, keyOf(facts).slice(0, 32));
  }
}

function keyOf({ path: _path, ...facts }: OptimizedModelFacts): string {
  const entries = Object.entries(facts).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256')
    .update(JSON.stringify([keptVersion, entries]))
    .digest('hex');
}

async function keepAs(
  { abilities: _abilities, unzippedOutputs: _outputs, ...told }: OptimizedModelFacts,
  to: { readonly folder: string; readonly path: string; readonly key: string; readonly now: Date },
): Promise<void> {
  const { folder, path, key, now } = to;
  await syncPath(path);
  const { size: sizeBytes } = await stat(path);
  const record: ModelRecord = {
    ...{ v: keptVersion, key, ...told, sizeBytes },
    ...{ crc32: await crc32Of(path), madeAt: now.toISOString() },
  };
  await rename(path, join(folder, modelName));
  await writeFileAtomic(join(folder, recordName), `${JSON.stringify(record)}\n`);
  await touch(folder, now);
}

/** Removes what workers left that were killed. What has a record that is not of this version is another's. */
async function sweep(folder: string): Promise<void> {
  if (!(await hasRecord(folder))) {
    await removeFolder(folder, hasRecord);
    return;
  }
  const leaving = join(folder, temporaryName);
  if ((await readRecord(folder)) === undefined || !(await isThere(leaving))) return;
  using hold = holdFile(join(folder, lockName));
  if (hold !== undefined) await rm(leaving, { recursive: true, force: true });
}

type Question = (folder: string) => Promise<boolean>;

/** @returns whether it went: one that is being made stays, and one that is to stay once nobody can make it */
async function removeFolder(folder: string, isToStay?: Question): Promise<boolean> {
  if (!(await emptied(folder, isToStay))) return false;
  // Without a lock, since only now nothing of it is open. Who makes a model there meanwhile has a file in it.
  await rmdir(folder).catch(() => undefined);
  return true;
}

async function emptied(folder: string, isToStay?: Question): Promise<boolean> {
  using hold = holdFile(join(folder, lockName));
  if (hold === undefined || (await isToStay?.(folder)) === true) return false;
  // The record first: without it the rest is nobody's.
  await rm(join(folder, recordName), { force: true });
  const names = await readdir(folder);
  // NFS names so what is removed while somebody has it open, and removes it by itself.
  const others = names.filter((name) => name !== lockName && !name.startsWith('.nfs'));
  for (const name of others) await rm(join(folder, name), { recursive: true, force: true });
  await rm(join(folder, lockName), { force: true });
  return true;
}

/** What cannot be removed is written over, or is told by who tries to. */
function removeQuietly(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
  }
}

function unremovable(folder: string, error: unknown): AppError {
  if (error instanceof AppError && error.code === 'CACHE_UNAVAILABLE') return error;
  return new AppError('CACHE_UNAVAILABLE', `cannot remove ${folder}: ${messageOf(error)}`, {
    hint: 'check the folder and its permissions',
    cause: error,
  });
}

/** When it was used decides how long it stays, and nothing else: a folder that takes no writes will do. */
async function touch(folder: string, now: Date): Promise<void> {
  await utimes(join(folder, recordName), now, now).catch(() => undefined);
}

async function readRecord(folder: string): Promise<ModelRecord | undefined> {
  const text = await readIfPresent(join(folder, recordName)).catch(() => undefined);
  return text === undefined ? undefined : recordSchema.safeParse(parseJson(text)).data;
}

/** Whether there is one, of whatever version; what cannot be looked at may be one. */
async function hasRecord(folder: string): Promise<boolean> {
  return readIfPresent(join(folder, recordName)).then(
    (text) => text !== undefined,
    () => true,
  );
}

async function isWhole(path: string, record: ModelRecord): Promise<boolean> {
  try {
    return (await stat(path)).size === record.sizeBytes && (await crc32Of(path)) === record.crc32;
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return false;
  }
}

/** A digest would take as long as what it saves; this is against disks, not against people. */
async function crc32Of(path: string): Promise<number> {
  let sum = 0;
  for await (const piece of createReadStream(path, { highWaterMark: 1 << 20 })) sum = crc32(piece, sum);
  return sum;
}

async function foldersIn(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return [];
    throw writeError(error, folder);
  });
  return names.flatMap((entry) => (entry.isDirectory() ? [join(folder, entry.name)] : []));
}
