/** A model input that is filled with the pixels of a column's images; as in the plan. */
export interface ImageRequest {
  readonly input: string;
  readonly raw: 'bytes' | 'text';
  readonly column: { readonly name: string };
  /** The folder that relative paths start at. */
  readonly root?: string | undefined;
  readonly element: 'float32' | 'float16' | 'uint8';
  readonly layout: 'nchw' | 'nhwc';
  readonly innerShape: readonly number[];
  readonly height: number;
  readonly width: number;
  readonly colour: 'rgb' | 'bgr' | 'grey';
  /** Height and width, or the shorter side. */
  readonly resize?: number | readonly number[] | undefined;
  readonly fit: 'cover' | 'contain' | 'fill';
  readonly isCropped: boolean;
  readonly kernel: 'bilinear' | 'bicubic' | 'lanczos';
  readonly scale: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** Bytes of one row's tensor. */
export function imageBytes({ element, innerShape }: Pick<ImageRequest, 'element' | 'innerShape'>): number {
  const bytes = { float32: 4, float16: 2, uint8: 1 };
  return innerShape.reduce((product, dim) => product * dim, bytes[element]);
}
