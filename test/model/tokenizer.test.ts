import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { TextTokenizer } from '../../src/model/tokenizer.ts';
import { modelKind } from '../../src/model/tokenizer-json.ts';
import { fixtureTokenizer, readOf, tokenizerPath } from './tokens.ts';

const [roberta, xlm, words] = await Promise.all(['roberta', 'xlm', 'words'].map(fixtureTokenizer));
const bert = JSON.parse(await readFile(tokenizerPath, 'utf8'));

const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };

const open = async (json: object) => TextTokenizer.open('tokenizer.json', await readOf(json));

describe('what is no tokenizer is refused, in the words of the library', () => {
  it.each([
    ['another model', { ...roberta, model: { type: 'Other' } }, 'did not match any variant'],
    ['another normalizer', { ...roberta, normalizer: { type: 'Other' } }, 'NormalizerUntagged'],
    ['a merge of what is not there', { ...roberta, model: { ...roberta.model, merges: [['zz', 'q']] } }, 'zz'],
    ['an id that is none', { ...roberta, model: { ...roberta.model, vocab: { a: -1 } } }, 'integer `-1`'],
    ['no words', { ...words, model: { ...words.model, vocab: {} }, added_tokens: [] }, 'its vocabulary is empty'],
    [
      'merges that are dropped by chance',
      { ...roberta, model: { ...roberta.model, dropout: 0.1 } },
      'other tokens each',
    ],
  ])('%s', async (_what, json, message) => {
    await expect(open(json)).rejects.toMatchObject({
      code: 'TOKENIZER_INVALID',
      message: expect.stringContaining(message),
      hint: expect.stringContaining('save_pretrained'),
    });
  });
});

describe('what the plan tells of a tokenizer', () => {
  it.each([
    ['none', { ...roberta, post_processor: null }, { single: 0, pair: 0 }],
    ['those of RoBERTa', roberta, { single: 2, pair: 4 }],
    ['those of BERT', words, { single: 2, pair: 3 }],
    [
      'those of a sequence',
      { ...roberta, post_processor: { type: 'Sequence', processors: [byteLevel, roberta.post_processor] } },
      { single: 2, pair: 4 },
    ],
    [
      'one that stands for two, and one for none',
      {
        ...xlm,
        post_processor: {
          ...xlm.post_processor,
          special_tokens: {
            '<s>': { id: '<s>', ids: [0, 1], tokens: ['<s>', '<pad>'] },
            '</s>': { id: '</s>', ids: [], tokens: [] },
          },
        },
      },
      { single: 2, pair: 2 },
    ],
  ])('special tokens: %s', async (_what, json, expected) => {
    expect(await (await open(json)).specialTokens()).toEqual(expected);
  });

  it.each([
    ['BPE', roberta],
    ['Unigram', xlm],
    ['WordLevel', words],
    ['WordPiece', bert],
  ])('%s, also where an old file does not name it', async (kind, { model: { type: _type, ...model }, ...json }) => {
    const read = await readOf({ ...json, model });
    expect(modelKind(read.json)).toBe(kind);
    await expect(TextTokenizer.open('tokenizer.json', read)).resolves.toBeInstanceOf(TextTokenizer);
  });
});

it('a token that pads is known by its name where the file does not pad', async () => {
  const { padding } = await open({ ...roberta, padding: null });
  expect(padding).toEqual({ id: 1, type: 0, isLeft: false });
});
