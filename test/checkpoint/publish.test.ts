import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { commitsOf, filesIn, publish, put, requestOf, scoredRun, store, temporaryOutput } from './output.ts';

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
  return { ...real, rename: change(real.rename), rm: change(real.rm) };
});

let output: Awaited<ReturnType<typeof temporaryOutput>>;
beforeEach(async () => {
  output = await temporaryOutput();
});
afterEach(async () => {
  power.changesLeft = Number.POSITIVE_INFINITY;
  await output[Symbol.asyncDispose]();
});

const visible = async () => Object.keys(await filesIn(output.path)).filter((name) => !name.startsWith('_nightshift'));

describe('publish', () => {
  it('shows the parts of a run under their names, with manifest and marker', async () => {
    const run = await scoredRun(output.path, 'r1');
    const manifest = await publish(output.path, run);
    const files = await filesIn(output.path);
    expect(await visible()).toEqual(['_SUCCESS', 'part-00000.parquet', 'part-00001.parquet']);
    expect(files['part-00001.parquet']).toBe('part 1 of r1');
    expect(await store.readManifest(output.path)).toEqual(manifest);
    expect(manifest).toMatchObject({
      v: 1,
      format: 'parquet',
      parts: [
        { name: 'part-00000.parquet', runId: 'r1', rowCount: 10 },
        { name: 'part-00001.parquet', runId: 'r1', rowCount: 10 },
      ],
      runs: [{ runId: 'r1', rows: { in: 20, out: 20, rejected: 0, filtered: 0 } }],
    });
    expect(Object.keys(files).filter((name) => name.includes('/runs/'))).toEqual([
      '_nightshift/runs/r1/commits/00000.json',
      '_nightshift/runs/r1/commits/00001.json',
      '_nightshift/runs/r1/plan.json',
    ]);
  });

  it('overwrites what was published: fewer parts, no trace of the run before', async () => {
    await publish(output.path, await scoredRun(output.path, 'r1', 3));
    await publish(output.path, await scoredRun(output.path, 'r2', 2));
    expect(await visible()).toEqual(['_SUCCESS', 'part-00000.parquet', 'part-00001.parquet']);
    expect(Object.keys(await filesIn(output.path)).filter((name) => name.includes('r1'))).toEqual([]);
  });

  it('appends: names go on counting, and the runs before stay', async () => {
    await publish(output.path, await scoredRun(output.path, 'r1', 2), 'append');
    const manifest = await publish(output.path, await scoredRun(output.path, 'r2', 2), 'append');
    expect(manifest.parts.map((part) => [part.name, part.runId])).toEqual([
      ['part-00000.parquet', 'r1'],
      ['part-00001.parquet', 'r1'],
      ['part-00002.parquet', 'r2'],
      ['part-00003.parquet', 'r2'],
    ]);
    expect(manifest.runs.map((run) => run.runId)).toEqual(['r1', 'r2']);
    expect((await filesIn(output.path))['part-00002.parquet']).toBe('part 0 of r2');
  });
});

describe('a publish that is interrupted', () => {
  it.each(['overwrite', 'append'] as const)('after any step ends the same when it runs again: %s', async (mode) => {
    await using whole = await temporaryOutput();
    await publish(whole.path, await scoredRun(whole.path, 'r1', 3), mode);
    await publish(whole.path, await scoredRun(whole.path, 'r2', 2), mode);
    const wanted = await filesIn(whole.path);
    let changes = 0;
    for (let isInterrupted = true; isInterrupted; changes++) {
      await rm(output.path, { recursive: true, force: true });
      await publish(output.path, await scoredRun(output.path, 'r1', 3), mode);
      const run = await scoredRun(output.path, 'r2', 2);
      power.changesLeft = changes;
      isInterrupted = await publish(output.path, run, mode).then(
        () => false,
        () => true,
      );
      power.changesLeft = Number.POSITIVE_INFINITY;
      const previous = await store.readPublished(output.path);
      const wasDone = previous?.runs.at(-1)?.runId === 'r2';
      if (isInterrupted && !wasDone) {
        const wantedRun = { job: 'job', fingerprint: 'r2', identity: run.plan.identity };
        const resumed = await store.findResumable(output.path, wantedRun, previous);
        expect(resumed).toEqual(JSON.parse(JSON.stringify(run)));
        const valid = await store.validCommits(output.path, run, { mode, previous });
        expect([...valid.keys()].sort()).toEqual([0, 1]);
        await publish(output.path, run, mode);
      }
      // Once the marker is there, what the last run left waits for the next publish.
      const isLeft = (name: string) =>
        name.endsWith('.tmp') || (wasDone && mode === 'overwrite' && name.includes('/r1/'));
      const files = Object.entries(await filesIn(output.path)).filter(([name]) => !isLeft(name));
      expect(Object.fromEntries(files)).toEqual(wanted);
    }
    expect(changes).toBeGreaterThan(5);
  });

  it('never shows the marker beside parts that its manifest does not name', async () => {
    for (let changes = 0; changes < 8; changes++) {
      await rm(output.path, { recursive: true, force: true });
      await publish(output.path, await scoredRun(output.path, 'r1', 3));
      const run = await scoredRun(output.path, 'r2', 2);
      power.changesLeft = changes;
      await publish(output.path, run).catch(() => undefined);
      power.changesLeft = Number.POSITIVE_INFINITY;
      const files = await filesIn(output.path);
      if (!('_SUCCESS' in files)) continue;
      const manifest = await store.readManifest(output.path);
      const parts = Object.keys(files).filter((name) => name.startsWith('part-'));
      expect(parts).toEqual(manifest?.parts.map((part) => part.name));
      const runId = manifest?.parts[0]?.runId;
      expect(parts.map((name) => files[name])).toEqual(parts.map((_name, index) => `part ${index} of ${runId}`));
    }
  });

  it('between overwriting and tidying leaves no run that a later one would take for unfinished', async () => {
    await publish(output.path, await scoredRun(output.path, 'r1', 3));
    await publish(output.path, await scoredRun(output.path, 'r2', 2));
    // As if r1's folder had outlived its end.
    await put(
      join(output.path, '_nightshift/runs/r1/plan.json'),
      JSON.stringify((await scoredRun(output.path, 'x')).plan),
    );
    await store.remove(output.path, 'x');
    const previous = await store.readPublished(output.path);
    const wanted = { job: 'job', fingerprint: 'r3', identity: { job: 'job', changed: true } };
    expect(await store.findResumable(output.path, wanted, previous)).toBeUndefined();
    await publish(output.path, await scoredRun(output.path, 'r3', 1));
    expect(Object.keys(await filesIn(output.path)).filter((name) => name.includes('/r1/'))).toEqual([]);
  });
});

describe('a part that is neither staged nor published', () => {
  it('keeps the run from being published', async () => {
    const run = await scoredRun(output.path, 'r1');
    await rm(join(output.path, '_nightshift/runs/r1/staging/part-00001.parquet'));
    await expect(publish(output.path, run)).rejects.toMatchObject({ code: 'OUTPUT_UNWRITABLE' });
    expect(await store.readManifest(output.path)).toBeUndefined();
    expect(await visible()).not.toContain('_SUCCESS');
  });
});

describe('check', () => {
  it('lets a run go on where nothing is, or where only what it may replace is', async () => {
    expect(await store.check(join(output.path, 'new'), 'error', undefined)).toBe('go');
    await publish(output.path, await scoredRun(output.path, 'r1'));
    const previous = await store.readManifest(output.path);
    expect(await store.check(output.path, 'overwrite', previous)).toBe('go');
    expect(await store.check(output.path, 'append', previous)).toBe('go');
    expect(await store.check(output.path, 'ignore', previous)).toBe('skip');
  });

  it('refuses a published output when the mode is error, and says what to do', async () => {
    await publish(output.path, await scoredRun(output.path, 'r1'));
    await expect(store.check(output.path, 'error', await store.readManifest(output.path))).rejects.toMatchObject({
      code: 'OUTPUT_EXISTS',
      message: `${output.path} is published already (run r1)`,
      hint: 'set output.mode to overwrite, append or ignore, or choose another output.path',
    });
  });

  it.each(['error', 'overwrite', 'append', 'ignore'] as const)('refuses files of somebody else: %s', async (mode) => {
    for (const name of ['data.csv', 'a.parquet', 'b.parquet', 'notes.txt']) await put(join(output.path, name), 'x');
    await put(join(output.path, '.hidden'), 'x');
    await expect(store.check(output.path, mode, undefined)).rejects.toMatchObject({
      code: 'OUTPUT_EXISTS',
      message: `${output.path} holds files that nightshift did not write: a.parquet, b.parquet, data.csv, …`,
    });
  });

  it('refuses parts of another tool in a folder that nightshift never published to', async () => {
    await put(join(output.path, 'part-00000.parquet'), 'from another engine');
    await expect(store.check(output.path, 'overwrite', undefined)).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });
  });

  it('refuses an output path that is a file', async () => {
    await put(join(output.path, 'file'), 'x');
    await expect(store.check(join(output.path, 'file'), 'overwrite', undefined)).rejects.toMatchObject({
      code: 'OUTPUT_UNWRITABLE',
    });
  });
});

it('the commits of a run are one a shard', async () => {
  const run = await scoredRun(output.path, 'r1', 3);
  const request = await requestOf(output.path, run, 'error');
  expect(request.commits).toEqual(commitsOf(run));
});
