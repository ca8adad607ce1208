import { expect, it } from 'vitest';
import { nearest } from '../../src/core/suggest.ts';

const keys = ['batchSize', 'devices', 'readAhead'];

it.each([
  ['batchSise', 'batchSize'],
  ['batch_size', 'batchSize'],
  ['BATCHSIZE', 'batchSize'],
  ['device', 'devices'],
  ['divices', 'devices'],
])('%s was probably meant to be %s', (word, meant) => {
  expect(nearest(word, keys)).toBe(meant);
});

it.each(['threads', 'x', ''])('"%s" is near to nothing', (word) => {
  expect(nearest(word, keys)).toBeUndefined();
});

it('nothing is near when there is nothing', () => {
  expect(nearest('a', [])).toBeUndefined();
});
