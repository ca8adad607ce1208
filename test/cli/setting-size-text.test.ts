import { expect, it } from 'vitest';
import { settingSizeText } from '../../src/cli/setting-size-text.ts';

it.each([
  [5e9, '5GB'],
  [50e6, '50MB'],
  [1.5e9, '1500MB'],
  [512 * 2 ** 20, '512MiB'],
  [2 ** 40, '1TiB'],
  [1_234_567, '1234.567KB'],
])('a setting of %d bytes is %s', (bytes, text) => {
  expect(settingSizeText(bytes)).toBe(text);
});
