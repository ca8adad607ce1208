import { AppError, assertNever } from '../core/errors.ts';
import { type ElementArray, sizeOf } from '../dataset/contract.ts';
import type { TensorType } from './contract.ts';
import { float16BitsToFloat32 } from './float16.ts';
import { type OutputColumn, type OutputStep, outputExpressionText } from './output-expression.ts';

/** An output of one session call, row-major; float16 comes as bits or as Float16Array. */
export interface OutputTensor {
  readonly data: ElementArray | Float16Array;
  readonly dims: readonly number[];
}

/** A batch's values of one column. */
export interface ColumnChunk {
  readonly type: TensorType;
  /** `rowCount × width` values, row-major; float16 is held as float32. */
  readonly data: ElementArray;
  /** Scalars a row: 1 unless the column is a list. */
  readonly width: number;
  readonly innerDims: readonly number[];
}

/** What of a column tells how its values are got. */
export type OutputReading = Pick<OutputColumn, 'source' | 'steps' | 'sourceType'>;

/** Row-major values in which each row's value is one block of `sizeOf(innerDims)` scalars. */
interface Blocks {
  readonly type: TensorType;
  readonly data: ElementArray;
  readonly rowCount: number;
  readonly offset: number;
  readonly rowStride: number;
  readonly innerDims: readonly number[];
}

/**
 * Turns one output of a batch into the values of one column. Indexing is a strided copy, argmax gives int64 (the
 * first of equals, and the first NaN, as in numpy), softmax is computed in float64, max keeps its type.
 * @throws AppError MODEL_OUTPUT_MISMATCH when the tensor has not one value a row, or not that element.
 * Without steps the chunk shares memory with the tensor.
 */
export function evaluateOutput(column: OutputReading, tensor: OutputTensor, rowCount: number): ColumnChunk {
  let blocks = blocksOf(column, tensor, rowCount);
  for (const [i, step] of column.steps.entries()) {
    if (blocks.innerDims.length === 0) throw stepError(column, i, tensor);
    blocks = blocksAfter(step, blocks, () => stepError(column, i, tensor));
  }
  const { type, innerDims } = blocks;
  return { type, data: packed(blocks), width: sizeOf(innerDims), innerDims };
}

function blocksOf({ source, sourceType }: OutputReading, tensor: OutputTensor, rowCount: number): Blocks {
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
  return { type: sourceType, data, rowCount, offset: 0, rowStride: sizeOf(innerDims), innerDims };
}

function elementsOf(type: TensorType, data: OutputTensor['data']): ElementArray {
  if (type === 'float16' && data instanceof Uint16Array) return float16BitsToFloat32(data);
  return isFloat16Array(data) ? new Float32Array(data) : data;
}

/** By its tag, since Node 22 has no such class to ask. */
function isFloat16Array(data: OutputTensor['data']): data is Float16Array {
  return !Array.isArray(data) && data[Symbol.toStringTag] === 'Float16Array';
}

function blocksAfter(step: OutputStep, blocks: Blocks, fail: () => AppError): Blocks {
  const [first = 0, ...rest] = blocks.innerDims;
  const lastSize = blocks.innerDims.at(-1) ?? 0;
  switch (step.type) {
    case 'index':
      if (step.index >= first) throw fail();
      return { ...blocks, offset: blocks.offset + step.index * sizeOf(rest), innerDims: rest };
    case 'argmax':
      if (lastSize === 0) throw fail();
      return reduced(blocks, 'int64', argmax(packed(blocks), lastSize));
    case 'max':
      if (lastSize === 0) throw fail();
      return reduced(blocks, blocks.type, max(packed(blocks), lastSize));
    case 'softmax': {
      const type = blocks.type === 'float64' ? 'float64' : 'float32';
      const data = packed(blocks);
      if (!(data instanceof Float32Array || data instanceof Float64Array)) throw fail();
      return { ...blocks, type, data: softmax(data, lastSize), offset: 0, rowStride: sizeOf(blocks.innerDims) };
    }
    default:
      return assertNever(step);
  }
}

/** Blocks whose last dimension became one value. */
function reduced({ rowCount, innerDims }: Blocks, type: TensorType, data: ElementArray): Blocks {
  const left = innerDims.slice(0, -1);
  return { type, data, rowCount, offset: 0, rowStride: sizeOf(left), innerDims: left };
}

/** The blocks without gaps; the same array when there are none. */
function packed({ data, rowCount, offset, rowStride, innerDims }: Blocks): ElementArray {
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

type Scalar = number | bigint | string;

/** One value for each block of `size` elements. */
function argmax(data: ElementArray, size: number): BigInt64Array {
  const places = new BigInt64Array(data.length / size);
  for (let i = 0; i < places.length; i += 1) places[i] = BigInt(greatestIn(data, i * size, size) - i * size);
  return places;
}

function max(data: ElementArray, size: number): ElementArray {
  const target = data.slice(0, data.length / size);
  copyGreatest<Scalar>(data, target, size);
  return target;
}

function copyGreatest<T extends Scalar>(
  source: ArrayLike<T>,
  target: { readonly length: number; [index: number]: T },
  size: number,
): void {
  for (let i = 0; i < target.length; i += 1) {
    const value = source[greatestIn(source, i * size, size)];
    if (value !== undefined) target[i] = value;
  }
}

/** Place of the first greatest value of `[start, start + size)`, or of the first NaN. */
function greatestIn(data: ArrayLike<Scalar>, start: number, size: number): number {
  let place = start;
  let greatest = data[start] ?? 0;
  for (let i = start; i < start + size; i += 1) {
    const value = data[i] ?? 0;
    if (Number.isNaN(value)) return i;
    if (value > greatest) {
      place = i;
      greatest = value;
    }
  }
  return place;
}

function softmax(data: Float32Array | Float64Array, size: number): Float32Array | Float64Array {
  const target = data.slice();
  for (let start = 0; start < data.length; start += size) {
    // Without the greatest value subtracted, exp overflows from 710 on.
    const greatest = data[greatestIn(data, start, size)] ?? 0;
    let sum = 0;
    for (let i = start; i < start + size; i += 1) sum += Math.exp((data[i] ?? 0) - greatest);
    for (let i = start; i < start + size; i += 1) target[i] = Math.exp((data[i] ?? 0) - greatest) / sum;
  }
  return target;
}

function stepError({ source, steps }: OutputReading, place: number, { dims }: OutputTensor): AppError {
  const expression = outputExpressionText({ source, steps: steps.slice(0, place + 1) });
  return new AppError(
    'MODEL_OUTPUT_MISMATCH',
    `${expression} does not exist: output ${source} has shape [${dims.join(', ')}]`,
    {
      hint: 'the first dimension is the batch; write indices and functions for the others only',
      details: { expression, dims },
    },
  );
}
