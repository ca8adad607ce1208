import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canCut } from '../../src/model/can-cut.ts';
import { beginningOf, endOf } from '../../src/model/cut-text.ts';
import { cutTokens } from '../../src/model/cut-tokens.ts';
import { loadTokenizers } from '../../src/model/load-tokenizers.ts';
import { TextTokenizer } from '../../src/model/tokenizer.ts';
import { readTokenizerJson } from '../../src/model/tokenizer-json.ts';
import { root } from '../e2e/nightshift.ts';
import { cpuSeconds } from '../house/cpu-seconds.ts';
import { readOf } from './tokens.ts';

const words = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom('the', 'state', 'of', 'ΟΔΟΣ', 'Größe', 'город', '東京', 'カガ', '각', 'שלום'),
  },
  { weight: 3, arbitrary: fc.string({ unit: 'binary', maxLength: 6 }) },
  fc.constantFrom('<mask>', '<extra>', '</s>', "it's", '1234', '▁', 'e\u0301', '\ufb01', '🧑\u200d🚀', '\ud83d'),
);
const between = fc.oneof(
  { weight: 9, arbitrary: fc.constant(' ') },
  fc.constantFrom('', '  ', '\n', '\r\n ', '\u00a0', ' \u0301', '\u3000'),
);
/** Longer than what is read of them at first, or not. */
const texts = fc.array(fc.tuple(words, between), { maxLength: 120, size: 'max' }).map((parts) => parts.flat().join(''));
const rows = fc.oneof(fc.array(fc.tuple(texts), { maxLength: 5 }), fc.array(fc.tuple(texts, texts), { maxLength: 5 }));

describe('the beginning and the end of a text', () => {
  it('are of the text, as long as asked for, and end at a space between two letters', () => {
    fc.assert(
      fc.property(texts, fc.nat(1000), (text, least) => {
        const [start, end] = [beginningOf(text, least), endOf(text, least)];
        expect(text.startsWith(start) && text.endsWith(end)).toBe(true);
        expect(Math.min(start.length, end.length)).toBeGreaterThanOrEqual(Math.min(least, text.length));
        const rest = text.slice(start.length);
        if (rest !== '') expect(`${start.at(-1)}${rest.slice(0, 2)}`).toMatch(/^\p{L} \p{L}$/u);
        if (end !== text) expect(`${text.at(-end.length - 1)}${end.slice(0, 2)}`).toMatch(/^\p{L} \p{L}$/u);
      }),
    );
  });

  it.each([
    ['the state of being', 5, 'the state', ' being'],
    ['the state of being', 0, 'the', ' being'],
    ['the state of being', 18, 'the state of being', 'the state of being'],
    ['1 2 3 4 5 6', 2, '1 2 3 4 5 6', '1 2 3 4 5 6'],
    ['a, b, c, d', 2, 'a, b, c, d', 'a, b, c, d'],
    ['a  b\nc', 1, 'a  b\nc', 'a  b\nc'],
  ])('of %j, %i characters at least', (text, least, start, end) => {
    expect([beginningOf(text, least), endOf(text, least)]).toEqual([start, end]);
  });
});

const names = ['roberta', 'gpt', 'xlm', 'llama', 'clip', 'words'];
const paths = new Map(names.map((name) => [name, join(root, `fixtures/tokenizers/${name}.json`)]));
paths.set('bert', join(root, 'fixtures/models/tiny-bert/tokenizer.json'));

describe.each([...paths])('%s', (_name, path) => {
  it.each(['Right', 'Left'] as const)(
    'gives tokens of cut texts and pairs that are those of whole ones: truncated %s',
    async (direction) => {
      const written = JSON.parse(await readFile(path, 'utf8'));
      const truncation = { direction, max_length: 64, strategy: 'LongestFirst', stride: 0 };
      const read = await readOf({ ...written, truncation });
      const { Tokenizer } = await loadTokenizers();
      const whole = Tokenizer.fromString(JSON.stringify({ ...written, truncation: null, padding: null }));
      const lengths = [5, 6, 16, 65];
      const cut = await TextTokenizer.open('it', read);
      await fc.assert(
        fc.asyncProperty(rows, fc.constantFrom(...lengths), async (given, maxLength) => {
          const encodings = await Promise.all(given.map(([text = '', pair]) => whole.encode(text, pair)));
          const expected = encodings.map((each, row) => {
            const isPart = given[row]?.map(() => false) ?? [];
            return cutTokens(each, { maxLength, isLeft: direction === 'Left', isPart });
          });
          expect(await cut.encode(given, maxLength)).toEqual(expected);
        }),
        { numRuns: 60 },
      );
    },
  );
});

describe('texts are cut', () => {
  const space = { content: '<a b>', rstrip: false };
  const word = { content: 'ab', rstrip: true };
  it.each([
    ['bert', {}, true],
    ['roberta', {}, true],
    ['gpt', {}, true],
    ['xlm', {}, true],
    ['clip', {}, false],
    ['words', {}, false],
    ['llama', {}, false],
    ['bert', { added_tokens: [space] }, false],
    ['bert', { added_tokens: [word] }, false],
    ['roberta', { pre_tokenizer: { type: 'ByteLevel', use_regex: false } }, false],
    ['roberta', { normalizer: { type: 'Strip' } }, false],
  ])('where nothing of the tokenizer sees over a space between letters: %s with %j', async (name, more, expected) => {
    const written = JSON.parse(await readFile(paths.get(name) ?? '', 'utf8'));
    expect(canCut((await readOf({ ...written, ...more })).json, (text) => text)).toBe(expected);
  });

  it('so that a text of ten million characters costs no more than what is kept of it', async () => {
    const path = paths.get('bert') ?? '';
    const tokenizer = await TextTokenizer.open(path, await readTokenizerJson(path));
    const long = 'the state of being '.repeat(500_000);
    const before = cpuSeconds();
    const [row] = await tokenizer.encode([[long]], 64);
    expect(cpuSeconds() - before).toBeLessThan(0.5);
    expect(row?.ids).toHaveLength(64);
  });
});
