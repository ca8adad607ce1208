import type { ModelSignature, TensorSignature } from '../model/contract.ts';
import { type ColumnLook, canFillWithList, isTextType } from './guess-columns.ts';

/** A model input that takes pixels, and the column that probably has the images. */
export interface ImageGuess {
  readonly input: TensorSignature;
  readonly column: ColumnLook;
  readonly resize: readonly [number, number];
  readonly isGrey: boolean;
  readonly comments: readonly string[];
}

/** Height and width where the model says neither. */
const usualSide = 224;
/** What is smaller is a table of numbers. */
const leastSide = 8;
const pathName = /image|img|photo|picture|path|file/i;

/** Whether a model takes pixels that no column has as numbers, and one column alone can hold the images. */
export function guessImage({ inputs }: ModelSignature, columns: readonly ColumnLook[]): ImageGuess | undefined {
  const [input, another] = inputs.flatMap((each) => (each.kind === 'tensor' && takesPixels(each) ? [each] : []));
  if (input === undefined || another !== undefined) return undefined;
  if (columns.some((column) => canFillWithList(column, input))) return undefined;
  const bytes = columns.filter(({ type, isAllNull }) => type === 'BLOB' && !isAllNull);
  const paths = columns.filter(({ name, type, isAllNull }) => isTextType(type) && pathName.test(name) && !isAllNull);
  const [column, other] = bytes.length === 0 ? paths : bytes;
  if (column === undefined || other !== undefined) return undefined;
  const [channels, height, width] = dimsOf(input);
  const resize = [height, width].map((side) => (typeof side === 'number' ? side : usualSide));
  const comments = [
    `CHECK: ${column.name} is the only column ${column.type === 'BLOB' ? 'of bytes' : 'that seems to hold paths; root says where relative ones start'}. The model gets pixels from 0 to 1: add the mean and std that it was trained with, and scale: 1 if it was with pixels to 255.`,
    ...(typeof height === 'number' && typeof width === 'number'
      ? []
      : ['CHECK: the model leaves the size of images open.']),
  ];
  return {
    input,
    column,
    resize: [resize[0] ?? usualSide, resize[1] ?? usualSide],
    isGrey: channels === 1,
    comments,
  };
}

/** Whether an input has the shape of images, `[N, 3, H, W]` or `[N, H, W, 3]`. */
export function takesPixels({ type, shape }: TensorSignature): boolean {
  if (shape.length !== 4 || !['float32', 'float16', 'uint8'].includes(type)) return false;
  if (isChannels(shape[1]) === isChannels(shape[3])) return false;
  const [, ...sides] = dimsOf({ shape });
  return sides.every((side) => typeof side === 'string' || (side ?? 0) >= leastSide);
}

type Dim = number | string | undefined;

/** Channels, height, width. */
function dimsOf({ shape: [, first, second, third] }: Pick<TensorSignature, 'shape'>): readonly [Dim, Dim, Dim] {
  return isChannels(first) ? [first, second, third] : [third, first, second];
}

function isChannels(dim: Dim): boolean {
  return dim === 1 || dim === 3;
}
