import { readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StoredRun } from '../../src/checkpoint/contract.ts';
import { commitOf } from '../plan/run-plan.ts';
import { commitsOf, filesIn, publish, put, requestOf, scoredRun, store, temporaryOutput } from './output.ts';

let output: Awaited<ReturnType<typeof temporaryOutput>>;
beforeEach(async () => {
  output = await temporaryOutput();
});
afterEach(() => output[Symbol.asyncDispose]());

const inRun = (name: string) => join(output.path, '_nightshift/runs/r1', name);
const wanted = (fingerprint: string, identity: StoredRun['plan']['identity'] = { job: 'job' }) => ({
  job: 'job',
  fingerprint,
  identity,
});

async function validShards(run: StoredRun): Promise<readonly number[]> {
  const commits = await store.validCommits(output.path, run, { mode: 'overwrite', previous: undefined });
  return [...commits.keys()].sort();
}

describe('validCommits', () => {
  it('counts parts that are there and whole', async () => {
    expect(await validShards(await scoredRun(output.path, 'r1', 3))).toEqual([0, 1, 2]);
  });

  it.each([
    ['is gone', (part: string) => rm(part)],
    ['was cut short', (part: string) => truncate(part, 3)],
    ['was changed without changing its size', (part: string) => writeFile(part, 'PART 1 of r1')],
    ['grew', (part: string) => writeFile(part, 'part 1 of r1 and more')],
  ])('leaves out a part that %s', async (_what, damage) => {
    const run = await scoredRun(output.path, 'r1', 3);
    await damage(inRun('staging/part-00001.parquet'));
    expect(await validShards(run)).toEqual([0, 2]);
  });

  it.each([
    ['is gone', () => rm(inRun('commits/00001.json'))],
    ['was cut short', () => truncate(inRun('commits/00001.json'), 20)],
    ['is of another version', () => put(inRun('commits/00001.json'), JSON.stringify({ ...commitOf(1), v: 2 }))],
    ['tells of another shard', () => put(inRun('commits/00001.json'), JSON.stringify(commitOf(2)))],
  ])('leaves out a part whose record %s', async (_what, damage) => {
    const run = await scoredRun(output.path, 'r1', 3);
    await damage();
    expect(await validShards(run)).toEqual([0, 2]);
  });

  it('finds parts that an interrupted publish had moved into place', async () => {
    await publish(output.path, await scoredRun(output.path, 'r0', 2), 'append');
    const run = await scoredRun(output.path, 'r1', 2);
    const previous = await store.readPublished(output.path);
    const part = join(output.path, 'part-00003.parquet');
    await writeFile(part, await readFile(inRun('staging/part-00001.parquet')));
    await rm(inRun('staging/part-00001.parquet'));
    expect([...(await store.validCommits(output.path, run, { mode: 'append', previous })).keys()].sort()).toEqual([
      0, 1,
    ]);
    await writeFile(part, 'part 1 of r0');
    expect([...(await store.validCommits(output.path, run, { mode: 'append', previous })).keys()]).toEqual([0]);
  });
});

describe('findResumable', () => {
  it('finds the unfinished run of the same fingerprint', async () => {
    const run = await scoredRun(output.path, 'r1');
    expect(await store.findResumable(output.path, wanted('r1'), undefined)).toEqual(run);
  });

  it('finds nothing where nothing was begun, or where what was begun has no plan yet', async () => {
    expect(await store.findResumable(output.path, wanted('r1'), undefined)).toBeUndefined();
    await store.create(output.path, 'r1');
    await put(inRun('plan.json'), '{"v": 1, "job"');
    expect(await store.findResumable(output.path, wanted('r1'), undefined)).toBeUndefined();
  });

  it('does not go on with a run that is published, or of another job', async () => {
    await publish(output.path, await scoredRun(output.path, 'r1'));
    const previous = await store.readPublished(output.path);
    expect(await store.findResumable(output.path, wanted('r1'), previous)).toBeUndefined();
    await scoredRun(output.path, 'r2');
    expect(await store.findResumable(output.path, { ...wanted('r2'), job: 'other' }, previous)).toBeUndefined();
  });

  it('refuses to start over an unfinished run of something else, and names what changed', async () => {
    await scoredRun(output.path, 'r1');
    const identity = { job: 'job', 'model.sha256': 'b', 'input.where': null };
    await expect(store.findResumable(output.path, wanted('new', identity), undefined)).rejects.toMatchObject({
      code: 'FINGERPRINT_CHANGED',
      exitCode: 2,
      message: 'run r1 of job job is unfinished, and since then changed: input.where, model.sha256',
      hint: 'score everything anew with --restart, or put back what changed to go on',
      details: { runId: 'r1', changed: ['input.where', 'model.sha256'] },
    });
  });
});

describe('discardUnfinished', () => {
  it("removes the job's unfinished runs and the parts that they had moved, and nothing else", async () => {
    await publish(output.path, await scoredRun(output.path, 'r0', 1), 'append');
    const previous = await store.readPublished(output.path);
    await scoredRun(output.path, 'r1', 2);
    await put(join(output.path, 'part-00001.parquet'), 'part 0 of r1');
    await store.discardUnfinished(output.path, 'job', previous);
    expect(await readdir(join(output.path, '_nightshift/runs'))).toEqual(['r0']);
    const visible = Object.keys(await filesIn(output.path)).filter((name) => !name.startsWith('_nightshift'));
    expect(visible).toEqual(['_SUCCESS', 'part-00000.parquet']);
  });

  it('leaves the unfinished run of another job', async () => {
    await scoredRun(output.path, 'r1');
    await store.discardUnfinished(output.path, 'other', undefined);
    expect(await readdir(join(output.path, '_nightshift/runs'))).toEqual(['r1']);
  });
});

describe('findRequested', () => {
  const find = (runId: string, fingerprint: string, identity?: StoredRun['plan']['identity']) =>
    store.findRequested(output.path, { ...wanted(fingerprint, identity), runId }, undefined);

  it('gives that run, though another one would go on by itself', async () => {
    const run = { runId: 'r1', plan: { ...(await scoredRun(output.path, 'r1')).plan, fingerprint: 'same' } };
    await store.writePlan(output.path, run);
    const later = { ...run, runId: 'r2' };
    await scoredRun(output.path, 'r2');
    await store.writePlan(output.path, later);
    expect((await find('r1', 'same')).runId).toBe('r1');
    expect((await store.findResumable(output.path, wanted('same'), undefined))?.runId).toBe('r2');
  });

  it('says what is unfinished when that run is not', async () => {
    await expect(find('r9', 'r1')).rejects.toMatchObject({
      code: 'USAGE',
      message: '--resume r9: job job has no such unfinished run',
      hint: 'nothing is unfinished there: leave --resume out to begin a new run',
    });
    await scoredRun(output.path, 'r1');
    const { plan } = await scoredRun(output.path, 'r2');
    await store.writePlan(output.path, { runId: 'r2', plan: { ...plan, job: 'other' } });
    await expect(find('r2', 'r2')).rejects.toMatchObject({
      code: 'USAGE',
      hint: 'what is unfinished there: r1, r2 (of job other)',
    });
  });

  it('refuses it when something changed since, and keeps it', async () => {
    const { plan } = await scoredRun(output.path, 'r1');
    await expect(find('r1', 'new', { ...plan.identity, 'input.where': 'x' })).rejects.toMatchObject({
      code: 'FINGERPRINT_CHANGED',
      details: { runId: 'r1', changed: ['input.where'] },
    });
    expect((await find('r1', 'r1')).runId).toBe('r1');
  });
});

describe('the batch size of a run', () => {
  it('is kept with it', async () => {
    await store.create(output.path, 'r1');
    expect(await store.readBatch(output.path, 'r1')).toBeUndefined();
    await store.writeBatch(output.path, 'r1', { batchRows: 4096, batchTokens: 512 });
    expect(await store.readBatch(output.path, 'r1')).toEqual({ batchRows: 4096, batchTokens: 512 });
  });

  it.each(['', '{}', '{"batchRows": 0}', '{"batchRows": "4"}', '[]'])(
    'is measured again when it reads %j',
    async (text) => {
      await put(inRun('execution.json'), text);
      expect(await store.readBatch(output.path, 'r1')).toBeUndefined();
    },
  );
});

describe('a manifest', () => {
  it('that is missing means that nothing is published', async () => {
    expect(await store.readManifest(output.path)).toBeUndefined();
    expect(await store.readManifest(join(output.path, 'nowhere'))).toBeUndefined();
  });

  it.each([
    ['no JSON', '{'],
    ['of a version to come', '{"v": 99}'],
    ['of another tool', '{"parts": []}'],
  ])('that is %s is VERIFY_FAILED, not nothing', async (_what, text) => {
    await put(join(output.path, '_nightshift/manifest.json'), text);
    await expect(store.readManifest(output.path)).rejects.toMatchObject({ code: 'VERIFY_FAILED' });
  });

  it('without its marker, and with its last run still staged, does not count for the next run', async () => {
    await publish(output.path, await scoredRun(output.path, 'r0', 1), 'append');
    const run = await scoredRun(output.path, 'r1', 1);
    const request = await requestOf(output.path, run, 'append');
    await store.publish(request);
    await rm(join(output.path, '_SUCCESS'));
    expect((await store.readPublished(output.path))?.runs.map(({ runId }) => runId)).toEqual(['r0', 'r1']);
    await put(inRun('staging/.keep'), '');
    expect(await store.readPublished(output.path)).toEqual(request.previous);
    expect(commitsOf(run)).toHaveLength(1);
  });
});
