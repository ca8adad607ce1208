import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { newTokenizerReader } from '../../src/model/tokenizer-reader.ts';
import { root, temporaryFolder } from '../e2e/nightshift.ts';
import { fixtureTokenizer, shaOf, tokenizerPath } from './tokens.ts';

const entry = join(root, 'src/worker/probe.ts');
const reader = newTokenizerReader({ entry, env: process.env });
const xlm = await fixtureTokenizer('xlm');

async function read(json: object) {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'tokenizer.json');
  await writeFile(path, JSON.stringify(json));
  return await reader.read(path);
}

it('a tokenizer is known by its bytes, its kind and what the library knows of it', async () => {
  expect(await reader.read(tokenizerPath)).toMatchObject({
    path: tokenizerPath,
    sha256: shaOf(tokenizerPath),
    ...{
      kind: 'WordPiece',
      vocabularySize: 1500,
      library: expect.stringMatching(/^tokenizers \d+\.\d+\.\d+$/),
      maxLength: 128,
      specialTokens: { single: 2, pair: 3 },
    },
  });
});

describe('a tokenizer that the library cannot take is refused in its words', () => {
  it.each([
    ['says', { ...xlm, model: { type: 'Other' } }, 'did not match any variant'],
    [
      'says when it ends its process: a map that is cut off',
      { ...xlm, normalizer: { type: 'Precompiled', precompiled_charsmap: 'AAA' } },
      'Cannot parse precompiled_charsmap',
    ],
    [
      'says when it ends its process: a special token that is not there',
      { ...xlm, post_processor: { ...xlm.post_processor, special_tokens: {} } },
      'is not a tokenizer: ',
    ],
  ])('as it %s', async (_when, json, message) => {
    await expect(read(json)).rejects.toMatchObject({
      code: 'TOKENIZER_INVALID',
      message: expect.stringContaining(message),
    });
  });
});

it('is refused where the library is not there for the machine', async () => {
  const hook = `import{registerHooks}from'node:module';registerHooks({resolve(name,context,next){if(name==='tokenizers')throw new Error('none here');return next(name,context)}})`;
  const env = { ...process.env, NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(hook)}` };
  await expect(newTokenizerReader({ entry, env }).read(tokenizerPath)).rejects.toMatchObject({
    code: 'TOKENIZERS_UNAVAILABLE',
    message: 'texts cannot be tokenized: none here',
    hint: expect.stringContaining(`${process.platform} ${process.arch}`),
  });
});
