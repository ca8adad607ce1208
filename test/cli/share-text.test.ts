import fc from 'fast-check';
import { expect, it } from 'vitest';
import { shareText } from '../../src/cli/share-text.ts';

it.each([
  [119_400 / 120_000, '99.5 %'],
  [99_999 / 100_000, '99.9 %'],
  [1 / 100_000, '< 0.1 %'],
  [0.001, '0.1 %'],
  [0.5, '50.0 %'],
  [0, '0 %'],
  [1, '100 %'],
])('a share of %d is %s', (fraction, text) => {
  expect(shareText(fraction)).toBe(text);
});

it.each([
  [0.996, '99 %'],
  [0.004, '< 1 %'],
  [0.5, '50 %'],
  [1, '100 %'],
])('a share of %d is %s in whole percent', (fraction, text) => {
  expect(shareText(fraction, 0)).toBe(text);
});

it('is 0 % or 100 % only if it is exactly that', () => {
  fc.assert(
    fc.property(fc.nat(1e9), fc.integer({ min: 1, max: 1e9 }), fc.constantFrom<0 | 1>(0, 1), (part, more, decimals) => {
      const text = shareText(part / (part + more), decimals);
      expect(text === '0 %').toBe(part === 0);
      expect(text).not.toMatch(/^(100|0\.0)/);
    }),
  );
});
