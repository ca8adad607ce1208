import { expect, it } from 'vitest';
import { truncatedLengths } from '../../src/model/truncated-lengths.ts';

it.each([
  [[9], 5, [5]],
  [[9], 0, [0]],
  [[3, 4], 7, [3, 4]],
  [[2, 9], 7, [2, 5]],
  [[9, 2], 7, [5, 2]],
  [[9, 8], 7, [4, 3]],
  [[8, 9], 7, [3, 4]],
  [[9, 0], 7, [7, 0]],
])('texts of %j tokens in a room of %i keep %j', (lengths, room, kept) => {
  expect(truncatedLengths(lengths, room)).toEqual(kept);
});
