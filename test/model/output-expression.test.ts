import { describe, expect, it } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import type { ModelSignature, ValueSignature } from '../../src/model/contract.ts';
import { labelFiles, resolveOutputColumns } from '../../src/model/output-expression.ts';

function errorOf(action: () => unknown): AppError {
  try {
    action();
  } catch (error) {
    if (error instanceof AppError && error.code === 'MODEL_OUTPUT_MISMATCH') return error;
    throw error;
  }
  throw new Error('expected MODEL_OUTPUT_MISMATCH');
}

const outputs: readonly ValueSignature[] = [
  { kind: 'tensor', name: 'label', type: 'int64', shape: [1] },
  { kind: 'tensor', name: 'probability', type: 'float32', shape: ['N', 2] },
  { kind: 'tensor', name: 'boxes', type: 'float16', shape: [1, 'K', 4] },
  { kind: 'tensor', name: 'words', type: 'string', shape: ['', ''] },
  { kind: 'tensor', name: 'unsure', type: 'float64', shape: ['...'] },
  { kind: 'tensor', name: 'hidden', type: 'float32', shape: ['N', 'seq', 8] },
  { kind: 'tensor', name: 'layers', type: 'float16', shape: ['N', 2, 16, 8] },
  { kind: 'tensor', name: 'yes', type: 'bool', shape: ['N', 1] },
  { kind: 'other', name: 'dictionaries', type: 'seq(map(int64,tensor(float)))' },
];
const inputs: readonly ValueSignature[] = [
  { kind: 'tensor', name: 'attention_mask', type: 'int64', shape: ['N', 'seq'] },
  { kind: 'tensor', name: 'short mask', type: 'float32', shape: ['N', 9] },
  { kind: 'tensor', name: 'pixels', type: 'float32', shape: ['N', 3, 9, 9] },
  { kind: 'tensor', name: 'text', type: 'string', shape: ['N', 1] },
];
const signature: ModelSignature = { inputs, outputs };

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
    ['sigmoid(probability)', 'float32', 'float32', [2]],
    ['sigmoid(boxes)', 'float16', 'float32', ['K', 4]],
    ['round(unsure, 3)', 'float64', 'float64', ['...']],
    ['threshold(probability[1], 0.5)', 'float32', 'bool', []],
    ['threshold(label, 1)', 'int64', 'bool', []],
    ['topk(probability, 2)', 'float32', 'int64', [2]],
    ['topkValues(boxes, 3)', 'float16', 'float16', ['K', 3]],
    ['topk(unsure, 7)', 'float64', 'int64', ['...']],
    ['label(label, l.json)', 'int64', 'string', []],
    ['label(yes, l.json)', 'bool', 'string', [1]],
    ['label(topk(probability, 1), l.json)', 'float32', 'string', [1]],
    ['cls(hidden)', 'float32', 'float32', [8]],
    ['cls(boxes)', 'float16', 'float16', [4]],
    ['normalize(meanPool(hidden))', 'float32', 'float32', [8]],
    ['meanPool(layers[1])', 'float16', 'float32', [8]],
    ['meanPool(unsure)', 'float64', 'float64', ['...']],
    ['meanPool(hidden, "short mask")', 'float32', 'float32', [8]],
  ] as const)('knows type and shape of %s', (text, sourceType, type, innerShape) => {
    expect(resolveOne(text)).toMatchObject({ name: 'column', sourceType, type, innerShape });
  });

  it.each([
    [
      'probabilty[1]',
      /no output "probabilty"/,
      /did you mean probability\? outputs that can be read: label int64\[1\]/,
    ],
    ['zzz', /no output "zzz"/, /^outputs that can be read: label .*, unsure float64\[\.\.\.\], /],
    ['dictionaries', /seq\(map\(int64,tensor\(float\)\)\), which cannot be read/, /outputs that can be read/],
    ['probability[2]', /probability has 2 elements a row, counted from 0, so there is no \[2\]/, /float32\[N, 2\]/],
    ['boxes[0][4]', /boxes\[0\] has 4 elements/, /float16\[1, K, 4\]/],
    ['label[0]', /label has one value a row, so \[0\] has nothing to work on/, /int64\[1\]/],
    ['argmax(label)', /one value a row, so argmax/, /label/],
    ['softmax(probability[0])', /probability\[0\] has one value a row/, /probability/],
    ['max(words)', /holds strings, which have no max/, /words/],
    ['softmax(argmax(boxes))', /argmax\(boxes\) holds int64, and softmax needs floating-point/, /boxes/],
    ['probability[', /character 13/, /name\[0\]/],
    ['sigmoid(label)', /^label holds int64, and sigmoid needs floating-point numbers/, /label/],
    ['round(argmax(probability), 2)', /argmax\(probability\) holds int64, and round needs/, /probability/],
    ['threshold(words, 1)', /words holds string, and threshold needs numbers/, /words/],
    ['threshold(yes, 1)', /yes holds bool/, /yes/],
    ['topk(probability, 3)', /probability has 2 elements, so there are no greatest 3/, /float32\[N, 2\]/],
    ['topk(label, 1)', /label has one value a row, so topk has nothing to work on/, /label/],
    ['normalize(label)', /label has one value a row, so normalize/, /label/],
    ['label(probability[1], l.json)', /probability\[1\] holds float32, and label needs whole numbers/, /argmax\(…\)/],
    ['label(words, l.json)', /words holds string, and label needs whole numbers/, /words/],
    ['cls(probability)', /probability has \[2\] a row, and cls needs \[positions, values\]/, /probability/],
    ['meanPool(label)', /label has one value a row, and meanPool needs/, /label/],
    ['meanPool(layers)', /layers has \[2, 16, 8\] a row, and meanPool needs/, /layers/],
    [
      'meanPool(hidden, mask)',
      /hidden cannot be pooled: the model has no input mask/,
      /inputs: attention_mask, "short/,
    ],
    ['meanPool(hidden, text)', /the mask text holds string/, /name the input/],
    [
      'meanPool(hidden, pixels)',
      /hidden has \[seq, 8\] a row, which the mask pixels \[N, 3, 9, 9\] does/,
      /name the input/,
    ],
    [
      'meanPool(layers[0], "short mask")',
      /layers\[0\] has \[16, 8\] a row, which the mask "short mask" \[N, 9\]/,
      /name/,
    ],
  ])('refuses %s', (text, message, hint) => {
    const error = errorOf(() => resolveOne(text));
    expect(error.message).toMatch(message);
    expect(error.hint).toMatch(hint);
    expect(error.details['column']).toBe('column');
  });

  it.each([
    ['softmax(probabilty)', 8],
    ['round(softmax( label ), 2)', 6],
    ['probability[ 7 ]', 13],
    ['topk(probability,  3)', 19],
    ['max(meanPool(hidden, mask))', 21],
    ['meanPool(hidden,pixels)', 16],
    ['max(cls(probability))', 4],
  ])('points at the place in %s that is wrong', (text, position) => {
    expect(errorOf(() => resolveOne(text)).details).toMatchObject({ text, position });
  });

  it('tells of a missing mask by the inputs that there are, also where there is none', () => {
    const bare: ModelSignature = { inputs: [], outputs };
    const error = errorOf(() => resolveOutputColumns({ columns: { e: 'meanPool(hidden)' }, signature: bare }));
    expect(error.message).toBe('hidden cannot be pooled: the model has no input attention_mask for a mask');
    expect(error.hint).toMatch(/meanPool\(…, NAME\); the model's inputs: none$/);
  });

  it('refuses a model without a tensor output, and a job without columns', () => {
    const others = outputs.filter(({ kind }) => kind === 'other');
    expect(errorOf(() => resolveOutputColumns({ signature: { inputs: [], outputs: others } })).message).toContain(
      'no tensor output',
    );
    expect(errorOf(() => resolveOutputColumns({ columns: {}, signature })).message).toContain('no output column');
  });
});

describe('labelFiles', () => {
  it('names each file once, with the column and the place that name it first', () => {
    const columns = {
      a: 'max(y)',
      b: 'label( argmax(y), l.json )',
      c: 'label(topk(y, 2), l.json)',
      d: 'label(y,"a b")',
    };
    expect(labelFiles(columns)).toEqual([
      { column: 'b', file: 'l.json', position: 18, text: columns.b },
      { column: 'd', file: 'a b', position: 8, text: columns.d },
    ]);
  });

  it('says which column it cannot read', () => {
    expect(errorOf(() => labelFiles({ a: 'y', b: 'label(y)' })).details).toMatchObject({ column: 'b', position: 7 });
  });
});
