import { describe, expect, it } from 'vitest';
import type { ModelFacts, TensorSignature, TensorType, ValueSignature } from '../../src/model/contract.ts';
import { type ColumnLook, isKey } from '../../src/plan/guess-columns.ts';
import { guessFeatures } from '../../src/plan/guess-features.ts';
import { guessOutputs } from '../../src/plan/guess-outputs.ts';

function column(name: string, type: string, more: Partial<ColumnLook> = {}): ColumnLook {
  const plain = { nullCount: 0, isAllNull: false, listShape: undefined, isUnique: false, unfit: new Set<TensorType>() };
  return { name, type, ...plain, ...more };
}

function tensor(name: string, type: TensorType, shape: readonly (number | string)[]): TensorSignature {
  return { kind: 'tensor', name, type, shape };
}

function model(
  inputs: readonly ValueSignature[],
  more: Partial<ModelFacts> = {},
  outputs: readonly ValueSignature[] = [],
): ModelFacts {
  const about = { irVersion: 8, opsets: [], producer: '', metadata: {}, externalData: [], unzippedOutputs: [] };
  return { ...about, signature: { inputs, outputs }, ...more };
}

/** Input → columns, and all comments. */
function guessed(facts: ModelFacts, columns: readonly ColumnLook[]) {
  const guesses = guessFeatures(facts, columns);
  return {
    columns: Object.fromEntries(guesses.map((guess) => [guess.input.name, guess.columns.map(({ name }) => name)])),
    comments: guesses.flatMap((guess) => guess.comments),
  };
}

const floats = (...names: readonly string[]) => names.map((name) => column(name, 'DOUBLE'));

describe('columns for inputs that have their names', () => {
  it('are taken without a word when the names are equal', () => {
    const facts = model([tensor('b', 'float32', ['', 1]), tensor('a', 'float32', ['', 1])]);
    expect(guessed(facts, floats('a', 'b'))).toEqual({ columns: { b: ['b'], a: ['a'] }, comments: [] });
  });

  it('are taken with a comment when case and underscores differ', () => {
    const { columns, comments } = guessed(model([tensor('DepDelay', 'float32', ['', 1])]), floats('dep_delay', 'x'));
    expect(columns).toEqual({ DepDelay: ['dep_delay'] });
    expect(comments).toEqual(['dep_delay is this input by its name, but for case and punctuation.']);
  });

  it('are not taken when two are as similar', () => {
    const { comments } = guessed(model([tensor('ab', 'float32', ['', 1])]), floats('a_b', 'A-B'));
    expect(comments[0]).toMatch(/^CHECK: no column is called ab; a_b is the first of its kind\.$/);
  });

  it('are not taken when their values cannot become what the input takes', () => {
    const columns = [column('a', 'VARCHAR', { unfit: new Set(['float32']) }), column('z', 'DOUBLE')];
    expect(guessed(model([tensor('a', 'float32', ['', 1])]), columns).columns).toEqual({ a: ['z'] });
  });
});

describe('columns for a matrix', () => {
  const matrix = model([tensor('x', 'float32', ['', 2])], {}, [tensor('won', 'int64', [''])]);

  it('are exactly those that look like features, in order, with a warning about the order', () => {
    const columns = [
      column('game_id', 'BIGINT', { isUnique: true }),
      ...floats('a', 'b', 'won', 'target'),
      column('name', 'VARCHAR'),
      column('empty', 'DOUBLE', { isAllNull: true }),
    ];
    const { columns: taken, comments } = guessed(matrix, columns);
    expect(taken).toEqual({ x: ['a', 'b'] });
    expect(comments).toEqual([
      "CHECK THE ORDER: the model takes 2 values by position and does not say which; these columns are in the dataset's order.",
      'Not taken as they look like keys or labels: game_id, won, target.',
    ]);
  });

  it('are the first of many, and the others are named', () => {
    const { columns, comments } = guessed(matrix, floats('a', 'b', 'c', 'd'));
    expect(columns).toEqual({ x: ['a', 'b'] });
    expect(comments[1]).toBe('Other candidates: c, d.');
  });

  it('are one list of its width before single numbers, and the list that always fits before others', () => {
    const columns = [
      ...floats('a', 'b'),
      column('ragged', 'FLOAT[]', { listShape: [2], unfit: new Set(['float32']) }),
      column('steady', 'FLOAT[]', { listShape: [2] }),
      column('long', 'FLOAT[]', { listShape: [3] }),
    ];
    const { columns: taken, comments } = guessed(matrix, columns);
    expect(taken).toEqual({ x: ['steady'] });
    expect(comments).toEqual(['CHECK: other list columns are as long: ragged.']);
  });

  it('follow the names in the metadata, as JSON or with commas', () => {
    for (const names of ['["c", "a"]', 'c, a', 'c\na']) {
      const facts = { ...matrix, metadata: { 'feature names': names } };
      expect(guessed(facts, floats('a', 'b', 'c')).columns).toEqual({ x: ['c', 'a'] });
    }
  });

  it('may be keys and labels when there is nothing else', () => {
    expect(guessed(matrix, floats('a', 'label')).columns).toEqual({ x: ['a', 'label'] });
  });

  it('are all that fit when the width is free', () => {
    expect(guessed(model([tensor('x', 'float32', ['', 'n'])]), floats('a', 'b', 'c')).columns).toEqual({
      x: ['a', 'b', 'c'],
    });
  });

  it('are text for text and never twice the same', () => {
    const facts = model([tensor('s', 'string', ['', 2]), tensor('n', 'int64', ['', 1])]);
    const columns = [column('a', 'VARCHAR'), column('i', 'BIGINT'), column('b', 'VARCHAR')];
    expect(guessed(facts, columns).columns).toEqual({ s: ['a', 'b'], n: ['i'] });
  });

  it('are refused when they are too few, with the count', () => {
    expect(() => guessed(matrix, floats('a'))).toThrow(
      expect.objectContaining({
        code: 'MODEL_INPUT_MISMATCH',
        message: 'model input x float32[N, 2] takes 2 values a row, but only 1 of 1 columns can become that: a',
      }),
    );
    const facts = model([{ kind: 'other', name: 'x', type: 'seq(tensor(float))' }]);
    expect(() => guessed(facts, floats('a'))).toThrow('which columns cannot fill');
  });

  it('fail for pixels of any size, whatever the number of columns', () => {
    const facts = model([tensor('x', 'float32', ['N', 3, 'h', 'w'])]);
    expect(() => guessed(facts, floats('a', 'b'))).toThrow(
      'model input x float32[N, 3, h, w] takes pixels, but no column that is left can become that',
    );
  });
});

describe('keys', () => {
  it.each([
    ['id', 'BIGINT', true],
    ['flight_id', 'BIGINT', true],
    ['flightId', 'VARCHAR', true],
    ['order key', 'INTEGER', true],
    ['index', 'BIGINT', true],
    ['uuid', 'UUID', true],
    ['paid', 'BIGINT', false],
    ['monkey', 'BIGINT', false],
    ['id', 'DOUBLE', false],
  ])('%s of %s: %s', (name, type, expected) => {
    expect(isKey({ name, type, isUnique: true })).toBe(expected);
  });

  it('are unique', () => {
    expect(isKey({ name: 'id', type: 'BIGINT', isUnique: false })).toBe(false);
  });
});

describe('output columns', () => {
  const outputs = (...values: readonly ValueSignature[]) => guessOutputs(model([], {}, values), ['id']);

  it('are the second class of two, and lists as they are', () => {
    expect(outputs(tensor('label', 'int64', [1]), tensor('probabilities', 'float32', ['', 2])).columns).toEqual([
      { name: 'label', expression: 'label', comment: undefined },
      {
        name: 'probability',
        expression: 'probabilities[1]',
        comment: 'of the second class; the first is probabilities[0]',
      },
    ]);
    expect(outputs(tensor('scores', 'float32', ['', 5])).columns[0]).toMatchObject({
      name: 'scores',
      expression: 'scores',
    });
  });

  it('quote names that expressions cannot read, and make way for kept columns', () => {
    expect(outputs(tensor('my out[0]', 'float32', ['', 1]), tensor('id', 'int64', [''])).columns).toEqual([
      { name: 'my out[0]', expression: '"my out[0]"', comment: undefined },
      { name: 'id_predicted', expression: 'id', comment: undefined },
    ]);
  });

  it('are pooled where a text model gives a value for each position that its mask has', () => {
    const mask = tensor('attention_mask', 'int64', ['N', 'seq']);
    const hidden = tensor('last_hidden_state', 'float32', ['N', 'seq', 384]);
    expect(guessOutputs(model([mask], {}, [hidden]), []).columns).toEqual([
      {
        name: 'embedding',
        expression: 'normalize(meanPool(last_hidden_state))',
        comment:
          'the mean over the positions of attention_mask, of length 1; cls(last_hidden_state) is the first position',
      },
    ]);
    const [unmasked] = outputs(hidden).columns;
    expect(unmasked).toMatchObject({ name: 'last_hidden_state', expression: 'last_hidden_state' });
  });

  it('are those of the first token where a model of texts has no mask', () => {
    const ids = tensor('input_ids', 'int64', ['N', 'seq']);
    const values = [
      tensor('hidden', 'float32', ['N', 'seq', 384]),
      tensor('scores', 'float32', ['N', 'seq']),
      tensor('pooled', 'float32', ['N', 'dim']),
    ];
    expect(guessOutputs(model([ids], {}, values), []).columns.map(({ expression }) => expression)).toEqual([
      'cls(hidden)',
      'scores[0]',
      'pooled',
    ]);
  });

  it('leave out what cannot be written, and say so', () => {
    const { columns, comments } = outputs({ kind: 'other', name: 'pieces', type: 'seq(tensor(float))' });
    expect({ columns, comments }).toEqual({
      columns: [],
      comments: ['The output pieces is seq(tensor(float)), which cannot be written.'],
    });
  });
});
