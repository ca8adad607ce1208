import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newPorts } from '../../src/cli/context.ts';
import { AppError } from '../../src/core/errors.ts';
import type { BatchSize } from '../../src/plan/batch-size.ts';
import { runLayout } from '../../src/plan/layout.ts';
import { openJob, prepareJob } from '../../src/run/prepare-job.ts';
import { parseSpec } from '../../src/spec/load-spec.ts';
import { measureBatch } from '../../src/worker/measure-batch.ts';
import { protocolVersion } from '../../src/worker/protocol.ts';
import { runShard } from '../../src/worker/run-shard.ts';
import { openScorer, type Scorer } from '../../src/worker/scorer.ts';
import { makeParquet, root, sql, temporaryFolder, typeModel } from '../e2e/nightshift.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  folder = await temporaryFolder();
  const layout = runLayout('r1');
  for (const name of [layout.staging, layout.commits, layout.rejects])
    await mkdir(join(folder.path, 'out', name), { recursive: true });
});
afterEach(() => folder[Symbol.asyncDispose]());

/** A scorer over texts of 1 to 10 letters, which are as many tokens and two, as a worker opens it. */
async function open(rowCount: number) {
  await makeParquet(
    join(folder.path, 'in.parquet'),
    `SELECT i AS id, repeat('a ', 1 + i % 10) AS t FROM range(${rowCount}) r(i)`,
  );
  const tokenizer = join(root, 'fixtures/models/tiny-bert/tokenizer.json');
  const job = {
    model: typeModel('tokens'),
    input: 'in.parquet',
    features: { text: { column: 't', tokenizer } },
    output: { path: 'out', keep: ['id'] },
  };
  const text = JSON.stringify({ version: 1, jobs: { job } });
  const [parsed] = parseSpec({ text, path: join(folder.path, 'jobs.yaml'), env: {} }).jobs;
  if (parsed === undefined) throw new Error('the spec has no job');
  const ports = newPorts();
  const prepared = await prepareJob(ports, { job: parsed, baseDir: folder.path, locate: (path) => path.join('.') });
  const { plan } = await openJob(ports, prepared, { stagingFolder: folder.path, rejectsPath: join(folder.path, 'r') });
  const scorer = await openScorer({
    type: 'start',
    protocol: protocolVersion,
    plan,
    outputFolder: join(folder.path, 'out'),
    runId: 'r1',
    provider: 'cpu',
    fallback: 'fail',
    intraOpThreads: 1,
    prefetch: true,
    warmupBatches: 0,
    profile: false,
  });
  const [shard] = plan.shards;
  if (shard === undefined) throw new Error('there is no shard');
  return { scorer, shard };
}

/** The scorer, and the shape of each batch that it is given; it has memory for so many tokens. */
function watched(scorer: Scorer, tokensAtMost = Number.POSITIVE_INFINITY) {
  const batches: (readonly number[])[] = [];
  const run: Scorer['run'] = (feeds) => {
    const dims = feeds['input_ids']?.dims ?? [];
    if (dims.reduce((product, dim) => product * dim, 1) > tokensAtMost)
      throw new AppError('OUT_OF_MEMORY', 'no memory');
    batches.push(dims);
    return scorer.run(feeds);
  };
  return { scorer: { ...scorer, run }, batches };
}

async function score(scorer: Scorer, shard: Parameters<typeof runShard>[1]['shard'], size: BatchSize) {
  const reduced: BatchSize[] = [];
  const progress: number[] = [];
  const commit = await runShard(scorer, {
    shard,
    attempt: 1,
    failedAttempts: [],
    giveUp: false,
    signal: new AbortController().signal,
    onProgress: (rows) => progress.push(rows),
    onReduced: (batch) => reduced.push(batch),
    ...size,
  });
  const part = join(folder.path, 'out', runLayout('r1').staging, commit.part);
  const rows = await sql(`SELECT id, y[2] - 2 AS letters FROM read_parquet('${part}')`);
  return { commit, reduced, progress, rows };
}

const inOrder = (rowCount: number) =>
  Array.from({ length: rowCount }, (_, id) => ({ id: BigInt(id), letters: BigInt(1 + (id % 10)) }));

describe('a shard of texts', () => {
  it('is scored longest first within the budget, and written in input order', async () => {
    const { scorer, shard } = await open(40);
    await using _closing = scorer;
    const { scorer: seen, batches } = watched(scorer);
    const { commit, rows, progress } = await score(seen, shard, { batchRows: 100, batchTokens: 60 });
    expect(batches.slice(0, 3)).toEqual([
      [5, 12],
      [5, 11],
      [6, 10],
    ]);
    expect(rows).toEqual(inOrder(40));
    expect(progress).toEqual([...progress].sort((a, b) => a - b));
    expect(progress.at(-1)).toBe(40);
    expect(commit).toMatchObject({ batchRows: 100, batchTokens: 60, rowsOut: 40 });
  });

  it('has smaller budgets once memory ran out, and the parent hears of it at once', async () => {
    const { scorer, shard } = await open(40);
    await using _closing = scorer;
    const { scorer: small, batches } = watched(scorer, 30);
    const { commit, reduced, rows } = await score(small, shard, { batchRows: 100, batchTokens: 120 });
    expect(reduced).toEqual([
      { batchRows: 100, batchTokens: 60 },
      { batchRows: 100, batchTokens: 36 },
      { batchRows: 100, batchTokens: 24 },
    ]);
    expect(Math.max(...batches.map(([rowCount = 0, width = 0]) => rowCount * width))).toBeLessThanOrEqual(30);
    expect(rows).toEqual(inOrder(40));
    expect(commit).toMatchObject({ batchTokens: 24, rowsOut: 40 });
  });
});

describe('measureBatch of texts', () => {
  it('finds a budget of tokens where there are rows enough, and else takes the usual one', async () => {
    const { scorer, shard } = await open(4000);
    await using _closing = scorer;
    const { batchRows, batchTokens } = await measureBatch(scorer, shard);
    expect(batchRows).toBe(4096);
    expect([512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536]).toContain(batchTokens);
    const { scorer: few, shard: small } = await open(8);
    await using _closingToo = few;
    expect(await measureBatch(few, small)).toEqual({ batchRows: 4096, batchTokens: 16_384 });
  });
});
