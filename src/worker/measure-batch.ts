import { sizeOf } from '../dataset/contract.ts';
import { elementsBetween } from '../dataset/element-array.ts';
import { scanRows } from '../dataset/scan-rows.ts';
import { rowBytes } from '../model/feeds.ts';
import { imageBytes } from '../model/image-request.ts';
import type { BatchSize } from '../plan/batch-size.ts';
import { type RunPlan, type Shard, scanRequests } from '../plan/run-plan.ts';
import { measureTokens } from './measure-tokens.ts';
import { type PreparedBatch, preparedBatches } from './prepared-batches.ts';
import { type Scorer, selectionOf } from './scorer.ts';

const candidates = [64, 256, 1024, 4096, 16_384] as const;
/** An image is so much work that a session call is soon worth it. */
const imageCandidates = [1, 4, 16, ...candidates] as const;
const bytesAtMost = 64 * 2 ** 20;
const budgetMs = 100;
/** A size is scored again for this long, and at least once more: other processes disturb a single call. */
const msPerSize = 12;
/** Rates closer than this are taken as equal, since they would change places in the next measurement. */
const noise = 1.05;
/** Of equals, the largest batch that stays in a core's cache with its results and needs few calls. */
const rowsPreferred = 1024;
const bytesPreferred = 2 ** 20;
/** Of equals with images, which are decoded side by side within a batch. */
const imagesPreferred = 16;

/**
 * The size of batch that this model scores fastest, measured on the first rows of a shard: sizes grow until two of them in
 * a row bring nothing, or the budget is spent.
 */
export async function measureBatch(scorer: Scorer, shard: Shard): Promise<BatchSize> {
  const { fixedBatchRows } = scorer.plan;
  if (fixedBatchRows !== undefined) return { batchRows: fixedBatchRows };
  if (scorer.sources.length > 0) return measureTokens(scorer, shard);
  return { batchRows: await measureRows(scorer, shard) };
}

async function measureRows(scorer: Scorer, shard: Shard): Promise<number> {
  const { plan, database } = scorer;
  const all = plan.images === undefined ? candidates : imageCandidates;
  const sizes = all.filter((size) => size * tensorBytes(plan) <= bytesAtMost);
  const batchRows = sizes.at(-1) ?? all[0];
  const counts = { matchedRows: 0, rejectedRows: 0 };
  const scanned = scanRows({
    database,
    selection: selectionOf(plan, shard),
    features: scanRequests(plan),
    batchRows,
    fetch: 'chunk',
    counts,
  });
  for await (const sample of preparedBatches(scanned, { preparer: scorer.preparer, isAhead: false })) {
    return fastest(scorer, sample, sizes);
  }
  return all[0];
}

function tensorBytes({ features, images = [] }: RunPlan): number {
  return images.reduce((sum, image) => sum + imageBytes(image), rowBytes(features));
}

async function fastest(scorer: Scorer, sample: PreparedBatch, sizes: readonly number[]): Promise<number> {
  const widths = scorer.plan.features.map((feature) => sizeOf(feature.innerShape));
  const started = performance.now();
  const measured: { readonly size: number; readonly rate: number }[] = [];
  let fastestRate = 0;
  let misses = 0;
  for (const size of sizes) {
    if (size > sample.rowCount || misses === 2 || performance.now() - started > budgetMs) break;
    const windows = Math.floor(sample.rowCount / size);
    const windowAt = (call: number): Parameters<Scorer['score']> => {
      const first = (call % windows) * size;
      const values = sample.values.map((array, index) => {
        const width = widths[index] ?? 1;
        return elementsBetween(array, first * width, (first + size) * width);
      });
      const { prepared } = sample;
      const rows = Array.from({ length: size }, (_, row) => first + row);
      return prepared === undefined ? [values, size] : [values, size, () => prepared.feeds(rows)];
    };
    const rate = await bestRate(scorer, { windowAt, size, until: started + budgetMs });
    misses = rate > fastestRate * noise ? 0 : misses + 1;
    fastestRate = Math.max(fastestRate, rate);
    measured.push({ size, rate });
  }
  const contenders = measured.filter(({ rate }) => rate * noise >= fastestRate).map(({ size }) => size);
  const bytes = tensorBytes(scorer.plan);
  const preferred = contenders.findLast((size) =>
    scorer.plan.images === undefined
      ? size <= rowsPreferred && size * bytes <= bytesPreferred
      : size <= imagesPreferred,
  );
  return preferred ?? contenders[0] ?? Math.max(1, Math.min(sample.rowCount, sizes[0] ?? 1));
}

interface Trial {
  /** Other rows at each call: the processor would learn its way through a tree that sees the same ones. */
  readonly windowAt: (call: number) => Parameters<Scorer['score']>;
  readonly size: number;
  /** No more calls after this. */
  readonly until: number;
}

/** Rows a millisecond of the fastest call; the first call of a size pays for its memory. */
async function bestRate(scorer: Scorer, { windowAt, size, until }: Trial): Promise<number> {
  const started = performance.now();
  let best = 0;
  for (let calls = 0; calls < 2 || performance.now() - started < msPerSize; calls++) {
    const batch = windowAt(calls);
    const before = performance.now();
    if (calls > 0 && before > until) break;
    await scorer.score(...batch);
    best = Math.max(best, size / (performance.now() - before));
  }
  return best;
}
