import { createRequire } from 'node:module';
import { arch, platform } from 'node:process';
import { z } from 'zod';
import { AppError, messageOf } from '../core/errors.ts';

export type Tokenizers = typeof import('tokenizers');

const packageSchema = z.object({ version: z.string() });

/** Another version may make other tokens. */
export function tokenizersVersion(): string {
  return `tokenizers ${packageSchema.parse(createRequire(import.meta.url)('tokenizers/package.json')).version}`;
}

/**
 * The library of tokenizers, which only those who read texts load: it is native, and may be missing on a machine.
 * @throws AppError TOKENIZERS_UNAVAILABLE
 */
export function loadTokenizers(): Promise<Tokenizers> {
  return import('tokenizers').catch((error: unknown) => {
    throw new AppError('TOKENIZERS_UNAVAILABLE', `texts cannot be tokenized: ${messageOf(error).split('\n')[0]}`, {
      hint: `the package tokenizers needs its library for ${platform} ${arch}: install it again on this machine, npm ci; or tokenize beforehand, and score columns of ids`,
      cause: error,
    });
  });
}
