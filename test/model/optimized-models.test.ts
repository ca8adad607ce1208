import { existsSync } from 'node:fs';
import { copyFile, cp, mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { holdFile } from '../../src/core/hold-file.ts';
import { type OptimizedModelFacts, OptimizedModels } from '../../src/model/optimized-models.ts';
import { temporaryFolder } from '../e2e/nightshift.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let models: OptimizedModels;
beforeEach(async () => {
  folder = await temporaryFolder();
  models = new OptimizedModels(folder.path);
});
afterEach(() => folder[Symbol.asyncDispose]());

const bytes = Buffer.from(Array.from({ length: 3000 }, (_, index) => index % 251));
const at = (day: number) => new Date(Date.UTC(2026, 10, day));
const facts: OptimizedModelFacts = {
  ...{ path: '/models/a.onnx', sha256: 'a'.repeat(64), runtime: '1.30.0', provider: 'cpu', graphOptimization: 'all' },
  ...{ processor: 'a processor', abilities: 'x64 avx2', unzippedOutputs: [] },
};

/** @returns the folder that it is in */
async function made(of: OptimizedModelFacts = facts, now = at(1)): Promise<string> {
  using making = models.begin(of);
  if (making === undefined) throw new Error('somebody else makes it');
  await writeFile(making.path, bytes);
  await making.keep(now);
  return join(making.path, '..');
}

const nth = (index: number) => ({ ...facts, sha256: String(index).padStart(64, '0') });

describe('an optimised model', () => {
  it('is found once it is whole, by whoever asks for the same', async () => {
    expect(await models.find(facts, at(1))).toBeUndefined();
    const made_ = await made();
    const path = await new OptimizedModels(folder.path).find({ ...facts, path: '/elsewhere/b.onnx' }, at(2));
    expect(path).toBe(join(made_, 'model.onnx'));
    expect(await readFile(path ?? '')).toEqual(bytes);
    expect(await models.list()).toMatchObject([
      { path: '/models/a.onnx', sizeBytes: 3000, usedAtMs: at(2).getTime(), madeAt: at(1).toISOString() },
    ]);
  });

  it.each([
    ['model', { sha256: 'b'.repeat(64) }],
    ['version of ONNX Runtime', { runtime: '1.31.0' }],
    ['provider', { provider: 'cuda' }],
    ['level', { graphOptimization: 'basic' }],
    ['processor', { processor: 'another' }],
    ['instruction set', { abilities: 'x64 avx2 avx512f' }],
    ['rewriting of the graph', { unzippedOutputs: ['probabilities'] }],
  ])('is not that of another %s', async (_what, other) => {
    await made();
    expect(await models.find({ ...facts, ...other }, at(2))).toBeUndefined();
  });

  it.each<[string, (folder: string) => Promise<void>]>([
    ['has a flipped bit', async (of) => writeFile(join(of, 'model.onnx'), flipped(bytes))],
    ['was cut short', async (of) => truncate(join(of, 'model.onnx'), 2999)],
    ['is gone', async (of) => rm(join(of, 'model.onnx'))],
    ['has no record', async (of) => rm(join(of, 'record.json'))],
    ['has a record that is none', async (of) => writeFile(join(of, 'record.json'), '{')],
    ['is of another key', async (of) => putAnother(of)],
  ])('that %s is made again', async (_what, damage) => {
    await damage(await made());
    expect(await models.find(facts, at(2))).toBeUndefined();
    await made();
    expect(await readFile((await models.find(facts, at(3))) ?? '')).toEqual(bytes);
  });

  it('is made by one at a time, and what one left that was killed is written over', async () => {
    {
      using making = models.begin(facts);
      expect(making).toBeDefined();
      expect(models.begin(facts)).toBeUndefined();
      await writeFile(making?.path ?? '', 'half');
    }
    expect(await models.find(facts, at(1))).toBeUndefined();
    await made();
    expect((await readdir(await made())).sort()).toEqual(['lock', 'model.onnx', 'record.json']);
  });

  it('is made where a folder stands in its way, and leaves none where one comes meanwhile', async () => {
    const path = join(await made(), 'model.onnx.tmp');
    await mkdir(join(path, 'inner'), { recursive: true });
    {
      using making = models.begin(facts);
      expect(making).toBeDefined();
      expect(existsSync(path)).toBe(false);
      await mkdir(join(path, 'inner'), { recursive: true });
    }
    expect(existsSync(path)).toBe(false);
  });

  it('is not kept where what was to be it is none, and says so as every failure is told', async () => {
    using making = models.begin(facts);
    await mkdir(making?.path ?? '');
    await expect(making?.keep(at(1))).rejects.toMatchObject({ name: 'AppError' });
  });
});

describe('more than ten optimised models', () => {
  it('become ten, those that were used last', async () => {
    for (let index = 0; index < 10; index++) await made(nth(index), at(1 + index));
    await models.find(nth(0), at(20));
    await made(nth(10), at(21));
    const left = (await models.list()).map(({ sha256 }) => Number(sha256));
    expect(left).toEqual([10, 0, 9, 8, 7, 6, 5, 4, 3, 2]);
    expect(await readdir(folder.path)).toHaveLength(10);
  });

  it('stay more while the oldest is being made again', async () => {
    const oldest = await made(nth(0), at(1));
    using _hold = holdFile(join(oldest, 'lock'));
    for (let index = 1; index < 11; index++) await made(nth(index), at(1 + index));
    expect(existsSync(oldest)).toBe(true);
    expect(await models.remove(oldest)).toBe(false);
  });

  it('go but for what NFS keeps of a file that somebody has open', async () => {
    const theirs = await made();
    await writeFile(join(theirs, '.nfs000000000000a1'), bytes);
    expect(await models.remove(theirs)).toBe(true);
    expect(await readdir(theirs)).toEqual(['.nfs000000000000a1']);
    await rm(join(theirs, '.nfs000000000000a1'));
    expect(await models.remove(theirs)).toBe(true);
    expect(existsSync(theirs)).toBe(false);
  });

  it('are none in a folder that is not there', async () => {
    expect(await new OptimizedModels(join(folder.path, 'no/such')).list()).toEqual([]);
  });

  it.each<[string, (of: string) => Promise<unknown>]>([
    ["that is nobody's", async (of) => rm(join(of, 'record.json'))],
    ['that is one too many', async () => undefined],
  ])('are kept all the same where a folder %s cannot be removed, which is told', async (_what, change) => {
    const stays = await made(nth(0), at(1));
    await change(stays);
    await rm(join(stays, 'lock'));
    await mkdir(join(stays, 'lock'));
    for (let index = 1; index < 10; index++) await made(nth(index), at(1 + index));
    using making = models.begin(nth(10));
    await writeFile(making?.path ?? '', bytes);
    expect(await making?.keep(at(11))).toMatchObject({
      code: 'CACHE_UNAVAILABLE',
      message: expect.stringContaining(stays),
    });
    expect(await models.find(nth(10), at(12))).toBeDefined();
    await expect(models.remove(stays)).rejects.toMatchObject({ code: 'CACHE_UNAVAILABLE' });
  });

  it.each<[string, string | undefined]>([
    ['another version keeps', JSON.stringify({ v: 2, models: [] })],
    ['nobody can read', '{'],
    ['is a folder', undefined],
  ])('leave alone what has a record that %s', async (_what, record) => {
    const theirs = join(folder.path, 'f00');
    await mkdir(theirs);
    if (record === undefined) await mkdir(join(theirs, 'record.json'));
    else await writeFile(join(theirs, 'record.json'), record);
    await writeFile(join(theirs, 'model.onnx.tmp'), 'on its way');
    await made();
    expect((await readdir(theirs)).sort()).toEqual(['model.onnx.tmp', 'record.json']);
  });

  it('take with them what was left of one that was being made again, but not while it is', async () => {
    const theirs = await made(nth(0));
    const leaving = join(theirs, 'model.onnx.tmp');
    await writeFile(leaving, 'half');
    {
      using _hold = holdFile(join(theirs, 'lock'));
      await made(nth(1));
      expect(existsSync(leaving)).toBe(true);
    }
    await made(nth(2));
    expect((await readdir(theirs)).sort()).toEqual(['lock', 'model.onnx', 'record.json']);
  });

  it('take with them what killed workers left', async () => {
    await mkdir(join(folder.path, 'f00'));
    await writeFile(join(folder.path, 'f00', 'model.onnx.tmp'), 'half');
    const mine = await made();
    expect(await readdir(folder.path)).toEqual([mine.split('/').at(-1)]);
  });
});

function flipped(of: Buffer): Buffer {
  const copy = Buffer.from(of);
  copy[1234] = (copy[1234] ?? 0) ^ 1;
  return copy;
}

async function putAnother(of: string): Promise<void> {
  await using elsewhere = await temporaryFolder();
  const other = new OptimizedModels(elsewhere.path);
  using making = other.begin({ ...facts, sha256: 'c'.repeat(64) });
  await copyFile(join(of, 'model.onnx'), making?.path ?? '');
  await making?.keep(at(1));
  await cp(join(making?.path ?? '', '..'), of, { recursive: true, filter: (path) => !path.endsWith('lock') });
}
