import { expect, it } from 'vitest';
import { readsAhead } from '../../src/run/reads-ahead.ts';
import { imageRequest } from '../model/image-request.ts';

const image = { ...imageRequest(), column: { name: 'photo', type: 'BLOB', nullFree: true } };

it.each([
  ['auto', true, [], true],
  ['auto', false, [], false],
  ['auto', false, [image], true],
  [0, true, [image], false],
  [2, false, [], true],
] as const)('readAhead %s, with a core to spare: %s, and %j: %s', (readAhead, hasCore, images, expected) => {
  const plan = images.length === 0 ? {} : { images };
  expect(readsAhead({ canReadAhead: () => hasCore }, { readAhead, slots: [], plan })).toBe(expected);
});
