import { AppError } from '../core/errors.ts';
import { type ElementArray, sizeOf } from '../dataset/contract.ts';
import type { TensorType } from './contract.ts';
import { float16BitsToFloat32 } from './float16.ts';
import type { Scalar } from './greatest.ts';
import type { OutputColumn } from './output-expression.ts';

/** An output of one session call, row-major; float16 comes as bits or as Float16Array. */
export interface OutputTensor {
  readonly data: ElementArray | Float16Array;
  readonly dims: readonly number[];
}

/** Row-major values in which each row's value is one block of `sizeOf(innerDims)` scalars. */
export interface Blocks {
  readonly type: TensorType;
  readonly data: ElementArray;
  readonly rowCount: number;
  readonly offset: number;
  readonly rowStride: number;
  readonly innerDims: readonly number[];
  /** The array was made by a step, and may be written to. */
  readonly isOwn: boolean;
}

/** @throws AppError MODEL_OUTPUT_MISMATCH when the tensor has not one value a row */
export function blocksOf(
  { source, sourceType }: Pick<OutputColumn, 'source' | 'sourceType'>,
  tensor: OutputTensor,
  rowCount: number,
): Blocks {
  const { dims } = tensor;
  const isWhole = sizeOf(dims) === tensor.data.length;
  // A scalar is the value of the only row.
  const isOneValue = dims.length === 0 && rowCount === 1;
  if (!isWhole || (dims[0] !== rowCount && !isOneValue)) {
    throw new AppError(
      'MODEL_OUTPUT_MISMATCH',
      `output ${source} has shape [${dims.join(', ')}] for a batch of ${rowCount} rows`,
      {
        hint: 'its first dimension must be the batch; leave it out of output.columns if it has not one value a row',
        details: { output: source, dims, rowCount },
      },
    );
  }
  const innerDims = dims.slice(1);
  const data = elementsOf(sourceType, tensor.data);
  const isOwn = data !== tensor.data;
  return { type: sourceType, data, rowCount, offset: 0, rowStride: sizeOf(innerDims), innerDims, isOwn };
}

function elementsOf(type: TensorType, data: OutputTensor['data']): ElementArray {
  if (type === 'float16' && data instanceof Uint16Array) return float16BitsToFloat32(data);
  return isFloat16Array(data) ? new Float32Array(data) : data;
}

/** By its tag, since Node 22 has no such class to ask. */
function isFloat16Array(data: OutputTensor['data']): data is Float16Array {
  return !Array.isArray(data) && data[Symbol.toStringTag] === 'Float16Array';
}

/** Values that a step made, without gaps. */
export function madeBlocks(
  { rowCount }: Blocks,
  { type, data, innerDims }: Pick<Blocks, 'type' | 'data' | 'innerDims'>,
): Blocks {
  return { type, data, rowCount, offset: 0, rowStride: sizeOf(innerDims), innerDims, isOwn: true };
}

/** The blocks without gaps; the same array when there are none. */
export function packed({ data, rowCount, offset, rowStride, innerDims }: Blocks): ElementArray {
  const width = sizeOf(innerDims);
  if (width === rowStride) return data;
  const target = data.slice(0, rowCount * width);
  copyBlocks<Scalar>(data, target, { offset, rowStride, width });
  return target;
}

function copyBlocks<T>(
  source: ArrayLike<T>,
  target: { readonly length: number; [index: number]: T },
  { offset, rowStride, width }: { readonly offset: number; readonly rowStride: number; readonly width: number },
): void {
  for (let to = 0, row = offset; to < target.length; row += rowStride) {
    for (let from = row; from < row + width; from += 1, to += 1) {
      const value = source[from];
      if (value !== undefined) target[to] = value;
    }
  }
}
