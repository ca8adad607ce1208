import { constants } from 'node:fs';
import { access, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AppError, messageOf } from '../core/errors.ts';
import { nearestExisting, systemCode } from '../core/files.ts';
import { isDamaged, SqliteFile } from '../core/sqlite.ts';
import { cacheFile, cacheMigrations, cacheTimeoutMs, damagedHint, dayMs } from './prediction-cache.ts';

/** What is in a folder of predictions. */
export interface CacheContents {
  readonly state: 'new' | 'kept' | 'damaged';
  readonly entries: number;
  readonly sizeBytes: number;
  readonly oldestUse?: string;
  readonly newestUse?: string;
}

interface Clearing {
  readonly beforeMs: number | undefined;
  readonly dryRun: boolean;
}

interface ClearedFolder {
  readonly entries: number;
  readonly sizeBytes: number;
  /** It was damaged, and has gone whole. */
  readonly isDamaged?: true;
}

/** What a disk or a person has beside everything. */
const isNothing = (name: string) => name.startsWith('.') || name === 'lost+found';
/** A transaction of so many delays no run, and fills no disk with its journal. */
const clearedAtOnce = 1000;
/** What SQLite has of a file, which itself goes last: whoever finds it without the others begins with nothing else. */
const fileEnds = ['-wal', '-shm', ''] as const;

/**
 * Whether predictions can be kept in a folder; writes nothing.
 * @throws AppError CACHE_UNAVAILABLE
 */
export async function checkCacheFolder(folder: string): Promise<'new' | 'kept'> {
  const names = await namesIn(folder);
  await refuseReadOnly(names === undefined ? await nearestExisting(dirname(folder)) : folder, folder);
  return stateOf(folder, names);
}

async function stateOf(folder: string, names: readonly string[] | undefined): Promise<'new' | 'kept'> {
  if (names?.includes(cacheFile) === true)
    return reading<'new' | 'kept'>(folder, async () => {
      using db = lookInto(folder);
      const [table] = db.all('SELECT name FROM sqlite_master LIMIT 1');
      // Whoever began to make it had not come far.
      if (table === undefined) return 'new';
      db.all('SELECT "key" FROM predictions LIMIT 1');
      return 'kept';
    });
  const other = names?.find((name) => !isNothing(name));
  if (other !== undefined) throw unusable(folder, `it has other files, such as ${other}`);
  return 'new';
}

/**
 * What is kept in a folder, be it damaged; writes nothing.
 * @throws AppError CACHE_UNAVAILABLE
 */
export async function lookAtCacheFolder(folder: string): Promise<CacheContents> {
  try {
    return await lookAtWhole(folder);
  } catch (error) {
    if (!isDamaged(error)) throw error;
    return { state: 'damaged', entries: 0, sizeBytes: await sizeOnDisk(folder) };
  }
}

async function lookAtWhole(folder: string): Promise<CacheContents> {
  const state = await stateOf(folder, await namesIn(folder));
  if (state === 'new') return { state, entries: 0, sizeBytes: 0 };
  return reading(folder, async () => {
    using db = lookInto(folder);
    const [row = {}] = db.all(
      'SELECT count(*) AS entries, min("usedDay") AS oldest, max("usedDay") AS newest FROM predictions',
    );
    const { entries, oldest, newest } = row;
    const days = entries === 0 ? {} : { oldestUse: dayText(oldest), newestUse: dayText(newest) };
    return { state, entries: Number(entries), sizeBytes: await sizeOnDisk(folder), ...days };
  });
}

function lookInto(folder: string): SqliteFile {
  return SqliteFile.look({ path: join(folder, cacheFile), migrations: cacheMigrations });
}

/**
 * Forgets predictions, while runs may use and make them; a cache that is damaged goes whole.
 * @param beforeMs what was used since stays; undefined forgets all
 * @throws AppError CACHE_UNAVAILABLE, also of a damaged cache, which does not tell what was used when
 */
export async function clearCacheFolder(folder: string, clearing: Clearing): Promise<ClearedFolder> {
  try {
    return await clearWhole(folder, clearing);
  } catch (error) {
    if (!isDamaged(error) || clearing.beforeMs !== undefined) throw error;
    const sizeBytes = await sizeOnDisk(folder);
    if (!clearing.dryRun) await removeFiles(folder);
    return { entries: 0, sizeBytes, isDamaged: true };
  }
}

async function removeFiles(folder: string): Promise<void> {
  for (const end of fileEnds)
    await rm(join(folder, `${cacheFile}${end}`), { force: true }).catch((error: unknown) => {
      throw unusable(folder, messageOf(error), error);
    });
}

async function clearWhole(folder: string, { beforeMs, dryRun }: Clearing): Promise<ClearedFolder> {
  await checkCacheFolder(folder);
  const { state, entries: all } = await lookAtWhole(folder);
  if (state === 'new' || all === 0) return { entries: 0, sizeBytes: 0 };
  const before = beforeMs === undefined ? Number.MAX_SAFE_INTEGER : Math.floor(beforeMs / dayMs);
  return reading(folder, async () => {
    const how = { migrations: cacheMigrations, busyTimeoutMs: cacheTimeoutMs, journalBytes: 2 ** 20 };
    using db = SqliteFile.open({ path: join(folder, cacheFile), ...how });
    const [row] = db.all('SELECT count(*) AS entries FROM predictions WHERE "usedDay" < $before', { before });
    const old = Number(row?.['entries']);
    const sizeBytes = await sizeOnDisk(folder);
    if (dryRun) return { entries: old, sizeBytes: Math.round((sizeBytes * old) / all) };
    let entries = 0;
    for (let changes = 1; changes > 0; entries += changes)
      ({ changes } = db.run(
        'DELETE FROM predictions WHERE rowid IN (SELECT rowid FROM predictions WHERE "usedDay" < $before LIMIT $count)',
        { before, count: clearedAtOnce },
      ));
    shrink(db);
    return { entries, sizeBytes: Math.max(0, sizeBytes - (await sizeOnDisk(folder))) };
  });
}

/** A run that reads meanwhile keeps the file as large as it is, and uses what is free in it. */
function shrink(db: SqliteFile): void {
  try {
    db.shrink();
  } catch (error) {
    if (!(error instanceof AppError) || isDamaged(error)) throw error;
  }
}

async function reading<Result>(folder: string, body: () => Promise<Result>): Promise<Result> {
  try {
    return await body();
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw unusable(folder, error.message, error);
  }
}

function unusable(folder: string, problem: string, cause?: unknown): AppError {
  return new AppError('CACHE_UNAVAILABLE', `the cache ${folder} cannot be used: ${problem}`, {
    hint: isDamaged(cause) ? damagedHint : 'check cache.path and its permissions, or take `cache` out of the job',
    cause,
  });
}

/** @returns undefined where there is no such folder */
async function namesIn(folder: string): Promise<readonly string[] | undefined> {
  return readdir(folder).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw unusable(folder, systemCode(error) === 'ENOTDIR' ? 'it is no folder' : messageOf(error), error);
  });
}

async function refuseReadOnly(path: string, folder: string): Promise<void> {
  const isFolder = (await stat(path)).isDirectory();
  if (!isFolder) throw unusable(folder, `${path} is no folder`);
  await access(path, constants.W_OK | constants.X_OK).catch((error: unknown) => {
    throw unusable(folder, messageOf(error), error);
  });
}

async function sizeOnDisk(folder: string): Promise<number> {
  const sizes = fileEnds.map((end) =>
    stat(join(folder, `${cacheFile}${end}`)).then(
      ({ size }) => size,
      () => 0,
    ),
  );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

function dayText(day: unknown): string {
  return new Date(Number(day) * dayMs).toISOString().slice(0, 10);
}
