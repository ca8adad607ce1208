import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { filesIn, publish, scoredRun, store, temporaryOutput } from './output.ts';

/** How many changes of the disk may still happen before the process is killed, and whether it knows hard links. */
const disk = vi.hoisted(() => ({ changesLeft: Number.POSITIVE_INFINITY, hasLinks: true }));

vi.mock(import('node:fs/promises'), async (original) => {
  const real = await original();
  const change = <Args extends readonly unknown[], Result>(act: (...args: Args) => Promise<Result>) => {
    return async (...args: Args): Promise<Result> => {
      if (disk.changesLeft === 0) throw new Error('the power went off');
      disk.changesLeft--;
      return act(...args);
    };
  };
  const link = change(async (...[from, to]: Parameters<typeof real.link>) => {
    if (!disk.hasLinks) throw Object.assign(new Error('no links here'), { code: 'ENOTSUP' });
    await real.link(from, to);
  });
  return { ...real, rename: change(real.rename), rm: change(real.rm), copyFile: change(real.copyFile), link };
});

let output: Awaited<ReturnType<typeof temporaryOutput>>;
beforeEach(async () => {
  output = await temporaryOutput();
});
afterEach(async () => {
  disk.changesLeft = Number.POSITIVE_INFINITY;
  disk.hasLinks = true;
  await output[Symbol.asyncDispose]();
});

const versionIds = async () => (await store.versions(output.path)).map(({ runs }) => runs.at(-1)?.runId);
const inodeOf = async (name: string) => (await stat(join(output.path, name))).ino;

/** What is in the folder of a version, by name. */
async function versionFiles(runId: string): Promise<Readonly<Record<string, string>>> {
  const folder = `_nightshift/versions/${runId}/`;
  const files = Object.entries(await filesIn(output.path)).filter(([name]) => name.startsWith(folder));
  return Object.fromEntries(files.map(([name, text]) => [name.slice(folder.length), text]));
}

describe('versions', () => {
  it('are not kept where nobody asks for them', async () => {
    await publish(output.path, await scoredRun(output.path, 'r1'));
    await publish(output.path, await scoredRun(output.path, 'r2'));
    expect(await versionIds()).toEqual([]);
    expect(Object.keys(await filesIn(output.path)).filter((name) => name.includes('/versions/'))).toEqual([]);
  });

  it('hold their parts and their own manifest, as links to what is published', async () => {
    const manifest = await publish(output.path, await scoredRun(output.path, 'r1'), 'overwrite', 2);
    const { 'manifest.json': text = '', ...parts } = await versionFiles('r1');
    expect(JSON.parse(text)).toEqual(manifest);
    expect(parts).toEqual({ 'part-00000.parquet': 'part 0 of r1', 'part-00001.parquet': 'part 1 of r1' });
    expect(await inodeOf('part-00001.parquet')).toBe(await inodeOf('_nightshift/versions/r1/part-00001.parquet'));
  });

  it('are copies on a file system without hard links', async () => {
    disk.hasLinks = false;
    await publish(output.path, await scoredRun(output.path, 'r1'), 'overwrite', 2);
    expect((await versionFiles('r1'))['part-00001.parquet']).toBe('part 1 of r1');
    expect(await inodeOf('part-00001.parquet')).not.toBe(await inodeOf('_nightshift/versions/r1/part-00001.parquet'));
  });

  it('stay as they are while later runs overwrite, and the oldest go', async () => {
    await publish(output.path, await scoredRun(output.path, 'r1'), 'overwrite', 2);
    await publish(output.path, await scoredRun(output.path, 'r2', 1), 'overwrite', 2);
    expect((await versionFiles('r1'))['part-00001.parquet']).toBe('part 1 of r1');
    await publish(output.path, await scoredRun(output.path, 'r3', 3), 'overwrite', 2);
    expect(await versionIds()).toEqual(['r3', 'r2']);
    const runs = Object.keys(await filesIn(output.path)).filter((name) => name.includes('r1'));
    expect(runs).toEqual([]);
    expect(await store.readManifest(output.path)).toMatchObject({ replaces: 'r2' });
  });

  it('keep the runs of their rejects', async () => {
    await publish(output.path, await scoredRun(output.path, 'r1'), 'overwrite', 2);
    await publish(output.path, await scoredRun(output.path, 'r2'), 'overwrite', 2);
    expect(Object.keys(await filesIn(output.path))).toContain('_nightshift/runs/r1/plan.json');
  });

  it('begin with what was published before anybody asked for them', async () => {
    await publish(output.path, await scoredRun(output.path, 'r1'));
    await publish(output.path, await scoredRun(output.path, 'r2'), 'overwrite', 2);
    expect(await versionIds()).toEqual(['r2', 'r1']);
    expect((await versionFiles('r1'))['part-00000.parquet']).toBe('part 0 of r1');
  });

  it('all go when nobody asks for them any more', async () => {
    await publish(output.path, await scoredRun(output.path, 'r1'), 'overwrite', 3);
    await publish(output.path, await scoredRun(output.path, 'r2'), 'overwrite', 3);
    await publish(output.path, await scoredRun(output.path, 'r3'), 'overwrite', 1);
    expect(await versionIds()).toEqual([]);
    expect(Object.keys(await filesIn(output.path)).filter((name) => /r1|r2/.test(name))).toEqual([]);
  });

  it('of an append are the whole table as of then', async () => {
    await publish(output.path, await scoredRun(output.path, 'r1'), 'append', 3);
    await publish(output.path, await scoredRun(output.path, 'r2', 1), 'append', 3);
    const parts = ['part-00000.parquet', 'part-00001.parquet', 'part-00002.parquet'];
    expect(Object.keys(await versionFiles('r2'))).toEqual(['manifest.json', ...parts]);
    expect(Object.keys(await versionFiles('r1'))).toEqual(['manifest.json', ...parts.slice(0, 2)]);
    expect((await store.versions(output.path)).map(({ runs }) => runs.length)).toEqual([2, 1]);
  });
});

describe('a publish with versions that is interrupted', () => {
  it.each([
    ['overwrite', true],
    ['overwrite', false],
    ['append', true],
  ] as const)('after any step ends the same when it runs again: %s, hard links %s', async (mode, hasLinks) => {
    disk.hasLinks = hasLinks;
    await using whole = await temporaryOutput();
    for (const id of ['r1', 'r2', 'r3'])
      await publish(whole.path, await scoredRun(whole.path, id, id === 'r3' ? 2 : 3), mode, 2);
    const wanted = await filesIn(whole.path);
    let changes = 0;
    for (let isInterrupted = true; isInterrupted; changes++) {
      await rm(output.path, { recursive: true, force: true });
      for (const id of ['r1', 'r2']) await publish(output.path, await scoredRun(output.path, id, 3), mode, 2);
      const run = await scoredRun(output.path, 'r3', 2);
      disk.changesLeft = changes;
      isInterrupted = await publish(output.path, run, mode, 2).then(
        () => false,
        () => true,
      );
      disk.changesLeft = Number.POSITIVE_INFINITY;
      const previous = await store.readPublished(output.path);
      const wasDone = previous?.runs.at(-1)?.runId === 'r3';
      // Until a run is published, its version is none.
      if (!wasDone) expect((await versionIds())[0]).toBe('r2');
      if (isInterrupted && !wasDone) {
        const valid = await store.validCommits(output.path, run, { mode, previous });
        expect([...valid.keys()].sort()).toEqual([0, 1]);
        await publish(output.path, run, mode, 2);
      }
      // Once the marker is there, what the last run left waits for the next publish.
      const isLeft = (name: string) => name.endsWith('.tmp') || (wasDone && name.includes('/r1/'));
      const files = Object.entries(await filesIn(output.path)).filter(([name]) => !isLeft(name));
      const expected = Object.entries(wanted).filter(([name]) => !isLeft(name));
      expect(Object.fromEntries(files)).toEqual(Object.fromEntries(expected));
    }
    expect(changes).toBeGreaterThan(12);
  });

  it('at no step leaves a manifest whose version is not whole', async () => {
    let changes = 0;
    for (let isInterrupted = true; isInterrupted; changes++) {
      await rm(output.path, { recursive: true, force: true });
      await publish(output.path, await scoredRun(output.path, 'r1', 3), 'overwrite', 2);
      const run = await scoredRun(output.path, 'r2', 2);
      disk.changesLeft = changes;
      isInterrupted = await publish(output.path, run, 'overwrite', 2).then(
        () => false,
        () => true,
      );
      disk.changesLeft = Number.POSITIVE_INFINITY;
      const manifest = await store.readManifest(output.path);
      const runId = manifest?.runs.at(-1)?.runId ?? '';
      const files = await versionFiles(runId);
      expect(JSON.parse(files['manifest.json'] ?? '')).toEqual(manifest);
      const texts = manifest?.parts.map(({ name }) => files[name]);
      expect(texts).toEqual(manifest?.parts.map((_part, index) => `part ${index} of ${runId}`));
    }
    expect(changes).toBeGreaterThan(12);
  });
});
