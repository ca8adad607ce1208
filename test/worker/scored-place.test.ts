import fc from 'fast-check';
import { expect, it } from 'vitest';
import { placed, takenApart } from '../../src/worker/scored-place.ts';

const place = fc.record({ shard: fc.nat(2 ** 31), row: fc.nat(2 ** 31) });

it('a prediction and its place come apart as they were put together', () => {
  fc.assert(
    fc.property(fc.uint8Array(), place, (bytes, where) => {
      const found = takenApart(placed(bytes, where));
      expect(found?.place).toEqual(where);
      expect([...(found?.bytes ?? [])]).toEqual([...bytes]);
    }),
  );
});

it('what is too short for a place has none', () => {
  expect(takenApart(new Uint8Array(7))).toBeUndefined();
});
