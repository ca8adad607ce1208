import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { readTokenizerJson } from '../../src/model/tokenizer-json.ts';
import { root, sql } from '../e2e/nightshift.ts';
import { fed, prepareTexts, shaOf } from './tokens.ts';

const numbers = z.array(z.number());
const rows = z.array(z.object({ ids: numbers, mask: numbers, types: numbers }));
const golden = z
  .object({
    edges: z.array(z.union([z.string(), z.object({ repeat: z.string(), times: z.number() })])),
    tokenizers: z.record(
      z.string(),
      z.object({
        glosses: z.array(numbers),
        edges: z.array(
          z.union([numbers, z.object({ length: z.number(), start: numbers, end: numbers, sum: z.number() })]),
        ),
        pairs: rows,
        batch: rows,
        pairBatch: rows,
      }),
    ),
  })
  .parse(JSON.parse(await readFile(join(root, 'fixtures/golden/tokenizers.json'), 'utf8')));

const table = await sql(
  `SELECT word, gloss FROM read_parquet('${join(root, 'fixtures/glosses/glosses.parquet')}') WHERE id % 10 = 0 ORDER BY id`,
);
const [words, glosses] = [table.map((row) => String(row['word'])), table.map((row) => String(row['gloss']))];
const edges = golden.edges.map((text) => (typeof text === 'string' ? text : text.repeat.repeat(text.times)));
const firsts = [...words.slice(0, 20), ...glosses.slice(0, 20), 'a', '', ''];
const seconds = [...glosses.slice(0, 20), ...glosses.slice(1, 21), '', 'b', ''];

describe.each(Object.entries(golden.tokenizers))('%s gives what Python gives', (name, expected) => {
  const path = join(root, `fixtures/tokenizers/${name}.json`);
  const tokenizer = { path, sha256: shaOf(path) };
  const inputs = ['input_ids', 'attention_mask', 'token_type_ids'] as const;

  it('of glosses, one by one', async () => {
    const prepared = await prepareTexts([glosses], { tokenizer });
    expect(glosses.flatMap((_, row) => fed(prepared, [row]))).toEqual(expected.glosses);
  });

  it.each(edges.map((text, row) => ({ row, text: JSON.stringify(text).slice(0, 60) })))('of $text', async ({ row }) => {
    const [ids = []] = fed(await prepareTexts([[edges[row] ?? '']], { tokenizer }), [0]);
    const wanted = expected.edges[row];
    const sum = ids.reduce((all, id) => all + id, 0);
    if (Array.isArray(wanted)) expect(ids).toEqual(wanted);
    else expect({ length: ids.length, start: ids.slice(0, 20), end: ids.slice(-20), sum }).toEqual(wanted);
  });

  it('of pairs, with the types of each token', async () => {
    const prepared = await prepareTexts([firsts, seconds], { tokenizer });
    const made = firsts.map((_, row) => inputs.map((input) => fed(prepared, [row], input)[0] ?? []));
    expect(made).toEqual(expected.pairs.map(({ ids, mask, types }) => [ids, mask, types]));
  });

  it.each([
    ['texts', [[...edges, ...glosses.slice(0, 10)]], expected.batch],
    ['pairs', [firsts, seconds], expected.pairBatch],
  ] as const)('of %s that are cut and padded as it says', async (_what, columns, batch) => {
    const { json } = await readTokenizerJson(path);
    const maxLength = json.truncation?.max_length ?? 64;
    const strategy = z.object({ strategy: z.object({ Fixed: z.number() }) }).safeParse(json.padding);
    const fixedLength = strategy.data?.strategy.Fixed;
    const prepared = await prepareTexts(columns, { tokenizer, maxLength, fixedLength });
    const all = columns[0].map((_, row) => row);
    const made = inputs.map((input) => fed(prepared, all, input));
    expect(made[0]).toEqual(batch.map(({ ids }) => ids));
    expect(made[1]).toEqual(batch.map(({ mask }) => mask));
    expect(made[2]).toEqual(batch.map(({ types }) => types));
  });
});
