import { link, mkdir, rename, rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { filesIn, publish, put, scoredRun, store, temporaryOutput } from './output.ts';

let output: Awaited<ReturnType<typeof temporaryOutput>>;
beforeEach(async () => {
  output = await temporaryOutput();
});
afterEach(() => output[Symbol.asyncDispose]());

const at = (name: string) => join(output.path, name);
const found = async () => {
  const { items, kept } = await store.findLeftovers(output.path);
  return { items: Object.fromEntries(items.map(({ path, what }) => [path, what])), kept };
};
const clean = async () => store.removeLeftovers(output.path, await store.findLeftovers(output.path));

describe('leftovers', () => {
  it('are none after a publish, with or without versions', async () => {
    await publish(output.path, await scoredRun(output.path, 'r1'));
    expect(await found()).toEqual({ items: {}, kept: [] });
    for (const id of ['r2', 'r3']) await publish(output.path, await scoredRun(output.path, id), 'overwrite', 2);
    expect(await found()).toEqual({ items: {}, kept: [] });
  });

  it('are unfinished runs, temporary files and parts that no manifest names; what is published stays', async () => {
    for (const id of ['r1', 'r2']) await publish(output.path, await scoredRun(output.path, id), 'overwrite', 2);
    const published = await filesIn(output.path);
    await scoredRun(output.path, 'r3', 3);
    await rm(at('_nightshift/runs/r3/commits/00001.json'));
    await mkdir(at('_nightshift/runs/r4/staging'), { recursive: true });
    for (const name of [
      ...['part-00007.parquet', '_SUCCESS.12.tmp', '_nightshift/manifest.json.12.tmp', '_nightshift/rollback/x.tmp'],
      ...['_nightshift/runs/r2/staging/part-00000.parquet', '_nightshift/runs/r2/commits/00000.json.1.tmp'],
      ...['_nightshift/versions/r1/part-00000.parquet.tmp', '_nightshift/versions/r0/part-00000.parquet'],
    ])
      await put(at(name), 'left');
    const temporary = 'a temporary file';
    expect(await found()).toEqual({
      items: {
        'part-00007.parquet': 'a part that no manifest names',
        '_SUCCESS.12.tmp': temporary,
        '_nightshift/manifest.json.12.tmp': temporary,
        '_nightshift/rollback': temporary,
        '_nightshift/runs/r2/staging': 'of a run that is published',
        '_nightshift/runs/r2/commits/00000.json.1.tmp': temporary,
        '_nightshift/runs/r3': 'an unfinished run of job job, 2 of 3 shards done',
        '_nightshift/runs/r4': 'a run that was never planned',
        '_nightshift/versions/r0': 'a version that was not published',
        '_nightshift/versions/r1/part-00000.parquet.tmp': temporary,
      },
      kept: [],
    });
    await clean();
    expect(await filesIn(output.path)).toEqual(published);
    expect(await found()).toEqual({ items: {}, kept: [] });
  });

  it('are the parts that a first publish had moved', async () => {
    await scoredRun(output.path, 'r1');
    await rename(at('_nightshift/runs/r1/staging/part-00000.parquet'), at('part-00000.parquet'));
    await clean();
    expect(await filesIn(output.path)).toEqual({});
  });

  it('are not a run that may have begun to replace what is published', async () => {
    await publish(output.path, await scoredRun(output.path, 'r1'));
    const run = await scoredRun(output.path, 'r2', 3);
    await scoredRun(output.path, 'r3', 2);
    await rm(at('_nightshift/runs/r3/commits/00001.json'));
    await rm(at('_SUCCESS'));
    await rename(at('_nightshift/runs/r2/staging/part-00002.parquet'), at('part-00002.parquet'));
    expect(await found()).toEqual({
      items: { '_nightshift/runs/r3': 'an unfinished run of job job, 1 of 2 shards done' },
      kept: [{ runId: 'r2', reason: 'its publish may have been cut off: run job job again to finish it' }],
    });
    await clean();
    await publish(output.path, run);
    expect(await found()).toEqual({ items: {}, kept: [] });
  });

  it('are not parts in a folder where no run was', async () => {
    await put(at('part-00000.parquet'), 'from another engine');
    await mkdir(at('_nightshift'));
    expect(await found()).toEqual({ items: {}, kept: [] });
  });

  it('are not the parts of a version that a rollback was bringing back', async () => {
    for (const [id, parts] of [
      ['r1', 3],
      ['r2', 1],
    ] as const)
      await publish(output.path, await scoredRun(output.path, id, parts), 'overwrite', 2);
    await put(at('_nightshift/rollback.json'), '{"v":1,"to":"r1"}');
    await rm(at('_SUCCESS'));
    await link(at('_nightshift/versions/r1/part-00002.parquet'), at('part-00002.parquet'));
    expect(await found()).toEqual({ items: {}, kept: [] });
  });

  it('are not the temporary file of somebody who is just taking the lock', async () => {
    await publish(output.path, await scoredRun(output.path, 'r1'));
    await put(at('_nightshift/lock.1.abc.tmp'), '');
    expect((await found()).items).toEqual({});
    await utimes(at('_nightshift/lock.1.abc.tmp'), 0, 0);
    expect((await found()).items).toEqual({ '_nightshift/lock.1.abc.tmp': 'a temporary file' });
  });

  it('weigh what the disk has back', async () => {
    await publish(output.path, await scoredRun(output.path, 'r1'));
    await put(at('part-00005.parquet'), '12345');
    await link(at('part-00005.parquet'), at('part-00006.parquet'));
    await link(at('part-00000.parquet'), at('part-00007.parquet'));
    const { items, freedBytes } = await store.findLeftovers(output.path);
    expect(items.map(({ sizeBytes }) => sizeBytes)).toEqual([5, 5, 12]);
    expect(freedBytes).toBe(5);
  });
});
