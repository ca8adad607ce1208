import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeRow, encodeRow, type RowValue } from '../../src/model/row-value.ts';

const arrays: fc.Arbitrary<RowValue['values']> = fc.oneof(
  fc.float32Array(),
  fc.float64Array(),
  fc.int32Array(),
  fc.uint8Array(),
  fc.bigInt64Array(),
  fc.array(fc.string({ unit: 'grapheme' })),
);
const column = arrays.map((values): RowValue => ({ innerShape: [values.length], values }));

describe('the predictions of a row as bytes', () => {
  it('are what they were once they are read', () => {
    fc.assert(
      fc.property(fc.array(column), (columns) => {
        expect(decodeRow(encodeRow(columns))).toEqual(columns);
      }),
    );
  });

  it('are nothing where they are cut off or something else', () => {
    const bytes = encodeRow([{ innerShape: [2], values: Float32Array.of(1, 2) }]);
    for (let length = 0; length < bytes.byteLength; length++)
      expect(decodeRow(bytes.subarray(0, length)), `${length} bytes`).toBeUndefined();
    fc.assert(
      fc.property(fc.uint8Array(), (noise) => {
        expect(decodeRow(noise)).toBeUndefined();
      }),
    );
  });
});
