import { expect, it } from 'vitest';
import { pixelsText } from '../../src/cli/image-text.ts';
import type { ImageRequest } from '../../src/model/image-request.ts';
import { imageRequest } from '../model/image-request.ts';

it.each<[Partial<ImageRequest>, string]>([
  [{}, 'resize none, they must be 32 × 32; scale 1/255'],
  [{ isCropped: true, scale: 1 }, 'resize none, crop center 32 × 32; scale 1'],
  [{ resize: [32, 32], kernel: 'lanczos', fit: 'contain' }, 'resize 32 × 32 (contain, lanczos); scale 1/255'],
  [
    { resize: 40, isCropped: true, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
    'resize 40 (shorter side, bilinear), crop center 32 × 32; scale 1/255, mean 0.5, 0.5, 0.5, std 0.5, 0.5, 0.5',
  ],
])('tells of %j: %s', (changes, text) => {
  expect(pixelsText({ ...imageRequest(changes), column: { name: 'photo', type: 'BLOB', nullFree: true } })).toBe(text);
});
