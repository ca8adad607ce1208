import { constants } from 'node:fs';
import { access, readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AppError, messageOf } from '../core/errors.ts';
import { systemCode } from '../core/files.ts';
import { SqliteFile } from '../core/sqlite.ts';
import { cacheFile, cacheMigrations, cacheTimeoutMs, dayMs } from './prediction-cache.ts';

/** What is in a folder of predictions. */
export interface CacheContents {
  readonly state: 'new' | 'kept';
  readonly entries: number;
  readonly sizeBytes: number;
  readonly oldestUse?: string;
  readonly newestUse?: string;
}

/** What a disk or a person has beside everything. */
const isNothing = (name: string) => name.startsWith('.') || name === 'lost+found';
/** A transaction of so many delays no run, and fills no disk with its journal. */
const clearedAtOnce = 1000;

/**
 * Whether predictions can be kept in a folder; writes nothing.
 * @throws AppError CACHE_UNAVAILABLE
 */
export async function checkCacheFolder(folder: string): Promise<CacheContents['state']> {
  const names = await namesIn(folder);
  await refuseReadOnly(names === undefined ? await nearestFolder(dirname(folder)) : folder, folder);
  if (names?.includes(cacheFile) === true)
    return reading<'kept'>(folder, async () => {
      using _db = lookInto(folder);
      return 'kept';
    });
  const other = names?.find((name) => !isNothing(name));
  if (other !== undefined) throw unusable(folder, `it has other files, such as ${other}`);
  return 'new';
}

/**
 * What is kept in a folder; writes nothing.
 * @throws AppError CACHE_UNAVAILABLE
 */
export async function lookAtCacheFolder(folder: string): Promise<CacheContents> {
  const state = await checkCacheFolder(folder);
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
 * Forgets predictions, while runs may use and make them.
 * @param beforeMs what was used since stays; undefined forgets all
 * @throws AppError CACHE_UNAVAILABLE
 */
export async function clearCacheFolder(
  folder: string,
  { beforeMs, dryRun }: { readonly beforeMs: number | undefined; readonly dryRun: boolean },
): Promise<{ readonly entries: number; readonly sizeBytes: number }> {
  const { state, entries: all } = await lookAtCacheFolder(folder);
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
    if (!(error instanceof AppError)) throw error;
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
    hint: 'check cache.path and its permissions, or take `cache` out of the job',
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

async function nearestFolder(path: string): Promise<string> {
  const isThere = await stat(path).then(
    () => true,
    () => false,
  );
  return isThere || dirname(path) === path ? path : nearestFolder(dirname(path));
}

async function refuseReadOnly(path: string, folder: string): Promise<void> {
  const isFolder = (await stat(path)).isDirectory();
  if (!isFolder) throw unusable(folder, `${path} is no folder`);
  await access(path, constants.W_OK | constants.X_OK).catch((error: unknown) => {
    throw unusable(folder, messageOf(error), error);
  });
}

async function sizeOnDisk(folder: string): Promise<number> {
  const sizes = ['', '-wal', '-shm'].map((end) =>
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
