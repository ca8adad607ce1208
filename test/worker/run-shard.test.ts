import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newPorts } from '../../src/cli/context.ts';
import { commitSchema } from '../../src/plan/commit.ts';
import { runLayout } from '../../src/plan/layout.ts';
import type { Shard } from '../../src/plan/run-plan.ts';
import { openJob, prepareJob } from '../../src/run/prepare-job.ts';
import { parseSpec } from '../../src/spec/load-spec.ts';
import { measureBatch } from '../../src/worker/measure-batch.ts';
import { protocolVersion } from '../../src/worker/protocol.ts';
import { runShard } from '../../src/worker/run-shard.ts';
import { openScorer, type Scorer } from '../../src/worker/scorer.ts';
import { makeParquet, sql, temporaryFolder, typeModel } from '../e2e/nightshift.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const layout = runLayout('r1');
beforeEach(async () => {
  folder = await temporaryFolder();
  for (const name of [layout.staging, layout.commits, layout.rejects, layout.input])
    await mkdir(join(folder.path, 'out', name), { recursive: true });
});
afterEach(() => folder[Symbol.asyncDispose]());

/** A scorer as a worker opens it, in this process, and the shards of its plan. */
async function open(select: string, model = 'float32'): Promise<{ scorer: Scorer; shards: readonly Shard[] }> {
  await makeParquet(join(folder.path, 'in.parquet'), select);
  const job = {
    model: typeModel(model),
    input: { path: 'in.parquet', where: 'id <> 1' },
    features: { x: ['a', 'b'] },
    output: { path: 'out', keep: ['id'] },
    execution: { shardRows: 10 },
  };
  const text = JSON.stringify({ version: 1, jobs: { job } });
  const [parsed] = parseSpec({ text, path: join(folder.path, 'jobs.yaml'), env: {} }).jobs;
  if (parsed === undefined) throw new Error('the spec has no job');
  const ports = newPorts();
  const prepared = await prepareJob(ports, { job: parsed, baseDir: folder.path, locate: (path) => path.join('.') });
  const { plan } = await openJob(ports, prepared, { stagingFolder: folder.path, rejectsPath: join(folder.path, 'r') });
  const outputFolder = join(folder.path, 'out');
  const scorer = await openScorer({
    type: 'start',
    protocol: protocolVersion,
    plan,
    outputFolder,
    runId: 'r1',
    provider: 'cpu',
    fallback: 'fail',
    intraOpThreads: 1,
    prefetch: true,
  });
  return { scorer, shards: plan.shards };
}

const rows = (count: number) =>
  `SELECT i AS id, i::FLOAT AS a, CASE i WHEN 3 THEN NULL ELSE i END::FLOAT AS b FROM range(${count}) t(i)`;

function score(scorer: Scorer, shard: Shard | undefined, attempt = 1, signal = new AbortController().signal) {
  if (shard === undefined) throw new Error('there is no such shard');
  return runShard(scorer, { shard, attempt, batchRows: 4, signal, onProgress: () => undefined });
}

describe('runShard', () => {
  it('leaves a whole part, the rejects and a commit whose ledger balances', async () => {
    const { scorer, shards } = await open(rows(20));
    await using _closing = scorer;
    const commit = await score(scorer, shards[0]);
    expect(commit).toMatchObject({ rowsIn: 10, rowsOut: 8, rejectedRows: 1, filteredRows: 1, providers: ['cpu'] });
    expect(commit.firstReject).toBe(`${join(folder.path, 'in.parquet')} row 3: column b is null`);
    const written: unknown = JSON.parse(await readFile(join(folder.path, 'out', layout.commits, '00000.json'), 'utf8'));
    expect(commitSchema.parse(written)).toEqual(commit);
    expect(await sql(`SELECT id, y[1] AS y FROM '${join(folder.path, 'out', layout.staging, commit.part)}'`)).toEqual(
      [0, 2, 4, 5, 6, 7, 8, 9].map((id) => ({ id: BigInt(id), y: id })),
    );
    expect(await readdir(join(folder.path, 'out', layout.rejects))).toEqual(['rejects-00000.parquet']);
  });

  it('writes each shard what was predicted for it, however many one worker scores', async () => {
    const { scorer, shards } = await open(rows(40));
    await using _closing = scorer;
    for (const shard of shards) {
      const commit = await score(scorer, shard);
      const part = join(folder.path, 'out', layout.staging, commit.part);
      expect(await sql(`SELECT count(*)::INTEGER AS wrong FROM '${part}' WHERE y[1] IS DISTINCT FROM id`)).toEqual([
        { wrong: 0 },
      ]);
    }
    expect(shards).toHaveLength(4);
  });

  it('gives the same bytes when it runs again, and leaves nothing else behind', async () => {
    const { scorer, shards } = await open(rows(20));
    await using _closing = scorer;
    const first = await score(scorer, shards[0]);
    const second = await score(scorer, shards[0], 2);
    expect(second).toEqual({ ...first, attempt: 2, timings: second.timings });
    expect(await readdir(join(folder.path, 'out', layout.staging))).toEqual([first.part]);
  });

  it('stops between batches when it is told to, without a commit', async () => {
    const { scorer, shards } = await open(rows(20));
    await using _closing = scorer;
    await expect(score(scorer, shards[0], 1, AbortSignal.abort())).rejects.toMatchObject({ code: 'INTERRUPTED' });
    expect(await readdir(join(folder.path, 'out', layout.commits))).toEqual([]);
  });

  it('refuses an input that is not the one that was planned', async () => {
    const { scorer, shards } = await open(rows(20));
    await using _closing = scorer;
    await makeParquet(join(folder.path, 'in.parquet'), rows(21));
    await expect(score(scorer, shards[0])).rejects.toMatchObject({ code: 'INPUT_CHANGED' });
    expect(await readdir(join(folder.path, 'out', layout.commits))).toEqual([]);
  });
});

describe('measureBatch', () => {
  it('takes no more rows than there are', async () => {
    const { scorer, shards } = await open(rows(8));
    await using _closing = scorer;
    const [shard] = shards;
    expect(shard && (await measureBatch(scorer, shard))).toBe(6);
  });

  it('takes the batch that the model fixes', async () => {
    const { scorer, shards } = await open(rows(8), 'fixed-batch');
    await using _closing = scorer;
    const [shard] = shards;
    expect(shard && (await measureBatch(scorer, shard))).toBe(4);
  });
});
