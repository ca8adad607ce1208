import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runLayout } from '../../src/plan/layout.ts';
import { filesIn, publish, put, scoredRun, store, temporaryOutput } from './output.ts';

let output: Awaited<ReturnType<typeof temporaryOutput>>;
beforeEach(async () => {
  output = await temporaryOutput();
});
afterEach(() => output[Symbol.asyncDispose]());

const names = async () => Object.keys(await filesIn(output.path));

describe('what a kill left behind', () => {
  it('after the marker of a publish does not pass for an unfinished run once another run is published', async () => {
    const first = await scoredRun(output.path, 'r1');
    await publish(output.path, first);
    await put(join(output.path, runLayout('r1').staging, 'left'), '');
    await publish(output.path, await scoredRun(output.path, 'r2'));
    const previous = await store.readPublished(output.path);
    const wanted = { job: first.plan.job, fingerprint: 'r3', identity: first.plan.identity };
    await expect(store.findResumable(output.path, wanted, previous)).resolves.toBeUndefined();
    expect((await names()).filter((name) => name.includes('r1'))).toEqual([]);
  });

  it('before a run had its plan goes when the next run begins', async () => {
    await store.create(output.path, 'r1');
    await put(join(output.path, runLayout('r1').input, '00000-big.parquet'), 'a copy of the input');
    await store.create(output.path, 'r2');
    expect(await names()).toEqual([]);
  });

  it.each([
    '_nightshift/manifest.json.12.tmp',
    '_nightshift/runs/r1/plan.json.12.tmp',
    '_nightshift/runs/r1/commits/00001.json.12.tmp',
    '_nightshift/runs/r1/rejects/rejects-00001.parquet.a1.tmp',
  ])('while %s was written goes with the publish', async (name) => {
    const run = await scoredRun(output.path, 'r1');
    await put(join(output.path, name), '{');
    await publish(output.path, run);
    expect(await names()).not.toContain(name);
  });
});
