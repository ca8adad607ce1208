import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execaNode } from 'execa';
import { describe, expect, it } from 'vitest';
import { type CacheOptions, PredictionCache } from '../../src/worker/prediction-cache.ts';
import { temporaryFolder } from '../e2e/nightshift.ts';
import { damage } from './damage.ts';

const dayMs = 86_400_000;
const open = (folder: string, more: Partial<CacheOptions> = {}) =>
  PredictionCache.open({ folder, maxSizeBytes: 1e9, context: 'model', nowMs: () => 20_000 * dayMs, ...more });
const bytes = (...values: number[]) => Uint8Array.from(values);

describe('the cache of predictions', () => {
  it('gives back what was stored, also to the next process', async () => {
    await using folder = await temporaryFolder();
    {
      using cache = open(folder.path);
      cache.store(
        new Map([
          ['a', bytes(1, 2)],
          ['b', bytes()],
        ]),
      );
    }
    using cache = open(folder.path);
    expect(cache.find(['a', 'b', 'c'])).toEqual(
      new Map([
        ['a', bytes(1, 2)],
        ['b', bytes()],
      ]),
    );
    expect(cache.find([])).toEqual(new Map());
  });

  it('knows nothing of another model', async () => {
    await using folder = await temporaryFolder();
    using cache = open(folder.path);
    cache.store(new Map([['a', bytes(1)]]));
    using other = open(folder.path, { context: 'another model' });
    expect(other.find(['a'])).toEqual(new Map());
  });

  it('stays below its size, and what was not used for longest goes first', async () => {
    await using folder = await temporaryFolder();
    const maxSizeBytes = 600_000;
    const value = new Uint8Array(1500);
    const entries = (name: string) => new Map(Array.from({ length: 100 }, (_, i) => [`${name}${i}`, value] as const));
    {
      using cache = open(folder.path, { maxSizeBytes });
      cache.store(entries('old'));
      cache.store(entries('kept'));
    }
    using later = open(folder.path, { maxSizeBytes, nowMs: () => 20_001 * dayMs });
    expect(later.find([...entries('kept').keys()]).size).toBe(100);
    for (let round = 0; round < 20; round++) later.store(entries(`new${round}-`));
    expect(statSync(join(folder.path, 'predictions.sqlite')).size).toBeLessThan(2 * maxSizeBytes);
    expect(later.find([...entries('old').keys()]).size).toBe(0);
    expect(later.find([...entries('new19-').keys()]).size).toBeGreaterThan(0);
  });

  it.each([
    ['one', 1],
    ['four', 4],
  ])('stays near its size with its journal, whatever %s writes', async (_who, writers) => {
    await using folder = await temporaryFolder();
    const maxSizeBytes = 1_000_000;
    const caches = Array.from({ length: writers }, () => open(folder.path, { maxSizeBytes }));
    const onDisk = () =>
      readdirSync(folder.path).reduce((sum, name) => sum + statSync(join(folder.path, name)).size, 0);
    let most = 0;
    for (let round = 0; round < 60; round++) {
      const entries = Array.from({ length: 50 }, (_, i) => [`${round}-${i}`, new Uint8Array(1500)] as const);
      caches[round % writers]?.store(new Map(entries));
      most = Math.max(most, onDisk());
    }
    for (const cache of caches) cache[Symbol.dispose]();
    expect(most).toBeGreaterThan(maxSizeBytes / 2);
    expect(most).toBeLessThan(1.25 * maxSizeBytes);
  });

  it('is unavailable where it cannot be made, with what to do', async () => {
    await using folder = await temporaryFolder();
    writeFileSync(join(folder.path, 'file'), '');
    expect(() => open(join(folder.path, 'file'))).toThrow(
      expect.objectContaining({ code: 'CACHE_UNAVAILABLE', hint: expect.stringContaining('cache.path') }),
    );
  });

  it.each([
    ['from its beginning', (size: number) => ({ from: 0, to: size })],
    ['in its middle', (size: number) => ({ from: 8192, to: size })],
  ])('that is damaged %s has nothing, and says once what to do', async (_where, place) => {
    await using folder = await temporaryFolder();
    {
      using cache = open(folder.path);
      cache.store(new Map(Array.from({ length: 500 }, (_, i) => [`a${i}`, new Uint8Array(1000)] as const)));
    }
    damage(join(folder.path, 'predictions.sqlite'), place);
    using cache = open(folder.path);
    expect(cache.find(Array.from({ length: 500 }, (_, i) => `a${i}`))).toEqual(new Map());
    cache.store(new Map([['b', bytes(1)]]));
    expect(cache.takeFailure()).toMatch(/predictions\.sqlite is damaged; `nightshift cache clear SPEC JOB` removes it/);
    expect(cache.takeFailure()).toBeUndefined();
  });

  it('is written by several processes at once, and outlives the kill of one', async () => {
    await using folder = await temporaryFolder();
    const script = join(folder.path, 'write.ts');
    const source = join(import.meta.dirname, '../../src/worker/prediction-cache.ts');
    writeFileSync(
      script,
      `const { PredictionCache } = await import(${JSON.stringify(source)});
const [name, forEver] = process.argv.slice(2);
const cache = PredictionCache.open({ folder: ${JSON.stringify(folder.path)}, maxSizeBytes: 1e9, context: 'model', nowMs: Date.now });
for (let i = 0; i < 200 || forEver; i++) {
  cache.store(new Map([[name + i, Uint8Array.of(i % 256)]]));
  if (i === 20) console.log('writing');
}`,
    );
    const write = (...args: string[]) => execaNode(script, args, { reject: false });
    const doomed = write('doomed', 'for ever');
    const others = [write('a'), write('b')];
    for await (const _line of doomed.iterable()) doomed.kill('SIGKILL');
    expect((await Promise.all(others)).map(({ exitCode }) => exitCode)).toEqual([0, 0]);
    using cache = open(folder.path);
    const keys = ['a', 'b'].flatMap((name) => Array.from({ length: 200 }, (_, i) => `${name}${i}`));
    expect(cache.find(keys).size).toBe(400);
    expect(cache.find(['doomed0', 'doomed20']).size).toBe(2);
  });
});
