import { AppError, assertNever } from '../core/errors.ts';
import { type ElementArray, sizeOf } from '../dataset/contract.ts';
import type { TensorType } from './contract.ts';
import { argmax, max, topPlaces, valuesAt } from './greatest.ts';
import { maskWeights, meanPool } from './mean-pool.ts';
import { type Blocks, blocksOf, madeBlocks, type OutputTensor, packed } from './output-blocks.ts';
import type { OutputColumn } from './output-expression.ts';
import { type Floats, normalize, round, sigmoid, softmax, threshold } from './output-maths.ts';
import { type OutputStep, outputExpressionText } from './output-step.ts';
import { computedType } from './output-types.ts';
import { type RowReject, RowRejects } from './row-rejects.ts';
import type { FedTensor } from './session.ts';

/** What else of a session call an expression may read. */
export interface EvaluatedBatch {
  readonly rowCount: number;
  /** The inputs, since a mask is one. */
  readonly feeds: Readonly<Record<string, FedTensor>>;
}

/** A batch's values of one column. */
export interface ColumnChunk {
  readonly type: TensorType;
  /** `rowCount × width` values, row-major; float16 is held as float32. */
  readonly data: ElementArray;
  /** Scalars a row: 1 unless the column is a list. */
  readonly width: number;
  readonly innerDims: readonly number[];
  /** Rows whose value hides that there is none, each one once; left out where there are none. */
  readonly rejects?: readonly RowReject[];
}

/** What of a column tells how its values are got. */
export type OutputReading = Pick<OutputColumn, 'source' | 'steps' | 'sourceType' | 'labels'>;

/** A step on its way, with what it may have to tell. */
interface Doing {
  readonly column: OutputReading;
  readonly place: number;
  readonly batch: EvaluatedBatch;
  readonly rejects: RowRejects;
  readonly fail: () => AppError;
}

/**
 * Turns one output of a batch into the values of one column. Indexing is a strided copy, argmax gives int64 (the
 * first of equals, and the first NaN, as in numpy), max keeps its type, and what is computed from floats is computed
 * in float64 and stored as float32, or as float64 where the output is.
 * @throws AppError MODEL_OUTPUT_MISMATCH when the tensor has not one value a row, or not that element.
 * Without steps the chunk shares memory with the tensor.
 */
export function evaluateOutput(column: OutputReading, tensor: OutputTensor, batch: EvaluatedBatch): ColumnChunk {
  let blocks = blocksOf(column, tensor, batch.rowCount);
  const rejects = new RowRejects();
  for (const [place, step] of column.steps.entries()) {
    const fail = () => stepError(column, place, tensor);
    blocks = blocksAfter(step, blocks, { column, place, batch, rejects, fail });
  }
  const { type, innerDims } = blocks;
  const chunk = { type, data: packed(blocks), width: sizeOf(innerDims), innerDims };
  return rejects.isEmpty ? chunk : { ...chunk, rejects: rejects.list() };
}

function blocksAfter(step: OutputStep, blocks: Blocks, doing: Doing): Blocks {
  switch (step.type) {
    case 'index':
      return indexed(blocks, step.index, doing);
    case 'cls':
      if (blocks.innerDims.length < 2) throw doing.fail();
      return indexed(blocks, 0, doing);
    case 'argmax':
    case 'max':
    case 'topk':
    case 'topkValues':
      return reduced(step, blocks, doing);
    case 'softmax':
    case 'sigmoid':
    case 'normalize':
    case 'round':
      return computed(step, blocks, doing);
    case 'threshold':
      return compared(step.least, blocks, doing);
    case 'label':
      return labelled(step.file, blocks, doing);
    case 'meanPool':
      return pooled(step.mask, blocks, doing);
    default:
      return assertNever(step);
  }
}

function indexed(blocks: Blocks, index: number, { fail }: Doing): Blocks {
  const [first = 0, ...rest] = blocks.innerDims;
  if (index >= first) throw fail();
  return { ...blocks, offset: blocks.offset + index * sizeOf(rest), innerDims: rest };
}

type Reduction = Extract<OutputStep, { readonly type: 'argmax' | 'max' | 'topk' | 'topkValues' }>;

function reduced(step: Reduction, blocks: Blocks, { fail, rejects, ...doing }: Doing): Blocks {
  const size = blocks.innerDims.at(-1) ?? 0;
  const count = 'count' in step ? step.count : 1;
  if (size < count) throw fail();
  const left = blocks.innerDims.slice(0, -1);
  const data = packed(blocks);
  if (step.type === 'max') return madeBlocks(blocks, { type: blocks.type, data: max(data, size), innerDims: left });
  const places = step.type === 'argmax' ? argmax(data, size) : topPlaces(data, size, count);
  const innerDims = step.type === 'argmax' ? left : [...left, count];
  if (step.type === 'topkValues')
    return madeBlocks(blocks, { type: blocks.type, data: valuesAt(data, places, { size, count }), innerDims });
  // NaN comes first, so that one look a block is enough to see that an index hides it.
  rejects.notNumbers(data, {
    width: sizeOf(blocks.innerDims),
    placeOf: (block) => block * size + Number(places[block * count] ?? 0n),
    blocks: data.length / size,
    isHidden: Number.isNaN,
    operand: () => operandText(doing),
  });
  return madeBlocks(blocks, { type: 'int64', data: places, innerDims });
}

type Computation = Extract<OutputStep, { readonly type: 'softmax' | 'sigmoid' | 'normalize' | 'round' }>;

function computed(step: Computation, blocks: Blocks, { fail }: Doing): Blocks {
  const size = blocks.innerDims.at(-1);
  const needsList = step.type === 'softmax' || step.type === 'normalize';
  if (needsList && size === undefined) throw fail();
  const values = ownFloats(blocks);
  if (values === undefined) throw fail();
  if (step.type === 'softmax') softmax(values, size ?? 1);
  else if (step.type === 'normalize') normalize(values, size ?? 1);
  else if (step.type === 'sigmoid') sigmoid(values);
  else round(values, step.digits);
  return madeBlocks(blocks, { type: computedType(blocks.type), data: values, innerDims: blocks.innerDims });
}

/** Packed floats that no tensor shares. */
function ownFloats(blocks: Blocks): Floats | undefined {
  const data = packed(blocks);
  if (!isFloats(data)) return undefined;
  return data === blocks.data && !blocks.isOwn ? data.slice() : data;
}

function isFloats(data: ElementArray): data is Floats {
  return data instanceof Float32Array || data instanceof Float64Array;
}

function compared(least: number, blocks: Blocks, { fail, rejects, ...doing }: Doing): Blocks {
  const data = packed(blocks);
  if (Array.isArray(data)) throw fail();
  rejects.notNumbers(data, {
    width: sizeOf(blocks.innerDims),
    placeOf: (block) => block,
    blocks: data.length,
    isHidden: (value) => !Number.isFinite(value),
    operand: () => operandText(doing),
  });
  // As numpy has it, a float32 that prints as 0.7 is not below 0.7.
  const compare = data instanceof Float32Array ? Math.fround(least) : least;
  return madeBlocks(blocks, { type: 'bool', data: threshold(data, compare), innerDims: blocks.innerDims });
}

function labelled(file: string, blocks: Blocks, { fail, rejects, ...doing }: Doing): Blocks {
  const texts = doing.column.labels?.[file];
  if (texts === undefined) throw new Error(`the plan has no labels of ${file}`);
  const indices = packed(blocks);
  if (Array.isArray(indices)) throw fail();
  const width = sizeOf(blocks.innerDims);
  const data = new Array<string>(indices.length).fill('');
  for (let i = 0; i < data.length; i += 1) {
    const text = texts[Number(indices[i])];
    if (text !== undefined) data[i] = text;
    else rejects.noLabel(Math.floor(i / width), `${operandText(doing)} is ${indices[i]}, which ${file} does not name`);
  }
  return madeBlocks(blocks, { type: 'string', data, innerDims: blocks.innerDims });
}

function pooled(mask: string, blocks: Blocks, { batch, fail }: Doing): Blocks {
  const [positions = 0, hidden = 0] = blocks.innerDims;
  const fed = batch.feeds[mask];
  if (blocks.innerDims.length !== 2 || !isFloats(blocks.data)) throw fail();
  if (fed === undefined) throw new Error(`the input ${mask} was not fed`);
  if (fed.dims.length !== 2 || fed.dims[0] !== batch.rowCount || fed.dims[1] !== positions) {
    throw new AppError(
      'MODEL_OUTPUT_MISMATCH',
      `${fail().message}; the mask ${mask} has shape [${fed.dims.join(', ')}]`,
      { hint: 'a mask has one weight for each position of the output', details: { mask, dims: fed.dims } },
    );
  }
  const { data, offset, rowStride, rowCount } = blocks;
  const means = meanPool({ data, offset, rowStride, rowCount, positions, hidden }, maskWeights(fed));
  return madeBlocks(blocks, { type: computedType(blocks.type), data: means, innerDims: [hidden] });
}

function operandText({ column, place }: Pick<Doing, 'column' | 'place'>): string {
  return outputExpressionText({ source: column.source, steps: column.steps.slice(0, place) });
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
