import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import type { BatchSize } from '../../src/plan/batch-size.ts';
import { runLayout } from '../../src/plan/layout.ts';
import { measureBatch } from '../../src/worker/measure-batch.ts';
import { runShard } from '../../src/worker/run-shard.ts';
import type { Scorer } from '../../src/worker/scorer.ts';
import { makeParquet, root, sql, typeModel } from '../e2e/nightshift.ts';
import { openedScorer, runFolder } from './opened-scorer.ts';

let folder: Awaited<ReturnType<typeof runFolder>>;
beforeEach(async () => {
  folder = await runFolder();
});
afterEach(() => folder[Symbol.asyncDispose]());

/** A scorer over texts of 1 to 10 letters, which are as many tokens and two. */
async function open(rowCount: number) {
  await makeParquet(
    join(folder.path, 'in.parquet'),
    `SELECT i AS id, repeat('a ', 1 + i % 10) AS t FROM range(${rowCount}) r(i)`,
  );
  const tokenizer = join(root, 'fixtures/models/tiny-bert/tokenizer.json');
  return openedScorer(folder.path, {
    model: typeModel('tokens'),
    input: 'in.parquet',
    features: { text: { column: 't', tokenizer } },
    output: { path: 'out', keep: ['id'] },
  });
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
