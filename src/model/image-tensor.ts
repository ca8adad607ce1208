import type { Pixels } from './decode-image.ts';
import { float32ToFloat16Bits } from './float16.ts';
import { ImageError } from './image-error.ts';
import type { ImageRequest } from './image-request.ts';
import type { FedTensor } from './session.ts';

type Values = Float32Array | Uint16Array | Uint8Array;

/** What each of the 256 values of a pixel becomes, for each channel of the tensor. */
export type ValueTables = readonly Values[];

/** `(pixel × scale − mean) / std`, each step rounded to float32, as NumPy and PyTorch compute it. */
export function valueTables({ element, scale, mean, std }: ImageRequest): ValueTables {
  return mean.map((subtracted, channel) => {
    if (element === 'uint8') return Uint8Array.from({ length: 256 }, (_, pixel) => pixel);
    const [factor, less, divisor] = [scale, subtracted, std[channel] ?? 1].map(Math.fround);
    const values = Float32Array.from({ length: 256 }, (_, pixel) => {
      const scaled = Math.fround(pixel * (factor ?? 1));
      return Math.fround(scaled - (less ?? 0)) / (divisor ?? 1);
    });
    return element === 'float16' ? float32ToFloat16Bits(values) : values;
  });
}

/** The part of an image that the model gets: all of it, or its middle, with one or three channels. */
export function cut({ data, width, height, channels }: Pixels, request: ImageRequest): Uint8Array {
  const isFitting = request.isCropped
    ? width >= request.width && height >= request.height
    : width === request.width && height === request.height;
  if (!isFitting) {
    const least = request.isCropped ? 'at least ' : '';
    throw new ImageError(
      'IMAGE_SIZE',
      `the image is ${height} × ${width} where ${least}${request.height} × ${request.width} is expected (height × width)`,
    );
  }
  const top = halfOf(height - request.height);
  const left = halfOf(width - request.width);
  const isGrey = request.colour === 'grey';
  const kept = new Uint8Array(request.height * request.width * (isGrey ? 1 : 3));
  const [green, blue] = channels < 3 ? [0, 0] : [1, 2];
  let to = 0;
  for (let row = top; row < top + request.height; row++) {
    let from = (row * width + left) * channels;
    for (let column = 0; column < request.width; column++, from += channels) {
      const r = data[from] ?? 0;
      const g = data[from + green] ?? 0;
      const b = data[from + blue] ?? 0;
      if (isGrey) kept[to++] = luma(r, g, b);
      else {
        kept[to++] = r;
        kept[to++] = g;
        kept[to++] = b;
      }
    }
  }
  return kept;
}

/** ITU-R 601 in the whole numbers that Pillow's `convert("L")` computes with. */
function luma(red: number, green: number, blue: number): number {
  return (red * 19_595 + green * 38_470 + blue * 7_471 + 0x8000) >> 16;
}

/** Half of a margin, a half rounded to even, as torchvision's `center_crop` does. */
function halfOf(margin: number): number {
  const half = Math.floor(margin / 2);
  return margin % 2 === 1 && half % 2 === 1 ? half + 1 : half;
}

/** One tensor `[images.length, ...innerShape]` of images that `cut` made. */
export function imageTensor(
  request: ImageRequest,
  tables: ValueTables,
  images: readonly (Uint8Array | undefined)[],
): FedTensor {
  const width = request.innerShape.reduce((product, dim) => product * dim, 1);
  const data = newValues(request.element, images.length * width);
  const area = request.height * request.width;
  const channels = tables.length;
  const isPlanar = request.layout === 'nchw';
  for (const [index, image] of images.entries()) {
    if (image === undefined) continue;
    for (const [channel, table] of tables.entries()) {
      let from = request.colour === 'bgr' ? channels - 1 - channel : channel;
      let to = index * width + (isPlanar ? channel * area : channel);
      const step = isPlanar ? 1 : channels;
      for (let pixel = 0; pixel < area; pixel++, from += channels, to += step) data[to] = table[image[from] ?? 0] ?? 0;
    }
  }
  return { type: request.element, data, dims: [images.length, ...request.innerShape] };
}

function newValues(element: ImageRequest['element'], length: number): Values {
  if (element === 'uint8') return new Uint8Array(length);
  return element === 'float16' ? new Uint16Array(length) : new Float32Array(length);
}
