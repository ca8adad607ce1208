import type { TokenizerFile, TokenizerReader } from './contract.ts';
import { readTokenizerJson } from './tokenizer-json.ts';

export function newTokenizerReader(): TokenizerReader {
  return { read: readTokenizer };
}

async function readTokenizer(path: string): Promise<TokenizerFile> {
  const { json, sha256, sizeBytes } = await readTokenizerJson(path);
  // Loaded by those who need it: most jobs have no text.
  const { TextTokenizer } = await import('./tokenizer.ts');
  const { vocabularySize, layouts } = new TextTokenizer(path, json);
  const specials = (layout: (typeof layouts)['single']) => layout.filter(({ id }) => id !== undefined).length;
  return {
    path,
    sha256,
    sizeBytes,
    kind: json.model.type,
    vocabularySize,
    maxLength: json.truncation?.max_length,
    specialTokens: { single: specials(layouts.single), pair: specials(layouts.pair) },
  };
}
