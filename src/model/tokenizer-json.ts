import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { z } from 'zod';
import { AppError, messageOf } from '../core/errors.ts';
import { systemCode } from '../core/files.ts';

/** The largest that are published have some 35 MB. */
const bytesAtMost = 256 * 2 ** 20;

const side = z.enum(['Left', 'Right']).default('Right');
const count = z.int().nonnegative();

/** What is read here; the rest is the tokenizer's own. */
const tokenizerSchema = z.looseObject({
  /** The library takes any other kind for one of an older library's files, and makes nothing of it. */
  model: z.looseObject({ type: z.enum(['WordPiece', 'BPE', 'Unigram']) }),
  normalizer: z.unknown().default(null),
  pre_tokenizer: z.unknown().default(null),
  post_processor: z.looseObject({ type: z.string() }).nullish(),
  added_tokens: z.array(z.looseObject({ id: count, content: z.string() })).default([]),
  truncation: z.looseObject({ max_length: count, direction: side }).nullish(),
  padding: z.looseObject({ direction: side, pad_id: count.default(0), pad_type_id: count.default(0) }).nullish(),
});
export type TokenizerJson = z.output<typeof tokenizerSchema>;

export interface TokenizerText {
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
  const parsed = tokenizerSchema.safeParse(parseJson(path, bytes));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalidTokenizer(path, `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
  }
  return { json: parsed.data, sha256: createHash('sha256').update(bytes).digest('hex'), sizeBytes: bytes.length };
}

function parseJson(path: string, bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw invalidTokenizer(path, messageOf(error));
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
