import { expect, it } from 'vitest';
import { cacheText } from '../../src/cli/cache-text.ts';

it.each([
  [{ state: 'new', entries: 0, sizeBytes: 0 }, 'kept  nothing is kept there yet, 5GB may be'],
  [{ state: 'kept', entries: 0, sizeBytes: 20_480 }, 'kept  0 predictions, 20 KiB of 5GB'],
  [{ state: 'kept', entries: 1, sizeBytes: 20_480 }, 'kept  1 prediction, 20 KiB of 5GB'],
  [{ state: 'kept', entries: 12_028, sizeBytes: 3_565_158 }, 'kept  12,028 predictions, 3.4 MiB of 5GB'],
] as const)('a cache with %j is told in a line', (kept, line) => {
  expect(cacheText({ folder: '/work/kept', maxSizeBytes: 5e9, ...kept }, '/work')).toBe(line);
});
