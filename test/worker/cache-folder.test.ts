import { existsSync, readdirSync, statSync } from 'node:fs';
import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkCacheFolder, clearCacheFolder, lookAtCacheFolder } from '../../src/worker/cache-folder.ts';
import { PredictionCache } from '../../src/worker/prediction-cache.ts';
import { temporaryFolder } from '../e2e/nightshift.ts';
import { damage } from './damage.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let kept: string;
beforeEach(async () => {
  folder = await temporaryFolder();
  kept = join(folder.path, 'kept');
});
afterEach(() => folder[Symbol.asyncDispose]());

const dayMs = 86_400_000;
const day = (of: string) => Date.parse(of);

function open(nowMs: number): PredictionCache {
  return PredictionCache.open({ folder: kept, maxSizeBytes: 1e8, context: 'model', nowMs: () => nowMs });
}

function entries(name: string, count: number): ReadonlyMap<string, Uint8Array> {
  return new Map(Array.from({ length: count }, (_, index) => [`${name}${index}`, new Uint8Array(1000)] as const));
}

async function fill(): Promise<void> {
  using old = open(day('2026-11-01'));
  old.store(entries('old', 3000));
  using later = open(day('2026-11-20'));
  later.store(entries('new', 1000));
}

describe('a folder for predictions', () => {
  it.each([
    ['that is not there', async () => undefined],
    ['that is empty', async () => mkdir(kept)],
    ['where a process died that had begun to make it', () => mkdir(kept).then(() => writeFile(cacheFile(), ''))],
    ['of a disk of its own', async () => mkdir(join(kept, 'lost+found'), { recursive: true })],
  ])('%s is new, and stays as it is', async (_what, make) => {
    await make();
    const before = await readdir(folder.path, { recursive: true });
    expect(await lookAtCacheFolder(kept)).toEqual({ state: 'new', entries: 0, sizeBytes: 0 });
    expect(await clearCacheFolder(kept, { beforeMs: undefined, dryRun: false })).toEqual({ entries: 0, sizeBytes: 0 });
    expect(await readdir(folder.path, { recursive: true })).toEqual(before);
  });

  it.each<[string, () => Promise<unknown>, RegExp]>([
    ['is a file', () => writeFile(kept, ''), /it is no folder/],
    [
      'is below a file',
      () => writeFile(join(folder.path, 'kept'), '').then(() => (kept = join(kept, 'x'))),
      /no folder/,
    ],
    ['has other files', () => mkdir(join(kept, 'letters'), { recursive: true }), /other files, such as letters/],
    ['is of a newer version', () => mkdir(kept).then(writeNewer), /newer nightshift/],
  ])('is refused if it %s', async (_what, make, message) => {
    await make();
    const refusal = { code: 'CACHE_UNAVAILABLE', message: expect.stringMatching(message) };
    await expect(checkCacheFolder(kept)).rejects.toMatchObject(refusal);
    await expect(clearCacheFolder(kept, { beforeMs: undefined, dryRun: false })).rejects.toMatchObject(refusal);
  });

  it.each([
    ['from its beginning', (size: number) => ({ from: 0, to: size })],
    ['in its middle', (size: number) => ({ from: 8192, to: size })],
    ['in its last half', (size: number) => ({ from: Math.floor(size / 2), to: size })],
  ])('is shown as damaged %s, and goes whole and alone when it is cleared', async (_where, place) => {
    await fill();
    await writeFile(join(kept, 'letter.txt'), '');
    damage(cacheFile(), place);
    const sizeBytes = expect.any(Number);
    expect(await lookAtCacheFolder(kept)).toEqual({ state: 'damaged', entries: 0, sizeBytes });
    const old = clearCacheFolder(kept, { beforeMs: day('2026-11-20'), dryRun: false });
    await expect(old).rejects.toMatchObject({
      code: 'CACHE_UNAVAILABLE',
      hint: expect.stringContaining('cache clear'),
    });
    const cleared = { entries: 0, sizeBytes, isDamaged: true };
    expect(await clearCacheFolder(kept, { beforeMs: undefined, dryRun: true })).toEqual(cleared);
    expect(existsSync(cacheFile())).toBe(true);
    expect(await clearCacheFolder(kept, { beforeMs: undefined, dryRun: false })).toEqual(cleared);
    expect(await readdir(kept)).toEqual(['letter.txt']);
  });

  it('is told of where nobody may write', async () => {
    await fill();
    emptyJournal();
    expect(await readdir(kept)).toEqual(['predictions.sqlite']);
    await using _nobody = await writtenByNobody();
    expect(await lookAtCacheFolder(kept)).toMatchObject({ state: 'kept', entries: 4000 });
    expect(await readdir(kept)).toEqual(['predictions.sqlite']);
  });

  it('tells how much is kept, and when it was used', async () => {
    await fill();
    const look = await lookAtCacheFolder(kept);
    expect(look).toMatchObject({ state: 'kept', entries: 4000, oldestUse: '2026-11-01', newestUse: '2026-11-20' });
    expect(look.sizeBytes).toBeGreaterThan(4_000_000);
  });

  it('forgets what was not used since, and gives the disk its space, while a run goes on', async () => {
    await fill();
    const onDisk = () => readdirSync(kept).reduce((sum, name) => sum + statSync(join(kept, name)).size, 0);
    const before = onDisk();
    using run = open(day('2026-11-26'));
    run.find(['old7']);
    const asked = { beforeMs: day('2026-11-20'), dryRun: true };
    const would = await clearCacheFolder(kept, asked);
    expect(would.entries).toBe(2999);
    expect(onDisk()).toBeGreaterThanOrEqual(before);
    const cleared = await clearCacheFolder(kept, { ...asked, dryRun: false });
    expect(cleared.entries).toBe(2999);
    expect(Math.abs(cleared.sizeBytes - would.sizeBytes)).toBeLessThan(0.1 * before);
    expect(onDisk()).toBeLessThan(0.3 * before);
    expect(run.find(['old7', 'old8', 'new1']).size).toBe(2);
    run.store(entries('more', 10));
    expect(await clearCacheFolder(kept, { beforeMs: undefined, dryRun: false })).toMatchObject({ entries: 1011 });
    expect(run.find(['more1']).size).toBe(0);
    expect(run.takeFailure()).toBeUndefined();
  });

  it('counts a day as used until its end', async () => {
    await fill();
    const asked = { beforeMs: day('2026-11-01') + dayMs - 1, dryRun: true };
    expect((await clearCacheFolder(kept, asked)).entries).toBe(0);
  });
});

const cacheFile = () => join(kept, 'predictions.sqlite');

function emptyJournal(): void {
  using db = new DatabaseSync(cacheFile());
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
}

/** Root may write everywhere, so it becomes somebody else. */
async function writtenByNobody(): Promise<AsyncDisposable> {
  const isRoot = process.geteuid?.() === 0;
  await chmod(cacheFile(), 0o444);
  await chmod(kept, 0o555);
  await chmod(folder.path, 0o755);
  if (isRoot) process.seteuid?.(65_534);
  return {
    async [Symbol.asyncDispose]() {
      if (isRoot) process.seteuid?.(0);
      await chmod(kept, 0o755);
    },
  };
}

function writeNewer(): void {
  using db = new DatabaseSync(cacheFile());
  db.exec('PRAGMA user_version = 99');
}
