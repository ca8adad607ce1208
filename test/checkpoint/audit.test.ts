import { existsSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runLayout } from '../../src/plan/layout.ts';
import { commitsOf, publish, put, scoredRun, store, temporaryOutput } from './output.ts';

const found = [{ name: 'min', column: 'y', severity: 'error', passed: false, value: 'NaN', bound: 0 }] as const;

describe('staged parts', () => {
  it('are named in the order of their commits, until the first is moved', async () => {
    await using output = await temporaryOutput();
    const run = await scoredRun(output.path, 'r1');
    const [first, second] = commitsOf(run).map((commit) => join(output.path, runLayout('r1').staging, commit.part));
    expect(await store.stagedParts(output.path, 'r1', commitsOf(run))).toEqual([first, second]);
    await rename(first ?? '', join(output.path, 'part-00000.parquet'));
    expect(await store.stagedParts(output.path, 'r1', commitsOf(run))).toBeUndefined();
  });
});

describe('what checks found', () => {
  it('is read back as it was written, and a damaged record counts as none', async () => {
    await using output = await temporaryOutput();
    await scoredRun(output.path, 'r1');
    expect(await store.readChecks(output.path, 'r1')).toBeUndefined();
    await store.writeChecks(output.path, 'r1', found);
    expect(await store.readChecks(output.path, 'r1')).toEqual(found);
    await put(join(output.path, runLayout('r1').checks), '{"v":1,"checks":');
    expect(await store.readChecks(output.path, 'r1')).toBeUndefined();
  });
});

describe('the folder of an audit', () => {
  it('goes with all in it, or with the staging folder when it was left behind', async () => {
    await using output = await temporaryOutput();
    const run = await scoredRun(output.path, 'r1');
    let path = '';
    {
      await using folder = await store.auditFolder(output.path, 'r1');
      path = folder.path;
      await writeFile(join(path, 'spilled'), 'rows');
    }
    expect(existsSync(path)).toBe(false);
    const left = await store.auditFolder(output.path, 'r1');
    await publish(output.path, run);
    expect(existsSync(left.path)).toBe(false);
  });
});

describe('unfinished runs', () => {
  it('are those with a plan that are not published, oldest first', async () => {
    await using output = await temporaryOutput();
    const published = await scoredRun(output.path, 'r1');
    await publish(output.path, published);
    const runs = [await scoredRun(output.path, 'r2'), await scoredRun(output.path, 'r3')];
    await store.create(output.path, 'r4');
    expect(await store.findUnfinished(output.path, await store.readPublished(output.path))).toEqual(runs);
  });
});
