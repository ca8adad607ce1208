import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { newImagePreparer } from '../../src/model/image-preparer.ts';
import type { ImageRequest } from '../../src/model/image-request.ts';
import type { Prepared } from '../../src/model/preparer.ts';
import { root, sql } from '../e2e/nightshift.ts';
import { imageRequest } from './image-request.ts';

const folder = join(root, 'fixtures/images');
const bytesOf = (name: string): Uint8Array => readFileSync(join(folder, name));

async function prepare(names: readonly string[], changes: Partial<ImageRequest> = {}): Promise<Prepared> {
  const preparer = await newImagePreparer({ images: [imageRequest({ resize: [32, 32], ...changes })], concurrency: 2 });
  return preparer.prepare({ rowCount: names.length, values: [names.map(bytesOf)] });
}

/** Pixels as the model gets them, unscaled and channels last. */
async function pixelsOf(name: string, changes: Partial<ImageRequest> = {}): Promise<readonly number[]> {
  const { rejects, feeds } = await prepare([name], { element: 'uint8', layout: 'nhwc', ...changes });
  expect(rejects).toEqual([]);
  return Array.from(feeds([0])['pixels']?.data ?? [], Number);
}

function difference(a: readonly number[], b: readonly number[]) {
  expect(a).toHaveLength(b.length);
  const each = a.map((value, at) => Math.abs(value - (b[at] ?? 0)));
  return { mean: each.reduce((sum, one) => sum + one, 0) / each.length, most: Math.max(...each) };
}

describe('pixels beside those of Pillow', () => {
  let golden = new Map<string, readonly number[]>();
  beforeAll(async () => {
    const rows = await sql(
      `SELECT file, to_json(pixels)::VARCHAR AS pixels FROM '${root}/fixtures/golden/images.parquet'`,
    );
    golden = new Map(rows.map((row) => [String(row['file']), JSON.parse(String(row['pixels']))]));
  });

  it.each([
    'gradient.png',
    'gradient.webp',
    'gradient.tiff',
    'checker.png',
    'palette.png',
    'grey16.png',
    'animated.gif',
  ])('are the same where nothing is resized: %s', async (name) => {
    expect(await pixelsOf(name)).toEqual(golden.get(name));
  });

  it.each([
    ['alpha.png', 0.5, 1],
    ['wide.png', 0.25, 2],
    ['wide.jpg', 0.25, 2],
    ['wide.webp', 0.25, 2],
    ['rotated.jpg', 0.25, 2],
    ['grey.jpg', 0.25, 2],
  ])('are close where they are: %s by %f on average, %i at most', async (name, mean, most) => {
    const found = difference(await pixelsOf(name), golden.get(name) ?? []);
    expect(found.mean).toBeLessThan(mean);
    expect(found.most).toBeLessThanOrEqual(most);
  });

  it('reads a CMYK image by a common colour profile, where Pillow has none', async () => {
    expect(difference(await pixelsOf('cmyk.jpg'), golden.get('cmyk.jpg') ?? []).mean).toBeLessThan(25);
  });
});

describe('resize', () => {
  it('stretches with fill, and puts black around with contain', async () => {
    const [top, middle] = [0, 16].map((row) => row * 32 * 3);
    const contained = await pixelsOf('wide.png', { fit: 'contain' });
    expect(contained.slice(top, (top ?? 0) + 32 * 3)).toEqual(Array.from({ length: 96 }, () => 0));
    expect(contained.slice(middle, (middle ?? 0) + 3)).not.toEqual([0, 0, 0]);
    expect(await pixelsOf('wide.png', { fit: 'fill' })).not.toContain(0);
  });

  it('cuts the middle out of an image whose shorter side it made', async () => {
    const cropped = await pixelsOf('wide.png', { resize: 32, isCropped: true });
    expect(difference(cropped, await pixelsOf('wide.png')).mean).toBeLessThan(5);
  });

  it('leaves an image alone that is cut out of as it is', async () => {
    const whole = await pixelsOf('gradient.png');
    const middle = await pixelsOf('gradient.png', { resize: undefined, isCropped: true, height: 2, width: 2 });
    expect(middle).toEqual([15, 16].flatMap((row) => whole.slice((row * 32 + 15) * 3, (row * 32 + 17) * 3)));
  });

  it('tells the kernels apart', async () => {
    const [a, b, c] = await Promise.all(
      (['bilinear', 'bicubic', 'lanczos'] as const).map((kernel) => pixelsOf('wide.png', { kernel })),
    );
    expect(new Set([a, b, c].map(String)).size).toBe(3);
  });
});

describe('a batch', () => {
  it('rejects what is broken with the reason, and gives the other rows in any order', async () => {
    const names = [
      'gradient.png',
      'truncated.jpg',
      'checker.png',
      'not-an-image.jpg',
      'bomb.png',
      'empty.png',
      'truncated.png',
    ];
    const { rejects, feeds, lengths } = await prepare(names);
    expect(lengths).toBeUndefined();
    expect(rejects.map(({ row, code, message }) => [row, code, message])).toEqual([
      [1, 'IMAGE_UNREADABLE', 'column photo: the image is cut off or damaged'],
      [3, 'IMAGE_UNREADABLE', 'column photo: this is no image, or one of a format that is not read'],
      [4, 'IMAGE_UNREADABLE', 'column photo: the image has more than 100000000 pixels'],
      [5, 'IMAGE_UNREADABLE', 'column photo: the image is empty'],
      [6, 'IMAGE_UNREADABLE', 'column photo: the image is cut off or damaged'],
    ]);
    const turned = feeds([2, 0, 2])['pixels'];
    expect(turned?.dims).toEqual([3, 3, 32, 32]);
    const size = 3 * 32 * 32;
    const parts = [0, 1, 2].map((at) => Array.from(turned?.data ?? [], Number).slice(at * size, (at + 1) * size));
    expect(parts[0]).toEqual(parts[2]);
    expect(parts[1]).toEqual(Array.from(feeds([0])['pixels']?.data ?? [], Number));
  });

  it('says the same of each image however many are decoded at a time', async () => {
    const broken = ['truncated.jpg', 'not-an-image.jpg', 'truncated.png', 'wide.jpg', 'bomb.png'];
    const names = Array.from({ length: 60 }, (_, at) => broken[at % broken.length] ?? '');
    const reports = await Promise.all(
      [1, 4, 60].map(async (concurrency) => {
        const preparer = await newImagePreparer({ images: [imageRequest({ resize: [32, 32] })], concurrency });
        return (await preparer.prepare({ rowCount: names.length, values: [names.map(bytesOf)] })).rejects;
      }),
    );
    expect(reports[0]).toHaveLength(48);
    expect(reports[1]).toEqual(reports[0]);
    expect(reports[2]).toEqual(reports[0]);
  });

  it('opens no SVG, which may name other files', async () => {
    const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="32" height="32"/>');
    const preparer = await newImagePreparer({ images: [imageRequest({ resize: [32, 32] })], concurrency: 1 });
    const { rejects } = await preparer.prepare({ rowCount: 1, values: [[svg]] });
    expect(rejects).toMatchObject([{ code: 'IMAGE_UNREADABLE' }]);
  });

  it('reads paths, and of two columns the first that is broken', async () => {
    const paths = { raw: 'text', root: folder, resize: [32, 32] } as const;
    const images = [
      imageRequest({ ...paths, input: 'a' }),
      imageRequest({ ...paths, input: 'b', column: { name: 'back' } }),
    ];
    const preparer = await newImagePreparer({ images, concurrency: 8 });
    const values = [
      ['gradient.png', 'gradient.png'],
      ['checker.png', 'none.png'],
    ];
    const { rejects, feeds } = await preparer.prepare({ rowCount: 2, values });
    expect(rejects.map(({ row, message }) => [row, message])).toEqual([
      [1, `column back: ${join(folder, 'none.png')} does not exist`],
    ]);
    expect(Object.keys(feeds([0]))).toEqual(['a', 'b']);
  });
});
