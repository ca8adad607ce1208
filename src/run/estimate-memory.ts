import { sizeOf } from '../dataset/contract.ts';
import { type BatchSize, hasTokens, usualTokens, windowRowsOf } from '../plan/batch-size.ts';
import { predictionBytes } from '../plan/plan-run.ts';
import { predictedColumns } from '../plan/predicted-columns.ts';
import { type RunPlan, shardRowCount } from '../plan/run-plan.ts';

export interface MemoryEstimate {
  readonly workerBytes: number;
  /** Of all workers and the parent. */
  readonly totalBytes: number;
}

/** Node, DuckDB and ONNX Runtime before they hold anything, as measured. */
const emptyWorkerBytes = 220 * 2 ** 20;
const parentBytes = 120 * 2 ** 20;
/** A model takes about its file's size twice while it is loaded and optimised. */
const modelCopies = 2;
/** What a measured batch comes to at most. */
const batchRowsAtMost = 16_384;
const batchBytesAtMost = 64 * 2 ** 20;
const bytesPerValue = 8;
const bytesPerPixel = 5;
/** Texts of a window with their tokens, as its bound has it. */
const windowBytes = 32 * 2 ** 20;

/** What a run will take at its peak, roughly: tensors inside the model are unknown before it runs. */
export function estimateMemory(
  plan: RunPlan,
  how: { readonly workers: number; readonly batch: BatchSize | undefined; readonly prefetch: boolean },
): MemoryEstimate {
  const featureBytes = plan.features.reduce((sum, { innerShape }) => sum + sizeOf(innerShape) * bytesPerValue, 0);
  // Pixels are held as bytes beside the tensor that is made of them.
  const imageBytes = (plan.images ?? []).reduce((sum, image) => sum + sizeOf(image.innerShape) * bytesPerPixel, 0);
  const rowBytes = featureBytes + imageBytes;
  const measured = imageBytes === 0 ? batchRowsAtMost : Math.max(1, Math.floor(batchBytesAtMost / rowBytes));
  const asked = plan.fixedBatchRows ?? how.batch?.batchRows ?? Math.min(batchRowsAtMost, measured);
  // Images are decoded by windows, and a batch is of one of them.
  const batchRows = Math.min(asked, windowRowsOf(plan, { batchRows: asked }));
  // A text's tokens are three numbers each in a batch; the window that it is taken from holds it as text and as ids.
  const textBytes = hasTokens(plan) ? (how.batch?.batchTokens ?? usualTokens) * 3 * bytesPerValue + windowBytes : 0;
  const shardRows = plan.shards.reduce((most, shard) => Math.max(most, shardRowCount(shard)), 0);
  const workerBytes =
    emptyWorkerBytes +
    modelCopies * plan.model.sizeBytes +
    textBytes +
    batchRows * rowBytes * (how.prefetch ? 2 : 1) +
    shardRows * predictionBytes(predictedColumns(plan));
  return { workerBytes, totalBytes: parentBytes + how.workers * workerBytes };
}
