import { sizeOf } from '../dataset/contract.ts';
import type { ExecutionSpec } from '../spec/job-spec.ts';
import type { RunPlan } from './run-plan.ts';

/** How large session calls are: rows and, where they are texts, tokens with their padding, both at most. */
export interface BatchSize {
  readonly batchRows: number;
  readonly batchTokens?: number | undefined;
}

/** Rows of texts that are read, and sorted by length, together; also the rows of a batch where the job does not say. */
export const windowRows = 4096;
/** Where it was not measured. */
export const usualTokens = 16_384;

/** What the pixels of a window come to where it is larger than a batch, so that texts beside them can be sorted. */
const pixelBytesAtMost = 32 * 2 ** 20;

/** Rows that are read and prepared together. Images are decoded then, so these are as many as a batch has. */
export function windowRowsOf(plan: Pick<RunPlan, 'features' | 'images'>, { batchRows }: BatchSize): number {
  if (plan.images === undefined) return hasTokens(plan) ? windowRows : Math.max(windowRows, batchRows);
  if (!hasTokens(plan)) return batchRows;
  const pixels = plan.images.reduce((sum, { innerShape }) => sum + sizeOf(innerShape), 0);
  return Math.min(batchRows, Math.max(1, Math.floor(pixelBytesAtMost / Math.max(1, pixels))));
}

/** @returns undefined where it is to be measured, and was not */
export function chosenBatch(
  plan: Pick<RunPlan, 'features' | 'fixedBatchRows'>,
  { batchSize, batchTokens }: Pick<ExecutionSpec, 'batchSize' | 'batchTokens'>,
  measured: BatchSize | undefined,
): BatchSize | undefined {
  if (plan.fixedBatchRows !== undefined) return { batchRows: plan.fixedBatchRows };
  if (!hasTokens(plan)) {
    const batchRows = batchSize === 'auto' ? measured?.batchRows : batchSize;
    return batchRows === undefined ? undefined : { batchRows };
  }
  if (batchTokens !== 'auto') return { batchRows: batchSize === 'auto' ? windowRows : batchSize, batchTokens };
  return batchSize === 'auto' ? measured : { batchRows: batchSize, batchTokens: measured?.batchTokens ?? usualTokens };
}

/** Whether rows differ in how many tokens they have. */
export function hasTokens({ features }: Pick<RunPlan, 'features'>): boolean {
  return features.some(({ text }) => text !== undefined);
}

/** The smaller of each; undefined where nothing is smaller than it was. */
export function reducedBatch(before: BatchSize, found: BatchSize): BatchSize | undefined {
  const batchRows = Math.min(before.batchRows, found.batchRows);
  const tokens = [before.batchTokens, found.batchTokens].filter((count) => count !== undefined);
  const batchTokens = tokens.length === 0 ? undefined : Math.min(...tokens);
  const isSame = batchRows === before.batchRows && batchTokens === before.batchTokens;
  return isSame ? undefined : { batchRows, ...(batchTokens === undefined ? {} : { batchTokens }) };
}

/** Half of a batch's tokens, where it has any to spare, else of its rows; undefined where one row is left. */
export function halvedBatch({ batchRows, batchTokens }: BatchSize): BatchSize | undefined {
  if (batchTokens !== undefined && batchTokens > 1) return { batchRows, batchTokens: Math.floor(batchTokens / 2) };
  return batchRows > 1 ? { batchRows: Math.floor(batchRows / 2), batchTokens } : undefined;
}

/** When measuring fails: scoring then meets the same rows, and has attempts and messages for what it finds. */
export function unmeasuredBatch(plan: Pick<RunPlan, 'features'>): BatchSize {
  return hasTokens(plan) ? { batchRows: windowRows, batchTokens: usualTokens } : { batchRows: 256 };
}

/** The batch size that a record has among other things. */
export function batchIn({ batchRows, batchTokens }: BatchSize): BatchSize {
  return { batchRows, ...(batchTokens === undefined ? {} : { batchTokens }) };
}

/** What a run begins with: what the model fixes, else what was asked for or measured. */
export function boundBatch(
  { fixedBatchRows }: Pick<RunPlan, 'fixedBatchRows'>,
  batch: BatchSize | undefined,
): BatchSize | undefined {
  if (fixedBatchRows !== undefined) return { batchRows: fixedBatchRows };
  return batch && batchIn(batch);
}
