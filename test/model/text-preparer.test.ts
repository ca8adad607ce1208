import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root, sql, temporaryFolder } from '../e2e/nightshift.ts';
import { fed, goldenIds, prepareTexts, shaOf, tokenizerPath } from './tokens.ts';

const table = await sql(
  `SELECT word, gloss FROM read_parquet('${join(root, 'fixtures/glosses/glosses.parquet')}') ORDER BY id`,
);
const glosses = table.map((row) => String(row['gloss']));
const words = table.map((row) => String(row['word']));

describe('the ids of texts', () => {
  it("are those that Python's tokenizers makes of six hundred glosses", async () => {
    const prepared = await prepareTexts([glosses]);
    expect(glosses.flatMap((_, row) => fed(prepared, [row]))).toEqual(goldenIds.glosses);
    expect([...(prepared.lengths ?? [])]).toEqual(goldenIds.glosses.map((ids) => ids.length));
  });

  it.each(goldenIds.edges)("are Python's for $text", async ({ text, ids }) => {
    const [row = []] = fed(
      await prepareTexts([[typeof text === 'string' ? text : text.repeat.repeat(text.times)]]),
      [0],
    );
    if (Array.isArray(ids)) expect(row).toEqual(ids);
    else
      expect({
        length: row.length,
        start: row.slice(0, 20),
        end: row.slice(-20),
        sum: row.reduce((a, b) => a + b, 0),
      }).toEqual(ids);
  });

  it('are those of a replacement character where half a surrogate stands', async () => {
    const prepared = await prepareTexts([['a \ud83d b', 'a \ufffd b', '\udc00', '\ufffd']]);
    expect(fed(prepared, [0])).toEqual(fed(prepared, [1]));
    expect(fed(prepared, [2])).toEqual(fed(prepared, [3]));
  });

  it("are Python's for pairs, also where one text is empty, and tell the texts apart", async () => {
    const prepared = await prepareTexts([
      [...words.slice(0, 50), 'a', '', ''],
      [...glosses.slice(0, 50), '', 'b', ''],
    ]);
    const rows = goldenIds.pairs.map((_, row) => row);
    expect(rows.flatMap((row) => fed(prepared, [row]))).toEqual(goldenIds.pairs.map(({ ids }) => ids));
    expect(rows.flatMap((row) => fed(prepared, [row], 'token_type_ids'))).toEqual(
      goldenIds.pairs.map(({ types }) => types),
    );
  });

  it.each(Object.entries(goldenIds.truncated))("are Python's where pairs are cut to %s", async (how, expected) => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'tokenizer.json');
    const written = await readFile(tokenizerPath, 'utf8');
    const [length = '', side = ''] = how.split(' ');
    await writeFile(path, side === 'left' ? written.replace('"direction": "Right"', '"direction": "Left"') : written);
    const prepared = await prepareTexts(
      [
        [...words.slice(0, 50), ...glosses.slice(0, 50)],
        [...glosses.slice(0, 50), ...words.slice(0, 50)],
      ],
      { tokenizer: { path, sha256: shaOf(path) }, maxLength: Number(length) },
    );
    expect(expected.flatMap((_, row) => fed(prepared, [row]))).toEqual(expected);
  });
});

describe('what is fed', () => {
  it('is padded to the longest of its rows, in the order asked for, with a mask', async () => {
    const prepared = await prepareTexts([['of the', 'of', 'of the the the']]);
    expect(fed(prepared, [1, 2], 'attention_mask')).toEqual([
      [1, 1, 1, 0, 0, 0],
      [1, 1, 1, 1, 1, 1],
    ]);
    expect(fed(prepared, [1, 0]).map((row) => row.length)).toEqual([4, 4]);
    expect(prepared.feeds([1, 0])['input_ids']?.dims).toEqual([2, 4]);
  });

  it('has the length, the names and the type that the model fixes', async () => {
    const prepared = await prepareTexts([['of', 'of the of the']], {
      maxLength: 5,
      fixedLength: 5,
      ids: { name: 'tokens', element: 'int32' },
      mask: undefined,
      types: undefined,
    });
    const feeds = prepared.feeds([0, 1]);
    expect(Object.keys(feeds)).toEqual(['tokens']);
    expect(feeds['tokens']?.data).toBeInstanceOf(Int32Array);
    expect(fed(prepared, [0, 1], 'tokens').map((row) => row.slice(3))).toEqual([
      [0, 0],
      [fed(prepared, [1], 'tokens')[0]?.[1] === undefined ? -1 : expect.any(Number), 3],
    ]);
  });

  it('is padded on the left where tokenizer.json says so, with its id', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'tokenizer.json');
    const json = JSON.parse(await readFile(tokenizerPath, 'utf8'));
    await writeFile(path, JSON.stringify({ ...json, padding: { ...json.padding, direction: 'Left', pad_id: 4 } }));
    const prepared = await prepareTexts([['of', 'of the the']], { tokenizer: { path, sha256: shaOf(path) } });
    expect(fed(prepared, [0, 1])[0]?.slice(0, 3)).toEqual([4, 4, 2]);
    expect(fed(prepared, [0, 1], 'attention_mask')[0]).toEqual([0, 0, 1, 1, 1]);
  });

  it('is a template around the columns of a row', async () => {
    const texts = ['query: of in the', 'query: a in b'];
    const template = ['query: ', 1, ' in ', 0];
    const made = await prepareTexts(
      [
        ['the', 'b'],
        ['of', 'a'],
      ],
      { template },
    );
    expect(fed(made, [0, 1])).toEqual(fed(await prepareTexts([texts]), [0, 1]));
  });
});

describe('a text that cannot be taken', () => {
  it('is rejected where it is too long and may not be cut', async () => {
    const prepared = await prepareTexts([['of', 'of the of the']], { maxLength: 5, truncation: false });
    expect(prepared.rejects).toEqual([
      { row: 1, code: 'TEXT_TOO_LONG', message: 'the text has 6 tokens, more than 5' },
    ]);
  });

  it('is rejected where it has no tokens, not even special ones', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'tokenizer.json');
    const json = JSON.parse(await readFile(tokenizerPath, 'utf8'));
    await writeFile(path, JSON.stringify({ ...json, post_processor: null }));
    const prepared = await prepareTexts([['of', '', 'the']], { tokenizer: { path, sha256: shaOf(path) } });
    expect(prepared.rejects).toEqual([{ row: 1, code: 'TEXT_EMPTY', message: 'the text has no tokens' }]);
    expect(fed(prepared, [0])[0]).toHaveLength(1);
  });
});

it('a tokenizer that was replaced since the run was planned is refused', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'tokenizer.json');
  await copyFile(tokenizerPath, path);
  await expect(prepareTexts([['a']], { tokenizer: { path, sha256: 'other' } })).rejects.toMatchObject({
    code: 'INPUT_CHANGED',
  });
});
