import { messageOf } from '../core/errors.ts';
import { ImageError } from './image-error.ts';
import type { ImageRequest } from './image-request.ts';
import type { Sharp } from './load-sharp.ts';

/** Eight bits a channel, row by row, channels beside one another. */
export interface Pixels {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
}

/** More than any photo; less than what a small file can be made to unpack to. */
const pixelsAtMost = 100_000_000;

const kernels = { bilinear: 'linear', bicubic: 'cubic', lanczos: 'lanczos3' } as const;

/**
 * Decodes the first frame of an image and resizes it as the request says, off this thread.
 * Colour profiles are left alone, as Pillow leaves them: models were trained that way.
 * @throws ImageError when it is no image, is cut off, or is too large
 */
export async function decodeImage(sharp: Sharp, bytes: Uint8Array, request: ImageRequest): Promise<Pixels> {
  if (bytes.length === 0) throw new ImageError('IMAGE_UNREADABLE', 'the image is empty');
  try {
    const options = { failOn: 'error', limitInputPixels: pixelsAtMost, ignoreIcc: true } as const;
    const size = needsSize(request) ? (await sharp(bytes, options).metadata()).autoOrient : nowhere;
    // Black is what sharp puts under and around an image, unless told so, which it parses each time.
    const image = sharp(bytes, options).autoOrient().flatten().toColourspace('srgb');
    const { data, info } = await resized(image, request, size).raw({ depth: 'uchar' }).toBuffer({
      resolveWithObject: true,
    });
    return { data, width: info.width, height: info.height, channels: info.channels };
  } catch (error) {
    throw new ImageError('IMAGE_UNREADABLE', problemIn(messageOf(error)));
  }
}

/**
 * What sharp found, in words of our own: those of libvips are in one buffer for all threads, so an image may get
 * another one's, or none, and rejects would differ from run to run.
 */
function problemIn(message: string): string {
  if (/pixel limit/.test(message)) return `the image has more than ${pixelsAtMost} pixels`;
  if (/unsupported image format/.test(message)) return 'this is no image, or one of a format that is not read';
  return 'the image is cut off or damaged';
}

interface Size {
  readonly width: number;
  readonly height: number;
}

const nowhere: Size = { width: 0, height: 0 };

/** Whether what is cut out, or how large the image becomes, depends on how large it is: that is a look of its own. */
function needsSize({ resize, fit }: ImageRequest): boolean {
  return typeof resize === 'number' || (resize !== undefined && fit === 'cover');
}

function resized(image: ReturnType<Sharp>, request: ImageRequest, size: Size): ReturnType<Sharp> {
  const { resize, fit, kernel } = request;
  if (resize === undefined) return image;
  const [height = 0, width = 0] = typeof resize === 'number' ? sidesOf(resize, size) : resize;
  // Decoding a JPEG at a half or a quarter of its size is faster, and not what Pillow does.
  const how = { width, height, kernel: kernels[kernel], fastShrinkOnLoad: false };
  if (typeof resize === 'number' || fit === 'fill') return image.resize({ ...how, fit: 'fill' });
  if (fit === 'contain') return image.resize({ ...how, fit, position: 'centre' });
  return image.extract(middleOf(size, { width, height })).resize({ ...how, fit: 'fill' });
}

/** Height and width when the shorter side has this length; the longer one is cut off to whole pixels, as in torchvision. */
function sidesOf(shorter: number, { width, height }: Size): readonly [height: number, width: number] {
  return width < height
    ? [Math.floor((shorter * height) / width), shorter]
    : [shorter, Math.floor((shorter * width) / height)];
}

/** The largest part in the middle that has the shape of `to`; resizing it alone keeps it in the middle. */
function middleOf({ width, height }: Size, to: Size): Size & { readonly left: number; readonly top: number } {
  const isWider = width * to.height > height * to.width;
  const part = isWider
    ? { width: Math.max(1, Math.round((height * to.width) / to.height)), height }
    : { width, height: Math.max(1, Math.round((width * to.height) / to.width)) };
  return { ...part, left: Math.round((width - part.width) / 2), top: Math.round((height - part.height) / 2) };
}
