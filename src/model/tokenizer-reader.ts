import { execFile } from 'node:child_process';
import { z } from 'zod';
import { AppError, isErrorCode } from '../core/errors.ts';
import { parseJson } from '../core/parse-json.ts';
import type { TokenizerFile, TokenizerReader } from './contract.ts';
import { tokenizerFactsSchema } from './tokenizer-facts.ts';
import { invalidTokenizer, modelKind, readTokenizerJson } from './tokenizer-json.ts';

export interface TokenizerReaderOptions {
  /** Absolute path of what loads native libraries in a process of its own. */
  readonly entry: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

const answerSchema = z.union([
  tokenizerFactsSchema,
  z.object({ error: z.string(), code: z.string().optional(), hint: z.string().optional() }),
]);

export function newTokenizerReader(options: TokenizerReaderOptions): TokenizerReader {
  return { read: (path) => readTokenizer(path, options) };
}

async function readTokenizer(path: string, options: TokenizerReaderOptions): Promise<TokenizerFile> {
  const { json, sha256, sizeBytes } = await readTokenizerJson(path);
  const facts = await factsOf(path, options);
  return { path, sha256, sizeBytes, kind: modelKind(json), maxLength: json.truncation?.max_length, ...facts };
}

/** The library ends its process over some damaged files, so that it is not asked in this one. */
function factsOf(path: string, { entry, env }: TokenizerReaderOptions): Promise<z.output<typeof tokenizerFactsSchema>> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [entry, 'tokenizer', path], { env: { ...env } }, (failure, stdout, stderr) => {
      const answer = answerSchema.safeParse(parseJson(stdout)).data;
      if (answer === undefined) return reject(invalidTokenizer(path, crashText(stderr) ?? failure?.message ?? stdout));
      if ('vocabularySize' in answer) return resolve(answer);
      const { error, code = '', hint } = answer;
      if (!isErrorCode(code)) return reject(new Error(error));
      return reject(new AppError(code, error, hint === undefined ? {} : { hint }));
    });
  });
}

/** The line after the one that says where in the library it was. */
function crashText(stderr: string): string | undefined {
  return /panicked at .*\n(.*)/.exec(stderr)?.[1];
}
