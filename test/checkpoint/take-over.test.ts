import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StoredRun, TakeoverRequest } from '../../src/checkpoint/contract.ts';
import { planOf } from '../plan/run-plan.ts';
import { commitsOf, filesIn, publish, scoredRun, store, temporaryOutput } from './output.ts';

let output: Awaited<ReturnType<typeof temporaryOutput>>;
beforeEach(async () => {
  output = await temporaryOutput();
});
afterEach(() => output[Symbol.asyncDispose]());

/** The plan of a scored run, whose input has a known content. */
function known({ plan }: StoredRun): StoredRun['plan'] {
  const files = plan.dataset.files.map((file) => ({ ...file, sha256: 'content' }));
  return { ...plan, dataset: { ...plan.dataset, files } };
}

async function scored(runId: string, shardCount = 2): Promise<StoredRun> {
  const run = await scoredRun(output.path, runId, shardCount);
  const stored = { runId, plan: known(run) };
  await store.writePlan(output.path, stored);
  return stored;
}

async function asked(shardCount: number, rest: Partial<TakeoverRequest> = {}): Promise<TakeoverRequest> {
  const plan = known({ runId: 'new', plan: planOf(shardCount) });
  const previous = await store.readPublished(output.path);
  return { plan, runId: 'new', previous, mode: 'overwrite', batch: undefined, done: new Set(), ...rest };
}

const found = async (request: TakeoverRequest) =>
  (await store.findTakeovers(output.path, request)).map(({ shard, runId }) => `${shard} of ${runId}`);

describe('findTakeovers', () => {
  it('prefers the latest unfinished run, then what is published, and leaves out what is done', async () => {
    await publish(output.path, await scored('r0', 3));
    await scored('r1', 2);
    // The last shard is of rows that the file of the unfinished run does not have.
    expect(await found(await asked(2))).toEqual(['0 of r1', '1 of r1']);
    expect(await found(await asked(3))).toEqual(['0 of r0', '1 of r0', '2 of r0']);
    expect(await found(await asked(3, { done: new Set([0, 2]) }))).toEqual(['1 of r0']);
  });

  it('wants the batch rows of the run', async () => {
    await scored('r1');
    expect(await found(await asked(2, { batch: { batchRows: 256 } }))).toEqual(['0 of r1', '1 of r1']);
    expect(await found(await asked(2, { batch: { batchRows: 128 } }))).toEqual([]);
  });
});

it('a takeover is a link with a commit of its own, and may be made twice', async () => {
  const from = await scored('r1', 2);
  await publish(output.path, from);
  await store.create(output.path, 'new');
  const request = await asked(2);
  const takeovers = await store.findTakeovers(output.path, request);
  const run = { runId: 'new', plan: request.plan };
  const first = await store.takeOver(output.path, run, takeovers);
  const files = await filesIn(output.path);
  expect(await store.takeOver(output.path, run, takeovers)).toEqual(first);
  expect(await filesIn(output.path)).toEqual(files);
  expect(first).toEqual(commitsOf(from).map((commit) => ({ ...commit, takenFrom: 'r1' })));
  const [staged, published] = ['_nightshift/runs/new/staging/part-00001.parquet', 'part-00001.parquet'];
  expect((await stat(join(output.path, staged))).ino).toBe((await stat(join(output.path, published))).ino);
  expect(JSON.parse(await readFile(join(output.path, '_nightshift/runs/new/commits/00001.json'), 'utf8'))).toEqual(
    first[1],
  );
  await writeFile(join(output.path, 'part-00000.parquet'), 'x');
  expect(await found({ ...request, done: new Set([1]) })).toEqual([]);
});
