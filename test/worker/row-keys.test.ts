import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ImageError } from '../../src/model/image-error.ts';
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
        raw: [],
      });
      for (const [i, one] of rows.entries())
        for (const [j, other] of rows.entries())
          expect(keys[i] === keys[j]).toBe(valuesOf(one).every((value, at) => Object.is(value, valuesOf(other)[at])));
    }),
  );
});

it('rows of images have one key exactly when their bytes are the same, or what is wrong with them', () => {
  const bytes = fc.uint8Array({ maxLength: 2, max: 1 }).map((each) => ['bytes', String(each), each] as const);
  const wrong = fc
    .string({ maxLength: 2 })
    .map((message) => ['wrong', message, new ImageError('IMAGE_UNREADABLE', message)] as const);
  const image = fc.oneof(bytes, wrong);
  fc.assert(
    fc.property(fc.array(fc.tuple(image, image), { minLength: 1, maxLength: 12 }), (rows) => {
      const raw = ([0, 1] as const).map((column) => rows.map((row) => row[column][2]));
      const keys = rowKeys({ rowCount: rows.length, values: [], raw });
      const shown = rows.map((row) => JSON.stringify(row.map(([kind, text]) => [kind, text])));
      for (const [i, one] of shown.entries())
        for (const [j, other] of shown.entries()) expect(keys[i] === keys[j]).toBe(one === other);
    }),
  );
});

it.each([
  [['ab', 'c', 'a', 'bc'], 2],
  [['\ud800', '\ufffd'], 1],
  [['1:a', ''], 1],
])('texts that only look alike have keys of their own: %j', (texts, width) => {
  const rowCount = texts.length / width;
  const keys = rowKeys({ rowCount, values: [texts], raw: [] });
  expect(new Set(keys).size).toBe(rowCount);
});
