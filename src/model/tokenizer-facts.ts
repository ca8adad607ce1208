import { z } from 'zod';
import { tokenizersVersion } from './load-tokenizers.ts';
import { TextTokenizer } from './tokenizer.ts';
import { readTokenizerJson } from './tokenizer-json.ts';

const count = z.int().nonnegative();

/** What only the library knows of a tokenizer. */
export const tokenizerFactsSchema = z.object({
  vocabularySize: count,
  library: z.string(),
  specialTokens: z.object({ single: count, pair: count }),
});
type TokenizerFacts = z.output<typeof tokenizerFactsSchema>;

/** @throws AppError TOKENIZER_NOT_FOUND, TOKENIZER_INVALID, TOKENIZERS_UNAVAILABLE */
export async function tokenizerFacts(path: string): Promise<TokenizerFacts> {
  const tokenizer = await TextTokenizer.open(path, await readTokenizerJson(path));
  const { vocabularySize } = tokenizer;
  return { vocabularySize, library: tokenizersVersion(), specialTokens: await tokenizer.specialTokens() };
}
