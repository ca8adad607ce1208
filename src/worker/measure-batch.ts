import { type ElementArray, sizeOf } from '../dataset/contract.ts';
import { elementsBetween } from '../dataset/element-array.ts';
import { scanRows } from '../dataset/scan-rows.ts';
import { rowBytes } from '../model/feeds.ts';
import type { Shard } from '../plan/run-plan.ts';
import { type Scorer, selectionOf } from './scorer.ts';

const candidates = [64, 256, 1024, 4096, 16_384] as const;
const bytesAtMost = 64 * 2 ** 20;
const budgetMs = 100;
/** A size is scored again for this long, and at least once more: other processes disturb a single call. */
const msPerSize = 12;
/** Rates closer than this are taken as equal, since they would change places in the next measurement. */
const noise = 1.05;
/** Of equals, the largest batch that stays in a core's cache with its results and needs few calls. */
const rowsPreferred = 1024;
const bytesPreferred = 2 ** 20;

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
    fetch: 'chunk',
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
  const measured: { readonly size: number; readonly rate: number }[] = [];
  let fastestRate = 0;
  let misses = 0;
  for (const size of sizes) {
    if (size > sample.rowCount || misses === 2 || performance.now() - started > budgetMs) break;
    const windows = Math.floor(sample.rowCount / size);
    const windowAt = (call: number) =>
      sample.values.map((array, index) => {
        const length = size * (widths[index] ?? 1);
        const start = (call % windows) * length;
        return elementsBetween(array, start, start + length);
      });
    const rate = await bestRate(scorer, { windowAt, size, until: started + budgetMs });
    misses = rate > fastestRate * noise ? 0 : misses + 1;
    fastestRate = Math.max(fastestRate, rate);
    measured.push({ size, rate });
  }
  const contenders = measured.filter(({ rate }) => rate * noise >= fastestRate).map(({ size }) => size);
  const bytes = rowBytes(scorer.plan.features);
  const preferred = contenders.findLast((size) => size <= rowsPreferred && size * bytes <= bytesPreferred);
  return preferred ?? contenders[0] ?? Math.max(1, Math.min(sample.rowCount, candidates[0]));
}

interface Trial {
  /** Other rows at each call: the processor would learn its way through a tree that sees the same ones. */
  readonly windowAt: (call: number) => readonly ElementArray[];
  readonly size: number;
  /** No more calls after this. */
  readonly until: number;
}

/** Rows a millisecond of the fastest call; the first call of a size pays for its memory. */
async function bestRate(scorer: Scorer, { windowAt, size, until }: Trial): Promise<number> {
  const started = performance.now();
  let best = 0;
  for (let calls = 0; calls < 2 || performance.now() - started < msPerSize; calls++) {
    const values = windowAt(calls);
    const before = performance.now();
    if (calls > 0 && before > until) break;
    await scorer.score(values, size);
    best = Math.max(best, size / (performance.now() - before));
  }
  return best;
}
