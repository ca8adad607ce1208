import { z } from 'zod';
import type { TokenizerJson } from './tokenizer-json.ts';

type Normalize = (text: string) => string;

const typed = z.looseObject({ type: z.string() });
const normalizers = z.looseObject({ normalizers: z.array(z.unknown()) });
const preTokenizers = z.looseObject({ pretokenizers: z.array(z.unknown()) });

/** See no farther than a character and the marks on it. */
const nearNormalizers = ['BertNormalizer', 'NFC', 'NFD', 'NFKC', 'NFKD', 'Lowercase', 'StripAccents', 'Precompiled'];
/** Runs of spaces: one between two letters is a run of its own. */
const nearReplaced = z.looseObject({
  type: z.literal('Replace'),
  pattern: z.union([z.strictObject({ Regex: z.enum([' {2,}', '\\s+']) }), z.strictObject({ String: z.literal(' ') })]),
});

/** Part a text before a space that stands between two letters. */
const cutting = z.union([
  z.looseObject({ type: z.enum(['BertPreTokenizer', 'Whitespace', 'WhitespaceSplit']) }),
  z.looseObject({ type: z.literal('ByteLevel'), use_regex: z.literal(true).default(true) }),
  z.looseObject({ type: z.literal('Metaspace'), split: z.literal(true).default(true) }),
  z.looseObject({
    type: z.literal('Split'),
    pattern: z.strictObject({
      Regex: z.enum([
        String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`,
        String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
        String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
      ]),
    }),
    behavior: z.literal('Isolated'),
  }),
]);
/** See neither spaces nor letters, or nothing but the word that they are given. */
const blind = z.union([
  z.looseObject({ type: z.enum(['Digits', 'Punctuation']) }),
  z.looseObject({ type: z.literal('ByteLevel'), use_regex: z.literal(false) }),
]);

/** Whether a text that is cut before a space between letters has on either side the tokens that it has whole. */
export function canCut(json: TokenizerJson, normalize: Normalize): boolean {
  const { normalizer, pre_tokenizer: preTokenizer, added_tokens: added } = json;
  return isNear(normalizer) && cuts(preTokenizer) && !added.some((token) => seesOver(token, normalize));
}

function isNear(json: unknown): boolean {
  if (json === null) return true;
  const { data: several } = normalizers.safeParse(json);
  if (several !== undefined) return several.normalizers.every(isNear);
  const { data: part } = typed.safeParse(json);
  return part !== undefined && (nearNormalizers.includes(part.type) || nearReplaced.safeParse(part).success);
}

function cuts(json: unknown): boolean {
  const { data: several } = preTokenizers.safeParse(json);
  if (several === undefined) return cutting.safeParse(json).success;
  const parts = several.pretokenizers;
  const first = parts.findIndex(cuts);
  return first !== -1 && parts.slice(0, first).every((part) => blind.safeParse(part).success);
}

/** Tokens with spaces in them, or which take the spaces after a letter with them. */
function seesOver({ content, rstrip }: TokenizerJson['added_tokens'][number], normalize: Normalize): boolean {
  return /\p{White_Space}/u.test(content + normalize(content)) || (rstrip && /\p{L}$/u.test(content));
}
