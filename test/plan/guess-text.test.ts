import { describe, expect, it } from 'vitest';
import type { ModelSignature, TensorSignature, TensorType } from '../../src/model/contract.ts';
import type { ColumnLook } from '../../src/plan/guess-columns.ts';
import { guessText } from '../../src/plan/guess-text.ts';

const tokens = (name: string, type: TensorType = 'int64', shape: TensorSignature['shape'] = ['', '']) =>
  ({ kind: 'tensor', name, type, shape }) as const satisfies TensorSignature;
const bert: ModelSignature = {
  inputs: [
    tokens('input_ids'),
    tokens('attention_mask'),
    tokens('token_type_ids'),
    tokens('price', 'float32', ['', 1]),
  ],
  outputs: [tokens('y', 'float32')],
};

function column(name: string, meanLength: number | undefined, more: Partial<ColumnLook> = {}): ColumnLook {
  const plain = { nullCount: 0, isAllNull: false, listShape: undefined, isUnique: false, unfit: new Set<TensorType>() };
  return { name, type: meanLength === undefined ? 'DOUBLE' : 'VARCHAR', meanLength, ...plain, ...more };
}

const ids = { type: 'BIGINT[]', listShape: [8] };

describe('the text of a model that takes tokens', () => {
  it.each<[string, readonly ColumnLook[], string | undefined]>([
    ['the only text', [column('price', undefined), column('title', 20)], 'title'],
    ['the longest of several', [column('title', 20), column('body', 300), column('tag', 5)], 'body'],
    ['no key, however long', [column('uuid', 36, { isUnique: true }), column('title', 20)], 'title'],
    ['no label', [column('label', 36), column('title', 20)], 'title'],
    ['a key where nothing else is a text', [column('uuid', 36, { isUnique: true })], 'uuid'],
    ['none where a column has the ids', [column('InputIds', undefined, ids), column('title', 20)], undefined],
  ])('is %s', (_what, columns, expected) => {
    expect(guessText(bert, columns)?.column.name).toBe(expected);
  });

  it.each([
    ['no text', column('price', undefined)],
    ['a text without values', column('notes', 0, { isAllNull: true })],
    ['lists of another name', column('pixels', undefined, ids)],
  ])('is not guessed where a table has %s', (_what, only) => {
    expect(() => guessText(bert, [only])).toThrow('input_ids int64[N, ?] takes the tokens of texts, and no column');
  });

  it('fills the inputs for tokens that the model has, and leaves the others', () => {
    const names = (signature: ModelSignature) => guessText(signature, [column('a', 9)])?.inputs.map(({ name }) => name);
    expect(names(bert)).toEqual(['input_ids', 'attention_mask', 'token_type_ids']);
    expect(names({ ...bert, inputs: [tokens('input_ids', 'int32')] })).toEqual(['input_ids']);
    expect(names({ ...bert, inputs: [tokens('attention_mask'), tokens('input_ids', 'float32')] })).toBeUndefined();
    expect(names({ ...bert, inputs: [tokens('input_ids', 'int64', ['', 1, 8])] })).toBeUndefined();
  });

  it('is none where a column has the tokens already', () => {
    const ids = column('input_ids', undefined, { type: 'BIGINT[]', listShape: [] });
    expect(guessText(bert, [ids, column('title', 20)])).toBeUndefined();
  });

  it('is to be checked where there are others', () => {
    expect(guessText(bert, [column('a', 9)])?.comment).toMatch(/^Its tokens fill input_ids, .* a is the only text/);
    expect(guessText(bert, [column('a', 9), column('b', 3)])?.comment).toMatch(/^CHECK: a has .* other texts are b\.$/);
  });
});
