import { appendFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { filesIn, publish, put, scoredRun, store, temporaryOutput } from './output.ts';

/** How many changes of the disk may still happen before the process is killed. */
const power = vi.hoisted(() => ({ changesLeft: Number.POSITIVE_INFINITY }));

vi.mock(import('node:fs/promises'), async (original) => {
  const real = await original();
  const change = <Args extends readonly unknown[], Result>(act: (...args: Args) => Promise<Result>) => {
    return async (...args: Args): Promise<Result> => {
      if (power.changesLeft === 0) throw new Error('the power went off');
      power.changesLeft--;
      return act(...args);
    };
  };
  return { ...real, rename: change(real.rename), rm: change(real.rm), link: change(real.link) };
});

let output: Awaited<ReturnType<typeof temporaryOutput>>;
beforeEach(async () => {
  output = await temporaryOutput();
});
afterEach(async () => {
  power.changesLeft = Number.POSITIVE_INFINITY;
  await output[Symbol.asyncDispose]();
});

const publishKept = async (runId: string, parts = 2, keepVersions = 3) =>
  publish(output.path, await scoredRun(output.path, runId, parts), 'overwrite', keepVersions);
const versionIds = async () => (await store.versions(output.path)).map(({ runs }) => runs.at(-1)?.runId);
const currentId = async () => (await store.readPublished(output.path))?.runs.at(-1)?.runId;

/** What readers see, and the manifest. */
async function seen(path = output.path) {
  const files = Object.entries(await filesIn(path));
  return Object.fromEntries(
    files.filter(([name]) => !name.startsWith('_nightshift/') || name === '_nightshift/manifest.json'),
  );
}

/** Cuts an act off after a number of changes of the disk. @returns whether it came to that */
async function cutOff(act: () => Promise<unknown>, changes: number): Promise<boolean> {
  power.changesLeft = changes;
  const isCutOff = await act().then(
    () => false,
    () => true,
  );
  power.changesLeft = Number.POSITIVE_INFINITY;
  return isCutOff;
}

describe('rollback', () => {
  it('shows what was published before, and nothing else', async () => {
    await publishKept('r1', 2);
    const before = await seen();
    await publishKept('r2', 3);
    await store.rollback(output.path, 'r1');
    expect(await seen()).toEqual(before);
    expect(await versionIds()).toEqual(['r2', 'r1']);
    const meta = Object.keys(await filesIn(output.path)).filter((name) => /rollback|\.tmp/.test(name));
    expect(meta).toEqual([]);
  });

  it('can go forward again', async () => {
    await publishKept('r1', 3);
    await publishKept('r2', 1);
    const after = await seen();
    await store.rollback(output.path, 'r1');
    await store.rollback(output.path, 'r2');
    expect(await seen()).toEqual(after);
  });

  it('mends a part that was damaged or removed', async () => {
    await publishKept('r1');
    const whole = await seen();
    await rm(join(output.path, 'part-00000.parquet'));
    await put(join(output.path, 'part-00007.parquet'), 'stray');
    await store.rollback(output.path, 'r1');
    expect(await seen()).toEqual(whole);
  });

  it('refuses a version that is not whole, and changes nothing', async () => {
    await publishKept('r1');
    await publishKept('r2');
    const before = await seen();
    await appendFile(join(output.path, '_nightshift/versions/r1/part-00001.parquet'), '!');
    await expect(store.rollback(output.path, 'r1')).rejects.toMatchObject({
      code: 'VERIFY_FAILED',
      message: `version r1 of ${output.path} cannot be brought back: part-00001.parquet in _nightshift/versions/r1 is missing or changed`,
    });
    expect(await seen()).toEqual(before);
  });

  it('is followed by runs that keep what they replace, before the version that was given up', async () => {
    for (const id of ['r1', 'r2', 'r3']) await publishKept(id);
    await store.rollback(output.path, 'r1');
    await publishKept('r4');
    expect(await versionIds()).toEqual(['r4', 'r3', 'r1']);
    expect(await store.previousVersion(output.path)).toBe('r1');
    await publishKept('r5', 2, 2);
    expect(await versionIds()).toEqual(['r5', 'r4']);
  });
});

describe('rollback of an append', () => {
  it('takes its parts away, and the next append goes on from there', async () => {
    const append = async (runId: string) => publish(output.path, await scoredRun(output.path, runId, 1), 'append', 3);
    for (const id of ['r1', 'r2', 'r3']) await append(id);
    await store.rollback(output.path, 'r1');
    expect(Object.keys(await seen())).toEqual(['_SUCCESS', '_nightshift/manifest.json', 'part-00000.parquet']);
    const manifest = await append('r4');
    expect(manifest.runs.map(({ runId }) => runId)).toEqual(['r1', 'r4']);
    expect((await seen())['part-00001.parquet']).toBe('part 0 of r4');
    await store.rollback(output.path, 'r3');
    expect((await seen())['part-00001.parquet']).toBe('part 0 of r2');
    await store.rollback(output.path, 'r4');
    expect((await seen())['part-00001.parquet']).toBe('part 0 of r4');
  });
});

describe('the previous version', () => {
  it('is what the published one replaced', async () => {
    for (const id of ['r1', 'r2', 'r3']) await publishKept(id);
    expect(await store.previousVersion(output.path)).toBe('r2');
    await store.rollback(output.path, 'r2');
    expect(await store.previousVersion(output.path)).toBe('r1');
    await store.rollback(output.path, 'r1');
    expect(await store.previousVersion(output.path)).toBeUndefined();
  });

  it('is the next older one when what was replaced is gone', async () => {
    for (const id of ['r1', 'r2', 'r3']) await publishKept(id);
    await rm(join(output.path, '_nightshift/versions/r2'), { recursive: true });
    expect(await store.previousVersion(output.path)).toBe('r1');
  });

  it('is the published one once a publish has begun to replace it', async () => {
    let changes = 0;
    for (let isCutOff = true; isCutOff; changes++) {
      await rm(output.path, { recursive: true, force: true });
      for (const id of ['r1', 'r2']) await publishKept(id, 3);
      const before = await seen();
      const run = await scoredRun(output.path, 'r3', 2);
      isCutOff = await cutOff(() => publish(output.path, run, 'overwrite', 3), changes);
      const files = await seen();
      const isWhole = '_SUCCESS' in files;
      const isDone = (await currentId()) === 'r3';
      expect(await store.previousVersion(output.path)).toBe(isWhole && !isDone ? 'r1' : 'r2');
      if (isWhole) continue;
      await store.rollback(output.path, 'r2');
      expect(await seen()).toEqual(before);
      const previous = await store.readPublished(output.path);
      const valid = await store.validCommits(output.path, run, { mode: 'overwrite', previous });
      expect([...valid.keys()].sort()).toEqual([0, 1]);
      await publish(output.path, run, 'overwrite', 3);
      expect((await seen())['part-00001.parquet']).toBe('part 1 of r3');
    }
    expect(changes).toBeGreaterThan(12);
  });
});

describe('a rollback that is interrupted', () => {
  it.each(['again', 'by the next run'])('after any step is brought to its end %s', async (how) => {
    let changes = 0;
    for (let isCutOff = true; isCutOff; changes++) {
      await rm(output.path, { recursive: true, force: true });
      await publishKept('r1', 1);
      await publishKept('r2', 2);
      const wanted = await seen();
      await publishKept('r3', 4);
      isCutOff = await cutOff(() => store.rollback(output.path, 'r2'), changes);
      const hasBegun = !('_SUCCESS' in (await seen()));
      if (how === 'again') await store.rollback(output.path, (await store.previousVersion(output.path)) ?? '');
      else await store.finishRollback(output.path);
      if (hasBegun) expect(await seen()).toEqual(wanted);
      expect(['r2', 'r3', 'r1']).toContain(await currentId());
      expect(await versionIds()).toEqual(['r3', 'r2', 'r1']);
      await publishKept('r4', 1);
      expect(Object.keys(await seen())).toEqual(['_SUCCESS', '_nightshift/manifest.json', 'part-00000.parquet']);
    }
    expect(changes).toBeGreaterThan(10);
  });

  it('at no step shows the marker beside parts that its manifest does not name', async () => {
    let changes = 0;
    for (let isCutOff = true; isCutOff; changes++) {
      await rm(output.path, { recursive: true, force: true });
      await publishKept('r1', 3);
      await publishKept('r2', 2);
      isCutOff = await cutOff(() => store.rollback(output.path, 'r1'), changes);
      const files = await seen();
      if (!('_SUCCESS' in files)) continue;
      const manifest = await store.readManifest(output.path);
      const texts = Object.entries(files).filter(([name]) => name.startsWith('part-'));
      expect(texts).toEqual(manifest?.parts.map(({ name, runId }, index) => [name, `part ${index} of ${runId}`]));
    }
    expect(changes).toBeGreaterThan(10);
  });
});
