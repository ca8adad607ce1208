import { arch, platform } from 'node:process';
import { AppError, messageOf } from '../core/errors.ts';

export type Sharp = typeof import('sharp').default;

/** Formats by their libvips names; others, SVG first of all, may read other files or run for long. */
const loaders = ['Jpeg', 'Png', 'Webp', 'Nsgif', 'Tiff', 'Heif'];

let loaded: Promise<Sharp> | undefined;

/**
 * The image library, which only those who read images load: it is native, and may be missing on a machine.
 * @throws AppError DECODER_UNAVAILABLE
 */
export function loadSharp(): Promise<Sharp> {
  loaded ??= load();
  return loaded;
}

/** Versions that decide what pixels come out. */
export async function imageDecoder(): Promise<string> {
  const { versions } = await loadSharp();
  return `sharp ${versions.sharp}, libvips ${versions.vips}`;
}

async function load(): Promise<Sharp> {
  const { default: sharp } = await import('sharp').catch((error: unknown) => {
    throw new AppError('DECODER_UNAVAILABLE', `images cannot be decoded: ${messageOf(error).split('\n')[0]}`, {
      hint: `install it for this machine: npm install --os=${platform} --cpu=${arch} sharp`,
      cause: error,
    });
  });
  // One thread an image: how many images at once is decided here, and what was read once may change on the disk.
  sharp.concurrency(1);
  sharp.cache(false);
  sharp.block({ operation: ['VipsForeignLoad'] });
  sharp.unblock({ operation: loaders.map((name) => `VipsForeignLoad${name}`) });
  return sharp;
}
