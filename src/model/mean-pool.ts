import { float16BitsToFloat32 } from './float16.ts';
import type { Floats } from './output-maths.ts';
import type { FedTensor } from './session.ts';

/** Rows of `[positions, hidden]` values that lie `rowStride` apart. */
export interface PooledValues {
  readonly data: Floats;
  readonly offset: number;
  readonly rowStride: number;
  readonly rowCount: number;
  readonly positions: number;
  readonly hidden: number;
}

/** What the divisor is at least, as in sentence-transformers: a row without a position gives zeros. */
const leastWeight = 1e-9;

/**
 * The mean over each row's positions, weighted by `rowCount × positions` weights. A position of weight zero is not
 * looked at, so that what a model leaves there does no harm.
 */
export function meanPool(values: PooledValues, weights: ArrayLike<number>): Floats {
  const { data, offset, rowStride, rowCount, positions, hidden } = values;
  const target =
    data instanceof Float64Array ? new Float64Array(rowCount * hidden) : new Float32Array(rowCount * hidden);
  const sums = new Float64Array(hidden);
  for (let row = 0; row < rowCount; row += 1) {
    sums.fill(0);
    let total = 0;
    for (let position = 0; position < positions; position += 1) {
      const weight = weights[row * positions + position] ?? 0;
      if (weight === 0) continue;
      total += weight;
      addWeighted(sums, data, { from: offset + row * rowStride + position * hidden, weight });
    }
    const divisor = Math.max(total, leastWeight);
    for (let i = 0; i < hidden; i += 1) target[row * hidden + i] = (sums[i] ?? 0) / divisor;
  }
  return target;
}

function addWeighted(
  sums: Float64Array,
  data: Floats,
  { from, weight }: { readonly from: number; readonly weight: number },
): void {
  for (let i = 0; i < sums.length; i += 1) sums[i] = (sums[i] ?? 0) + weight * (data[from + i] ?? 0);
}

/** A mask as it was fed, as numbers. */
export function maskWeights({ type, data }: Pick<FedTensor, 'type' | 'data'>): ArrayLike<number> {
  if (type === 'float16' && data instanceof Uint16Array) return float16BitsToFloat32(data);
  return Float64Array.from<unknown>(data, Number);
}
