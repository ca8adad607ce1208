import { decodeImage } from './decode-image.ts';
import { ImageError } from './image-error.ts';
import { readImageFile } from './image-file.ts';
import type { ImageRequest } from './image-request.ts';
import { cut, imageTensor, type ValueTables, valueTables } from './image-tensor.ts';
import { Lanes } from './lanes.ts';
import { loadSharp, type Sharp } from './load-sharp.ts';
import type { Prepared, PreparedFrom, Preparer, RawColumn } from './preparer.ts';

export interface ImagePreparerOptions {
  readonly images: readonly ImageRequest[];
  /** How many images are read and decoded at a time; what is more than the process's pool has threads waits there. */
  readonly concurrency: number;
}

/** @throws AppError DECODER_UNAVAILABLE */
export async function newImagePreparer(options: ImagePreparerOptions): Promise<Preparer> {
  const sharp = await loadSharp();
  const decoder = { sharp, images: options.images, lanes: new Lanes(options.concurrency) };
  const tables = options.images.map(valueTables);
  const namesFiles = options.images.some(({ raw }) => raw === 'text');
  return {
    ...(namesFiles ? { fetch: (values) => readFiles(decoder, values) } : {}),
    prepare: async (batch) => {
      const { pixels, rejects } = await decodeRows(decoder, batch);
      return {
        lengths: undefined,
        rejects,
        feeds: (rows) => feedsOf({ images: options.images, tables, pixels }, rows),
      };
    },
  };
}

interface Decoder {
  readonly sharp: Sharp;
  readonly images: readonly ImageRequest[];
  /** Shared by batches that are prepared at a time. */
  readonly lanes: Lanes;
}

/** Of each image column, the rows' pixels; undefined where there are none. */
type PixelColumns = readonly (readonly (Uint8Array | undefined)[])[];

type Reject = Prepared['rejects'][number];

async function decodeRows(
  { sharp, images, lanes }: Decoder,
  { rowCount, rows = Array.from({ length: rowCount }, (_, row) => row), values }: PreparedFrom,
): Promise<Pick<Prepared, 'rejects'> & { readonly pixels: PixelColumns }> {
  const pixels = images.map(() => new Array<Uint8Array | undefined>(rowCount));
  const rejects: Reject[] = [];
  await lanes.forEach(rows, async (row) => {
    for (const [index, image] of images.entries()) {
      try {
        const kept = await readImage(sharp, image, values[index]?.[row] ?? '');
        const column = pixels[index];
        if (column !== undefined) column[row] = kept;
      } catch (error) {
        if (!(error instanceof ImageError)) throw error;
        rejects.push({ row, code: error.code, message: `column ${image.column.name}: ${error.message}` });
        return;
      }
    }
  });
  return { pixels, rejects: rejects.sort((a, b) => a.row - b.row) };
}

interface Fed {
  readonly images: readonly ImageRequest[];
  readonly tables: readonly ValueTables[];
  readonly pixels: PixelColumns;
}

function feedsOf({ images, tables, pixels }: Fed, rows: ArrayLike<number>): ReturnType<Prepared['feeds']> {
  const tensors = images.map((image, index) => {
    const chosen = Array.from(rows, (row) => pixels[index]?.[row]);
    return [image.input, imageTensor(image, tables[index] ?? [], chosen)];
  });
  return Object.fromEntries(tensors);
}

async function readImage(sharp: Sharp, image: ImageRequest, value: RawColumn[number]): Promise<Uint8Array> {
  const bytes = typeof value === 'string' ? await readImageFile(value, image.root ?? '.') : value;
  if (bytes instanceof ImageError) throw bytes;
  return cut(await decodeImage(sharp, bytes, image), image);
}

/** The files that paths name, or what is wrong with them. */
async function readFiles({ images, lanes }: Decoder, values: readonly RawColumn[]): Promise<readonly RawColumn[]> {
  const fetched = values.map((column) => [...column]);
  for (const [index, { root = '.' }] of images.entries()) {
    const column = fetched[index] ?? [];
    await lanes.forEach(column.keys(), async (row) => {
      const value = column[row];
      if (typeof value === 'string') column[row] = await readImageFile(value, root).catch(ifOfTheImage);
    });
  }
  return fetched;
}

function ifOfTheImage(error: unknown): ImageError {
  if (error instanceof ImageError) return error;
  throw error;
}
