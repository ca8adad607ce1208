import { type ElementArray, sizeOf } from '../dataset/contract.ts';
import { scanRows } from '../dataset/scan-rows.ts';
import { rowBytes } from '../model/feeds.ts';
import type { Shard } from '../plan/run-plan.ts';
import { type Scorer, selectionOf } from './scorer.ts';

const candidates = [64, 256, 1024, 4096, 16_384] as const;
const bytesAtMost = 64 * 2 ** 20;
const budgetMs = 100;
/** A larger batch must win by this much, since it costs memory and a coarser stop. */
const worthwhile = 1.03;

/**
 * Rows a batch that this model scores fastest, measured on the first rows of a shard: sizes grow until two of them in
 * a row bring nothing, or the budget is spent.
 */
export async function measureBatch(scorer: Scorer, shard: Shard): Promise<number> {
  const { plan, database } = scorer;
  if (plan.fixedBatchRows !== undefined) return plan.fixedBatchRows;
  const sizes = candidates.filter((size) => size * rowBytes(plan.features) <= bytesAtMost);
  const batchRows = sizes.at(-1) ?? candidates[0];
  const counts = { matchedRows: 0, rejectedRows: 0 };
  for await (const sample of scanRows({
    database,
    selection: selectionOf(plan, shard),
    features: plan.features,
    batchRows,
    prefetch: false,
    counts,
  })) {
    return fastest(scorer, sample, sizes);
  }
  return candidates[0];
}

async function fastest(
  scorer: Scorer,
  sample: { readonly rowCount: number; readonly values: readonly ElementArray[] },
  sizes: readonly number[],
): Promise<number> {
  const widths = scorer.plan.features.map((feature) => sizeOf(feature.innerShape));
  const started = performance.now();
  let best: { size: number; rate: number } = { size: Math.min(sample.rowCount, candidates[0]), rate: 0 };
  let misses = 0;
  for (const size of sizes) {
    if (size > sample.rowCount || misses === 2 || performance.now() - started > budgetMs) break;
    const values = sample.values.map((array, index) => firstRows(array, size * (widths[index] ?? 1)));
    // The first call of a size pays for its memory.
    const first = await rateOf(scorer, values, size);
    const rate = performance.now() - started > budgetMs ? first : Math.max(first, await rateOf(scorer, values, size));
    misses = rate > best.rate * worthwhile ? 0 : misses + 1;
    if (misses === 0) best = { size, rate };
  }
  return best.size;
}

async function rateOf(scorer: Scorer, values: readonly ElementArray[], size: number): Promise<number> {
  const before = performance.now();
  await scorer.score(values, size);
  return size / (performance.now() - before);
}

function firstRows(values: ElementArray, length: number): ElementArray {
  return Array.isArray(values) ? values.slice(0, length) : values.subarray(0, length);
}
