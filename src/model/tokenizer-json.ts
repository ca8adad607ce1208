import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { z } from 'zod';
import { AppError, messageOf } from '../core/errors.ts';
import { systemCode } from '../core/files.ts';

/** The largest that are published have some 35 MB. */
const bytesAtMost = 256 * 2 ** 20;

const side = z.enum(['Left', 'Right']).default('Right');
const count = z.int().nonnegative();

/** What is read here; all of it is read by the library. */
const tokenizerSchema = z.looseObject({
  // The type is left out by files of before 2021.
  model: z.looseObject({ type: z.string().optional(), dropout: z.number().nullish() }),
  normalizer: z.unknown().default(null),
  pre_tokenizer: z.unknown().default(null),
  added_tokens: z.array(z.looseObject({ content: z.string(), rstrip: z.boolean().default(false) })).default([]),
  truncation: z.looseObject({ max_length: count, direction: side }).nullish(),
  padding: z.looseObject({ direction: side, pad_id: count.default(0), pad_type_id: count.default(0) }).nullish(),
});
export type TokenizerJson = z.output<typeof tokenizerSchema>;

export interface TokenizerText {
  readonly text: string;
  readonly json: TokenizerJson;
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** @throws AppError TOKENIZER_NOT_FOUND, TOKENIZER_INVALID */
export async function readTokenizerJson(path: string): Promise<TokenizerText> {
  const { size, isFile } = await stat(path).then(
    (info) => ({ size: info.size, isFile: info.isFile() }),
    (error: unknown) => Promise.reject(notFound(path, error)),
  );
  if (!isFile) {
    throw new AppError('TOKENIZER_NOT_FOUND', `tokenizer ${path} is not a file`, { hint: 'name its tokenizer.json' });
  }
  if (size > bytesAtMost)
    throw invalidTokenizer(path, `it has ${size} bytes, and more than ${bytesAtMost} are no tokenizer`);
  const bytes = await readFile(path).catch((error: unknown) => Promise.reject(notFound(path, error)));
  const text = bytes.toString('utf8');
  const parsed = tokenizerSchema.safeParse(parseJson(path, text));
  if (!parsed.success) {
    const [key, ...more] = parsed.error.issues[0]?.path ?? [];
    const problem =
      key === undefined || (key === 'model' && more.length === 0)
        ? 'it is JSON without a `model`, in which a tokenizer has its vocabulary'
        : `its ${[key, ...more].join('.')} is not what a tokenizer has there`;
    throw invalidTokenizer(path, problem);
  }
  if ((parsed.data.model.dropout ?? 0) > 0)
    throw invalidTokenizer(path, 'model.dropout: it would give other tokens each time; set it to null');
  return { text, json: parsed.data, sha256: createHash('sha256').update(bytes).digest('hex'), sizeBytes: bytes.length };
}

/** What makes tokens of words. */
export function modelKind({ model }: TokenizerJson): string {
  if (model.type !== undefined) return model.type;
  if ('merges' in model) return 'BPE';
  if ('continuing_subword_prefix' in model) return 'WordPiece';
  return Array.isArray(model['vocab']) ? 'Unigram' : 'WordLevel';
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalidTokenizer(path, `it is no whole JSON: ${messageOf(error)}`);
  }
}

export function invalidTokenizer(path: string, problem: string): AppError {
  return new AppError('TOKENIZER_INVALID', `${path} is not a tokenizer: ${problem}`, {
    hint: 'name the tokenizer.json that was saved with the model, as save_pretrained writes it',
  });
}

function notFound(path: string, error: unknown): AppError {
  const problem = systemCode(error) === 'ENOENT' ? 'does not exist' : `cannot be read: ${messageOf(error)}`;
  return new AppError('TOKENIZER_NOT_FOUND', `tokenizer ${path} ${problem}`, {
    hint: 'check the path; relative paths start at the folder of the job spec',
    cause: error,
  });
}
