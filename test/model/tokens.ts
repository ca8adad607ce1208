import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { TextEncoding } from '../../src/model/contract.ts';
import type { Prepared } from '../../src/model/preparer.ts';
import { openTextPreparer } from '../../src/model/text-preparer.ts';
import { readTokenizerJson, type TokenizerText } from '../../src/model/tokenizer-json.ts';
import { root, temporaryFolder } from '../e2e/nightshift.ts';

export const tokenizerPath = join(root, 'fixtures/models/tiny-bert/tokenizer.json');
export const shaOf = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');

const ids = z.array(z.number());
/** What Python's tokenizers makes of the fixture's texts. */
export const goldenIds = z
  .object({
    edges: z.array(
      z.object({
        text: z.union([z.string(), z.object({ repeat: z.string(), times: z.number() })]),
        ids: z.union([ids, z.object({ length: z.number(), start: ids, end: ids, sum: z.number() })]),
      }),
    ),
    glosses: z.array(ids),
    pairs: z.array(z.object({ ids, types: ids })),
    truncated: z.record(z.string(), z.array(ids)),
  })
  .parse(JSON.parse(readFileSync(join(root, 'fixtures/golden/tiny-bert-ids.json'), 'utf8')));

const usual: TextEncoding = {
  tokenizer: { path: tokenizerPath, sha256: shaOf(tokenizerPath) },
  maxLength: 1_000_000,
  truncation: true,
  ids: { name: 'input_ids', element: 'int64' },
  mask: { name: 'attention_mask', element: 'int64' },
  types: { name: 'token_type_ids', element: 'int64' },
};

/** The texts, or pairs, as a preparer takes them. */
export async function prepareTexts(
  columns: readonly (readonly string[])[],
  encoding: Partial<TextEncoding> = {},
): Promise<Prepared> {
  const preparer = await openTextPreparer({ ...usual, ...encoding });
  return preparer.prepare({ rowCount: columns[0]?.length ?? 0, values: columns });
}

/** What is fed for some rows, as plain numbers. */
export function fed(prepared: Prepared, rows: readonly number[], input = 'input_ids'): readonly (readonly number[])[] {
  const tensor = prepared.feeds(rows)[input];
  if (tensor === undefined || tensor.data.length === 0) return rows.map(() => []);
  const [, width = 0] = tensor.dims;
  const values = Array.from(tensor.data, Number);
  return rows.map((_, at) => values.slice(at * width, (at + 1) * width));
}

/** A tokenizer.json that is written as told. */
export async function readOf(json: object): Promise<TokenizerText> {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'tokenizer.json');
  await writeFile(path, JSON.stringify(json));
  return await readTokenizerJson(path);
}

/** The tokenizer.json of a fixture, to be changed. */
export async function fixtureTokenizer(name: string) {
  return JSON.parse(await readFile(join(root, `fixtures/tokenizers/${name}.json`), 'utf8'));
}
