import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BatchSize } from '../../src/plan/batch-size.ts';
import { runLayout } from '../../src/plan/layout.ts';
import { measureBatch } from '../../src/worker/measure-batch.ts';
import { runShard } from '../../src/worker/run-shard.ts';
import type { Scorer } from '../../src/worker/scorer.ts';
import { warmUp } from '../../src/worker/warm-up.ts';
import { type Job, makeParquet, root, sql } from '../e2e/nightshift.ts';
import { openedScorer, runFolder } from './opened-scorer.ts';

const images = join(root, 'fixtures/images');
const fileCount = readdirSync(images).length;
const broken = 5;
const whole = fileCount - broken;

let folder: Awaited<ReturnType<typeof runFolder>>;
beforeAll(async () => {
  folder = await runFolder();
  await makeParquet(
    join(folder.path, 'in.parquet'),
    `SELECT parse_filename(filename) AS file, content AS bytes, filename AS path, repeat('a ', 1 + length(file) % 7) AS caption
     FROM range(2) t(n), read_blob('${images}/*') ORDER BY n, file`,
    8,
  );
});
afterAll(() => folder[Symbol.asyncDispose]());

const captioned = (image: 'bytes' | 'path', changes: Job = {}): Job => ({
  model: join(root, 'fixtures/models/images/captioned.onnx'),
  input: 'in.parquet',
  features: {
    pixels: { image: { column: image, resize: [32, 32] } },
    text: { column: 'caption', tokenizer: join(root, 'fixtures/models/tiny-bert/tokenizer.json') },
  },
  output: { path: 'out', keep: ['file'] },
  ...changes,
});

interface Watched {
  readonly scorer: Scorer;
  readonly batchRows: number[];
}

/** The scorer, and how many images each batch has that it is given. */
function watched(scorer: Scorer): Watched {
  const batchRows: number[] = [];
  const run: Scorer['run'] = (feeds) => {
    batchRows.push(feeds['pixels']?.dims[0] ?? 0);
    return scorer.run(feeds);
  };
  return { scorer: { ...scorer, run }, batchRows };
}

async function score(scorer: Scorer, shard: Parameters<typeof runShard>[1]['shard'], size: BatchSize) {
  const progress: number[] = [];
  const commit = await runShard(scorer, {
    ...{ shard, attempt: 1, failedAttempts: [], giveUp: false, signal: new AbortController().signal },
    onProgress: (rows) => progress.push(rows),
    onReduced: () => undefined,
    ...size,
  });
  const rows = await sql(`SELECT * FROM read_parquet('${folder.path}/out/${runLayout('r1').staging}/${commit.part}')`);
  return { commit, progress, text: JSON.stringify(rows.map((row) => Object.values(row).map(String))) };
}

describe('a shard of images with texts', () => {
  it.each([
    ['bytes', {}, true],
    ['bytes', {}, false],
    ['path', {}, true],
    ['bytes', { dedupe: true }, true],
    ['path', { dedupe: true }, true],
    ['path', { dedupe: true, cache: { path: 'kept' } }, true],
  ] as const)(
    'has the same predictions however large its batches are: %s %j, ahead %s',
    async (image, changes, prefetch) => {
      const { scorer, shard } = await openedScorer(folder.path, captioned(image, changes), { prefetch });
      await using _closing = scorer;
      // What one call keeps for its run would be all that the next one has to do.
      const opened = 'cache' in changes ? scorer : { ...scorer, kept: undefined };
      const expected = await score(opened, shard, { batchRows: 1000, batchTokens: 100_000 });
      expect(expected.commit).toMatchObject({ rowsIn: 2 * fileCount, rowsOut: 2 * whole });
      const size = fc.record({
        batchRows: fc.integer({ min: 1, max: 40 }),
        batchTokens: fc.integer({ min: 1, max: 300 }),
      });
      await fc.assert(
        fc.asyncProperty(size, async (chosen) => {
          const { text, progress } = await score(opened, shard, chosen);
          expect(text).toBe(expected.text);
          expect(progress.at(-1)).toBe(2 * fileCount);
          expect(progress).toEqual([...progress].sort((a, b) => a - b));
        }),
        { numRuns: 5 },
      );
    },
  );

  it('is decoded once where it has repeats, which are no rows of any batch', async () => {
    const { scorer, shard } = await openedScorer(folder.path, captioned('bytes', { dedupe: true }));
    await using _closing = scorer;
    const { scorer: seen, batchRows } = watched(scorer);
    const decoded: number[] = [];
    const sources = scorer.sources.map((source) => ({
      ...source,
      preparer: {
        ...source.preparer,
        prepare: (batch: Parameters<typeof source.preparer.prepare>[0]) => {
          decoded.push(batch.rows?.length ?? batch.rowCount);
          return source.preparer.prepare(batch);
        },
      },
    }));
    const { commit } = await score({ ...seen, sources, kept: undefined }, shard, { batchRows: 5, batchTokens: 1000 });
    expect(commit).toMatchObject({ repeatedRows: fileCount, rejectedRows: 2 * broken });
    expect(batchRows.reduce((sum, rows) => sum + rows, 0)).toBe(whole);
    // Texts and images, each.
    expect(decoded.reduce((sum, rows) => sum + rows, 0)).toBe(2 * fileCount);
  });

  it('is measured and warmed up on its first images', async () => {
    const { scorer, shard } = await openedScorer(folder.path, captioned('path'));
    await using _closing = scorer;
    const size = await measureBatch(scorer, shard);
    expect(size.batchTokens).toBeGreaterThan(0);
    const { scorer: seen, batchRows } = watched(scorer);
    await warmUp(seen, shard, { batchRows: 4, batchTokens: 1000, batches: 2 });
    expect(batchRows).toHaveLength(2);
  });
});

it('a shard of images alone is measured on sixteen of them', async () => {
  const job = captioned('bytes', {
    model: join(root, 'fixtures/models/images/conv-nchw.onnx'),
    features: { pixels: { image: { column: 'bytes', resize: [32, 32] } } },
  });
  const { scorer, shard } = await openedScorer(folder.path, job);
  await using _closing = scorer;
  const { scorer: seen, batchRows } = watched(scorer);
  const { batchRows: chosen } = await measureBatch(seen, shard);
  expect([1, 4, 16]).toContain(chosen);
  expect(Math.max(...batchRows)).toBeLessThanOrEqual(2 * fileCount);
});
