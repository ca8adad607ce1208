import { type ElementArray, sizeOf } from '../dataset/contract.ts';
import { elementsBetween } from '../dataset/element-array.ts';
import { scanRows } from '../dataset/scan-rows.ts';
import { rowBytes } from '../model/feeds.ts';
import { imageBytes } from '../model/image-request.ts';
import { type BatchSize, hasTokens } from '../plan/batch-size.ts';
import { type RunPlan, type Shard, shardRowCount } from '../plan/run-plan.ts';
import { measureTokens } from './measure-tokens.ts';
import { firstWindow } from './row-windows.ts';
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
  if (hasTokens(scorer.plan)) return measureTokens(scorer, shard);
  return { batchRows: await measureRows(scorer, shard) };
}

async function measureRows(scorer: Scorer, shard: Shard): Promise<number> {
  const { plan } = scorer;
  const all = plan.images === undefined ? candidates : imageCandidates;
  const sizes = all.filter((size) => size * tensorBytes(plan) <= bytesAtMost);
  const sample = await (plan.images === undefined ? plainSample : imageSample)(scorer, shard, sizes.at(-1) ?? all[0]);
  return sample === undefined ? all[0] : fastest(scorer, sample, sizes);
}

/** Rows to try sizes on. */
interface Sample {
  readonly rowCount: number;
  /** Scores so many rows, other ones at each call: the processor would learn its way through a tree that sees the same ones. */
  score(size: number, call: number): Promise<unknown>;
}

async function plainSample(scorer: Scorer, shard: Shard, batchRows: number): Promise<Sample | undefined> {
  const { plan, database } = scorer;
  const { features } = plan;
  const widths = features.map((feature) => sizeOf(feature.innerShape));
  const counts = { matchedRows: 0, rejectedRows: 0 };
  const rows = { database, selection: selectionOf(plan, shard), features, batchRows, fetch: 'chunk', counts } as const;
  for await (const { rowCount, values } of scanRows(rows)) {
    const score = (size: number, call: number) => {
      const first = (call % Math.floor(rowCount / size)) * size;
      const valuesOf = (array: ElementArray, index: number) => {
        const width = widths[index] ?? 1;
        return elementsBetween(array, first * width, (first + size) * width);
      };
      return scorer.score(values.map(valuesOf), size);
    };
    return { rowCount, score };
  }
  return undefined;
}

/** A few images over and over, since they take long to decode; any will do, a broken one as well: it is blank. */
async function imageSample(scorer: Scorer, shard: Shard, batchRows: number): Promise<Sample | undefined> {
  const window = await firstWindow(scorer, shard, { batchRows: Math.min(batchRows, imagesPreferred) });
  if (window === undefined) return undefined;
  const { rowCount } = window;
  const score = (size: number) => scorer.run(window.feeds(Int32Array.from({ length: size }, (_, at) => at % rowCount)));
  return { rowCount: rowCount < imagesPreferred ? rowCount : shardRowCount(shard), score };
}

function tensorBytes({ features, images = [] }: RunPlan): number {
  return images.reduce((sum, image) => sum + imageBytes(image), rowBytes(features));
}

async function fastest(scorer: Scorer, sample: Sample, sizes: readonly number[]): Promise<number> {
  const started = performance.now();
  const measured: { readonly size: number; readonly rate: number }[] = [];
  let fastestRate = 0;
  let misses = 0;
  for (const size of sizes) {
    if (size > sample.rowCount || misses === 2 || performance.now() - started > budgetMs) break;
    const rate = await bestRate(sample, size, started + budgetMs);
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

/** Rows a millisecond of the fastest call before `until`; the first call of a size pays for its memory. */
async function bestRate(sample: Sample, size: number, until: number): Promise<number> {
  const started = performance.now();
  let best = 0;
  for (let calls = 0; calls < 2 || performance.now() - started < msPerSize; calls++) {
    const before = performance.now();
    if (calls > 0 && before > until) break;
    await sample.score(size, calls);
    best = Math.max(best, size / (performance.now() - before));
  }
  return best;
}
