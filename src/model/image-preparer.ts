import { decodeImage } from './decode-image.ts';
import { ImageError } from './image-error.ts';
import { readImageFile } from './image-file.ts';
import type { ImageRequest } from './image-request.ts';
import { cut, imageTensor, valueTables } from './image-tensor.ts';
import { loadSharp, type Sharp } from './load-sharp.ts';
import type { Prepared, PreparedFrom, Preparer } from './preparer.ts';

export interface ImagePreparerOptions {
  readonly images: readonly ImageRequest[];
  /** How many images are read and decoded at a time; the threads of the process's pool are the most. */
  readonly concurrency: number;
}

/** @throws AppError DECODER_UNAVAILABLE */
export async function newImagePreparer(options: ImagePreparerOptions): Promise<Preparer> {
  const sharp = await loadSharp();
  return { prepare: (batch) => prepareImages(sharp, options, batch) };
}

type Reject = Prepared['rejects'][number];

async function prepareImages(sharp: Sharp, options: ImagePreparerOptions, batch: PreparedFrom): Promise<Prepared> {
  const { images, concurrency } = options;
  const pixels = images.map(() => new Array<Uint8Array | undefined>(batch.rowCount));
  const rejects = new Map<number, Reject>();
  await forEach(batch.rowCount, concurrency, async (row) => {
    for (const [index, image] of images.entries()) {
      try {
        const kept = await readImage(sharp, image, batch.values[index]?.[row] ?? '');
        const column = pixels[index];
        if (column !== undefined) column[row] = kept;
      } catch (error) {
        if (!(error instanceof ImageError)) throw error;
        rejects.set(row, { row, code: error.code, message: `column ${image.column.name}: ${error.message}` });
        return;
      }
    }
  });
  return {
    lengths: undefined,
    rejects: [...rejects.values()].sort((a, b) => a.row - b.row),
    feeds: (rows) =>
      Object.fromEntries(
        images.map((image, index) => [
          image.input,
          imageTensor(
            image,
            valueTables(image),
            Array.from(rows, (row) => pixels[index]?.[row]),
          ),
        ]),
      ),
  };
}

async function readImage(sharp: Sharp, image: ImageRequest, value: string | Uint8Array): Promise<Uint8Array> {
  const bytes = typeof value === 'string' ? await readImageFile(value, image.root ?? '.') : value;
  return cut(await decodeImage(sharp, bytes, image), image);
}

/** Rows in order, so many at a time; the first failure is thrown once the others that go on have ended. */
async function forEach(rowCount: number, atOnce: number, task: (row: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < rowCount) await task(next++);
  };
  const ends = await Promise.allSettled(Array.from({ length: Math.min(rowCount, atOnce) }, lane));
  const failed = ends.find((end) => end.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
