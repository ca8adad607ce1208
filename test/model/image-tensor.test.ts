import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ImageRequest } from '../../src/model/image-request.ts';
import { cut, imageTensor, valueTables } from '../../src/model/image-tensor.ts';
import { imageRequest } from './image-request.ts';

/** Two pixels, one above the other. */
const two = { data: Uint8Array.of(1, 2, 3, 40, 50, 60), width: 1, height: 2, channels: 3 };
const unscaled = { height: 2, width: 1, scale: 1 } as const;

function tensorOf(changes: Partial<ImageRequest>, pixels = two): readonly number[] {
  const request = imageRequest({ ...unscaled, ...changes });
  return Array.from(imageTensor(request, valueTables(request), [cut(pixels, request)]).data, Number);
}

describe('imageTensor', () => {
  it.each<[Partial<ImageRequest>, readonly number[]]>([
    [{ layout: 'nchw' }, [1, 40, 2, 50, 3, 60]],
    [{ layout: 'nhwc' }, [1, 2, 3, 40, 50, 60]],
    [{ layout: 'nchw', colour: 'bgr' }, [3, 60, 2, 50, 1, 40]],
    [{ layout: 'nhwc', colour: 'bgr' }, [3, 2, 1, 60, 50, 40]],
    [{ layout: 'nhwc', colour: 'bgr', element: 'uint8' }, [3, 2, 1, 60, 50, 40]],
    // Pillow: Image.new("RGB", (1, 1), (1, 2, 3)).convert("L") is 2, of (40, 50, 60) it is 48.
    [{ layout: 'nchw', colour: 'grey' }, [2, 48]],
    [{ layout: 'nchw', mean: [1, 2, 3], std: [1, 2, 4] }, [0, 39, 0, 24, 0, 14.25]],
    // A mean belongs to the channel that the model gets, here blue first.
    [{ layout: 'nchw', colour: 'bgr', mean: [3, 2, 1] }, [0, 57, 0, 48, 0, 39]],
    // The bits of 1.0 and 40.0 and so on.
    [{ layout: 'nchw', element: 'float16' }, [0x3c00, 0x5100, 0x4000, 0x5240, 0x4200, 0x5380]],
  ])('orders and scales the channels as the model wants them: %j', (changes, expected) => {
    expect(tensorOf(changes)).toEqual(expected);
  });

  it('computes (pixel × scale − mean) / std step by step in float32', () => {
    const float = fc.float({ min: -300, max: 300, noNaN: true });
    const divisor = fc.float({ min: Math.fround(0.01), max: 300, noNaN: true });
    fc.assert(
      fc.property(fc.nat(255), float, float, divisor, (pixel, scale, mean, std) => {
        const request = imageRequest({ scale, mean: [mean, 0, 0], std: [std, 1, 1] });
        const steps = new Float32Array(3);
        steps[0] = pixel * Math.fround(scale);
        steps[1] = (steps[0] ?? 0) - mean;
        steps[2] = (steps[1] ?? 0) / std;
        expect(valueTables(request)[0]?.[pixel]).toBe(steps[2]);
      }),
    );
  });

  it('puts images one after the other, and leaves zeros where there is none', () => {
    const request = imageRequest({ ...unscaled, colour: 'grey' });
    const { data, dims } = imageTensor(request, valueTables(request), [
      Uint8Array.of(1, 2),
      undefined,
      Uint8Array.of(3, 4),
    ]);
    expect(Array.from(data, Number)).toEqual([1, 2, 0, 0, 3, 4]);
    expect(dims).toEqual([3, 1, 2, 1]);
  });
});

describe('cut', () => {
  /** A row of pixels that are their own position. */
  const rowOf = (width: number) => ({
    data: Uint8Array.from({ length: width }, (_, at) => at),
    width,
    height: 1,
    channels: 1,
  });

  // torchvision: int(round((width - 2) / 2)), and Python rounds halves to even.
  it.each([
    [2, 0],
    [3, 0],
    [4, 1],
    [5, 2],
    [6, 2],
    [7, 2],
    [9, 4],
  ])('takes the middle of %i pixels from %i on', (width, left) => {
    const request = imageRequest({ height: 1, width: 2, colour: 'grey', isCropped: true });
    expect(Array.from(cut(rowOf(width), request))).toEqual([left, left + 1]);
  });

  it.each([
    [{ isCropped: false }, 3, 'the image is 1 × 3 where 1 × 2 is expected (height × width)'],
    [{ isCropped: true }, 1, 'the image is 1 × 1 where at least 1 × 2 is expected (height × width)'],
  ])('refuses an image of another size: %j, %i wide', (changes, width, message) => {
    const request = imageRequest({ height: 1, width: 2, ...changes });
    expect(() => cut(rowOf(width), request)).toThrow(expect.objectContaining({ code: 'IMAGE_SIZE', message }));
  });

  it('gives a grey image three equal channels where the model wants colours', () => {
    expect(Array.from(cut(rowOf(2), imageRequest({ height: 1, width: 2 })))).toEqual([0, 0, 0, 1, 1, 1]);
  });
});
