import { describe, expect, it } from 'vitest';
import type { TensorSignature } from '../../src/model/contract.ts';
import type { ColumnLook } from '../../src/plan/guess-columns.ts';
import { guessImage } from '../../src/plan/guess-image.ts';

const input = (shape: TensorSignature['shape'], type: TensorSignature['type'] = 'float32') =>
  ({ kind: 'tensor', name: 'x', type, shape }) as const satisfies TensorSignature;
const guess = (columns: readonly ColumnLook[], ...inputs: readonly TensorSignature[]) =>
  guessImage({ inputs, outputs: [] }, columns);
const colour = input(['N', 3, 32, 64]);

function column(name: string, type = 'BLOB', more: Partial<ColumnLook> = {}): ColumnLook {
  const plain = { nullCount: 0, isAllNull: false, listShape: undefined, isUnique: false, unfit: new Set<never>() };
  return { name, type, ...plain, ...more };
}

describe('images for a model', () => {
  it.each<[string, TensorSignature, object]>([
    ['as high and wide as it says', colour, { resize: [32, 64], isGrey: false }],
    ['with channels last', input(['N', 32, 64, 1]), { resize: [32, 64], isGrey: true }],
    ['as high and wide as is usual', input(['N', 'c', 'h', 3], 'uint8'), { resize: [224, 224], isGrey: false }],
  ])('are %s', (_what, wanted, expected) => {
    expect(guess([column('a'), column('b', 'VARCHAR')], wanted)).toMatchObject({ column: { name: 'a' }, ...expected });
  });

  it('are files that a column of paths names, where there are no bytes', () => {
    expect(guess([column('title', 'VARCHAR'), column('file_name', 'VARCHAR')], colour)?.column.name).toBe('file_name');
  });

  it.each<[string, readonly ColumnLook[], readonly TensorSignature[]]>([
    ['of several columns', [column('a'), column('b')], [colour]],
    ['of no column', [column('title', 'VARCHAR'), column('a', 'BLOB', { isAllNull: true })], [colour]],
    ['for several inputs', [column('a')], [colour, colour]],
    ['for an input of another shape', [column('a')], [input(['N', 3, 32])]],
    ['for an input of few numbers', [column('a')], [input(['N', 1, 2, 2])]],
    ['for an input of another type', [column('a')], [input(['N', 3, 32, 32], 'int64')]],
    ['where it is unclear which are the channels', [column('a')], [input(['N', 3, 32, 3])]],
    ['where lists have the numbers', [column('a'), column('b', 'FLOAT[]', { listShape: [3, 32, 64] })], [colour]],
  ])('are not guessed %s', (_what, columns, inputs) => {
    expect(guess(columns, ...inputs)).toBeUndefined();
  });
});
