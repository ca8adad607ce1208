import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import type { ModelSignature, ValueSignature } from '../../src/model/contract.ts';
import {
  type OutputStep,
  outputExpressionText,
  parseOutputExpression,
  resolveOutputColumns,
} from '../../src/model/output-expression.ts';

function errorOf(action: () => unknown): AppError {
  try {
    action();
  } catch (error) {
    if (error instanceof AppError && error.code === 'MODEL_OUTPUT_MISMATCH') return error;
    throw error;
  }
  throw new Error('expected MODEL_OUTPUT_MISMATCH');
}

const index = (place: number): OutputStep => ({ type: 'index', index: place });

describe('parseOutputExpression', () => {
  it.each<[string, string, readonly OutputStep[]]>([
    ['probability', 'probability', []],
    ['probability[1]', 'probability', [index(1)]],
    [' scores [ 0 ] [ 12 ] ', 'scores', [index(0), index(12)]],
    ['argmax(scores)', 'scores', [{ type: 'argmax' }]],
    ['max(scores)', 'scores', [{ type: 'max' }]],
    ['softmax( scores )', 'scores', [{ type: 'softmax' }]],
    ['softmax(scores)[1]', 'scores', [{ type: 'softmax' }, index(1)]],
    ['argmax(scores[2])', 'scores', [index(2), { type: 'argmax' }]],
    ['StatefulPartitionedCall:0', 'StatefulPartitionedCall:0', []],
    ['/head/Gemm-out.1[3]', '/head/Gemm-out.1', [index(3)]],
    ['max', 'max', []],
    ['softmax[0]', 'softmax', [index(0)]],
    ['495', '495', []],
    ['"a name(1)"[0]', 'a name(1)', [index(0)]],
    ['argmax("say \\"no\\" \\\\")', 'say "no" \\', [{ type: 'argmax' }]],
  ])('reads %s', (text, source, steps) => {
    expect(parseOutputExpression(text)).toEqual({ source, steps });
  });

  it.each([
    ['', 1, /expected the name of an output, found the end/],
    ['scores[', 8, /expected a zero-based index, found the end/],
    ['scores[-1]', 8, /expected a zero-based index, found "-1\]"/],
    ['scores[1.5]', 9, /expected a "\]", found "\.5\]"/],
    ['scores[x]', 8, /expected a zero-based index/],
    ['scores[0', 9, /expected a "\]"/],
    ['scores]', 7, /expected a "\[" or the end/],
    ['scores other', 8, /expected a "\[" or the end, found "other"/],
    ['argmax()', 8, /expected the name of an output/],
    ['argmax(scores', 14, /expected a "\)", found the end/],
    ['mean(scores)', 1, /expected argmax, max, softmax before a "\("/],
    ['max(mean(scores))', 5, /expected argmax/],
    ['"scores', 1, /expected a name between double quotes/],
    ['""', 1, /expected a name between double quotes/],
    ['scores[12345678901]', 8, /expected a zero-based index/],
  ])('points at the character of %s that is wrong', (text, character, message) => {
    const error = errorOf(() => parseOutputExpression(text));
    expect(error.message).toContain(`output expression ${JSON.stringify(text)}, character ${character}:`);
    expect(error.message).toMatch(message);
    expect(error.details['position']).toBe(character - 1);
  });

  it('reads back whatever expression is written', () => {
    const step = fc.oneof(
      fc.nat(999).map(index),
      fc.constantFrom<OutputStep>({ type: 'argmax' }, { type: 'max' }, { type: 'softmax' }),
    );
    const expression = fc.record({ source: fc.string({ minLength: 1, unit: 'binary' }), steps: fc.array(step) });
    fc.assert(
      fc.property(expression, (value) => {
        expect(parseOutputExpression(outputExpressionText(value))).toEqual(value);
      }),
    );
  });
});

const outputs: readonly ValueSignature[] = [
  { kind: 'tensor', name: 'label', type: 'int64', shape: [1] },
  { kind: 'tensor', name: 'probability', type: 'float32', shape: ['N', 2] },
  { kind: 'tensor', name: 'boxes', type: 'float16', shape: [1, 'K', 4] },
  { kind: 'tensor', name: 'words', type: 'string', shape: ['', ''] },
  { kind: 'tensor', name: 'unsure', type: 'float64', shape: ['...'] },
  { kind: 'other', name: 'dictionaries', type: 'seq(map(int64,tensor(float)))' },
];
const signature: ModelSignature = { inputs: [], outputs };

function resolveOne(text: string) {
  return resolveOutputColumns({ columns: { column: text }, signature })[0];
}

describe('resolveOutputColumns', () => {
  it('makes each tensor output a column when none is named, in the order of the model', () => {
    const numbered: ValueSignature[] = ['495', 'b c', '12'].map((name) => ({
      kind: 'tensor',
      name,
      type: 'float32',
      shape: ['N'],
    }));
    const columns = resolveOutputColumns({ signature: { inputs: [], outputs: numbered } });
    expect(columns.map(({ name, source }) => [name, source])).toEqual([
      ['495', '495'],
      ['b c', 'b c'],
      ['12', '12'],
    ]);
    expect(resolveOutputColumns({ signature }).map(({ name }) => name)).not.toContain('dictionaries');
  });

  it.each([
    ['label', 'int64', 'int64', []],
    ['probability', 'float32', 'float32', [2]],
    ['probability[1]', 'float32', 'float32', []],
    ['argmax(probability)', 'float32', 'int64', []],
    ['softmax(probability)', 'float32', 'float32', [2]],
    ['boxes', 'float16', 'float16', ['K', 4]],
    ['boxes[7]', 'float16', 'float16', [4]],
    ['boxes[7][3]', 'float16', 'float16', []],
    ['max(boxes)', 'float16', 'float16', ['K']],
    ['softmax(boxes)[0]', 'float16', 'float32', [4]],
    ['words[9]', 'string', 'string', []],
    ['unsure[3]', 'float64', 'float64', ['...']],
    ['softmax(unsure)', 'float64', 'float64', ['...']],
  ] as const)('knows type and shape of %s', (text, sourceType, type, innerShape) => {
    expect(resolveOne(text)).toMatchObject({ name: 'column', sourceType, type, innerShape });
  });

  it.each([
    [
      'probabilty[1]',
      /no output "probabilty"/,
      /did you mean probability\? outputs that can be read: label int64\[1\]/,
    ],
    ['zzz', /no output "zzz"/, /^outputs that can be read: label .*, unsure float64\[\.\.\.\]$/],
    ['dictionaries', /seq\(map\(int64,tensor\(float\)\)\), which cannot be read/, /outputs that can be read/],
    ['probability[2]', /probability has 2 elements a row, counted from 0, so there is no \[2\]/, /float32\[N, 2\]/],
    ['boxes[0][4]', /boxes\[0\] has 4 elements/, /float16\[1, K, 4\]/],
    ['label[0]', /label has one value a row, so \[0\] has nothing to work on/, /int64\[1\]/],
    ['argmax(label)', /one value a row, so argmax/, /label/],
    ['softmax(probability[0])', /probability\[0\] has one value a row/, /probability/],
    ['max(words)', /holds strings, which have no max/, /words/],
    ['softmax(argmax(boxes))', /argmax\(boxes\) holds int64, and softmax needs floating-point/, /boxes/],
    ['probability[', /character 13/, /name\[0\]/],
  ])('refuses %s', (text, message, hint) => {
    const error = errorOf(() => resolveOne(text));
    expect(error.message).toMatch(message);
    expect(error.hint).toMatch(hint);
    expect(error.details['column']).toBe('column');
  });

  it('refuses a model without a tensor output, and a job without columns', () => {
    const others = outputs.filter(({ kind }) => kind === 'other');
    expect(errorOf(() => resolveOutputColumns({ signature: { inputs: [], outputs: others } })).message).toContain(
      'no tensor output',
    );
    expect(errorOf(() => resolveOutputColumns({ columns: {}, signature })).message).toContain('no output column');
  });
});
