import { describe, expect, it } from 'vitest';
import type { ValueSignature } from '../../src/model/contract.ts';
import { planRun } from '../../src/plan/plan-run.ts';
import { planInput, tensor } from './plan-input.ts';

const library = 'tokenizers 0.1';
const tokenizer = {
  ...{ path: '/t.json', sha256: 'abc', sizeBytes: 1, kind: 'BPE', vocabularySize: 9, library, maxLength: undefined },
  specialTokens: { single: 2, pair: 3 },
};

interface Case {
  readonly outputs: readonly ValueSignature[];
  readonly columns?: Readonly<Record<string, string>>;
  /** Name of the dimension with the tokens. */
  readonly axis?: string | number;
  readonly inputs?: readonly string[];
  readonly text?: object;
}

function planned({ outputs, columns, axis = 'seq', inputs = ['input_ids', 'attention_mask'], text = {} }: Case) {
  const job = {
    features: { text: { column: 'a', tokenizer: 't.json', ...text } },
    output: { path: 'out', ...(columns === undefined ? {} : { columns }) },
  };
  const signatures = inputs.map((name) => tensor(name, 'int64', ['batch', axis]));
  const input = planInput({ job, columns: { a: 'VARCHAR' }, inputs: signatures, outputs });
  return () => planRun({ ...input, tokenizers: new Map([['text', tokenizer]]) });
}

const hidden = tensor('hidden', 'float32', ['batch', 'seq', 384]);
const pooler = tensor('pooler', 'float32', ['batch', 384]);
const padding = 'pad all texts to one length with padding: maxLength';

describe('an output column with a value for each token', () => {
  it.each<Case & { what: string; message: string; hint: string }>([
    {
      what: 'as it is',
      outputs: [hidden],
      columns: { y: 'hidden' },
      message: 'output.columns.y: hidden has [seq, 384] a row, which is as long as each text',
      hint: `reduce it to one vector a text: meanPool(hidden) or cls(hidden), or ${padding}`,
    },
    {
      what: 'reduced over its last dimension',
      outputs: [hidden],
      columns: { z: 'cls(hidden)', y: 'argmax(hidden)' },
      message: 'output.columns.y: argmax(hidden) has [seq] a row, which is as long as each text',
      hint: `reduce it to one vector a text: meanPool(hidden) or cls(hidden), or ${padding}`,
    },
    {
      what: 'that the job does not name',
      outputs: [hidden, pooler],
      message: 'output: hidden has [seq, 384] a row, which is as long as each text',
      hint: 'reduce it to one vector a text: output: { path: …, columns: { hidden: meanPool(hidden), pooler: pooler } }',
    },
    {
      what: 'of a model without a mask',
      outputs: [hidden],
      inputs: ['input_ids'],
      message: 'output: hidden has [seq, 384] a row, which is as long as each text',
      hint: 'reduce it to one vector a text: output: { path: …, columns: { hidden: cls(hidden) } }',
    },
    {
      what: 'that is one number',
      outputs: [tensor('scores', 'float32', ['batch', 'seq'])],
      columns: { y: 'scores' },
      message: 'output.columns.y: scores has [seq] a row, which is as long as each text',
      hint: padding,
    },
    {
      what: 'whose dimensions have no names',
      axis: '',
      outputs: [tensor('hidden', 'float32', ['', '', 384])],
      columns: { y: 'hidden' },
      message: 'output.columns.y: hidden has [positions, 384] a row, which is as long as each text',
      hint: `reduce it to one vector a text: meanPool(hidden) or cls(hidden), or ${padding}`,
    },
  ])('is refused: $what', ({ message, hint, ...one }) => {
    expect(planned(one)).toThrow(expect.objectContaining({ code: 'MODEL_OUTPUT_MISMATCH', message, hint }));
  });

  it.each<Case & { what: string }>([
    { what: 'the mean', outputs: [hidden], columns: { y: 'meanPool(hidden)' } },
    { what: 'the first token', outputs: [hidden], columns: { y: 'cls(hidden)', z: 'hidden[0]' } },
    { what: 'texts that are padded', outputs: [hidden], text: { padding: 'maxLength' } },
    { what: 'a model that fixes the length', outputs: [hidden], axis: 8 },
    { what: 'an open dimension of another name', outputs: [tensor('y', 'float32', ['batch', 'labels'])] },
    { what: 'an open dimension before others', outputs: [tensor('y', 'float32', ['batch', 'heads', 4])] },
    { what: 'an open dimension without a name', axis: '', outputs: [tensor('y', 'float32', ['', ''])] },
    { what: 'an unknown rank', outputs: [tensor('y', 'float32', ['...'])] },
  ])('is no problem: $what', (one) => {
    expect(planned(one)).not.toThrow();
  });
});
