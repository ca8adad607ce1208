import fc from 'fast-check';
import { expect, it } from 'vitest';
import { rowKeys } from '../../src/worker/row-keys.ts';

it('rows have one key exactly when all their features are the same', () => {
  const numbers = fc.tuple(fc.float({ noNaN: true }), fc.float({ noNaN: true }));
  const row = fc.record({ numbers, texts: fc.tuple(fc.string({ unit: 'binary' }), fc.string()) });
  const valuesOf = ({ numbers, texts }: { readonly numbers: readonly number[]; readonly texts: readonly string[] }) => [
    ...numbers,
    ...texts,
  ];
  fc.assert(
    fc.property(fc.array(row, { minLength: 1, maxLength: 8 }), (rows) => {
      const keys = rowKeys({
        rowCount: rows.length,
        values: [Float32Array.from(rows.flatMap((each) => each.numbers)), rows.flatMap((each) => each.texts)],
      });
      for (const [i, one] of rows.entries())
        for (const [j, other] of rows.entries())
          expect(keys[i] === keys[j]).toBe(valuesOf(one).every((value, at) => Object.is(value, valuesOf(other)[at])));
    }),
  );
});

it.each([
  [['ab', 'c', 'a', 'bc'], 2],
  [['\ud800', '\ufffd'], 1],
  [['1:a', ''], 1],
])('texts that only look alike have keys of their own: %j', (texts, width) => {
  const rowCount = texts.length / width;
  const keys = rowKeys({ rowCount, values: [texts] });
  expect(new Set(keys).size).toBe(rowCount);
});
