import type { Encoding } from 'tokenizers';
import { truncatedLengths } from './truncated-lengths.ts';

/** Of a row's text, or pair, with the special tokens around and between. */
export interface RowTokens {
  readonly ids: readonly number[];
  readonly types: readonly number[];
}

export interface TokenCut {
  readonly maxLength: number;
  /** Texts lose their beginning rather than their end. */
  readonly isLeft: boolean;
  /** Which of the texts were not read whole. */
  readonly isPart: readonly boolean[];
}

/**
 * The tokens of a row, as many as are kept, the special ones among them. The library truncates pairs in another way than
 * it does for Python: it makes both as long as each other before it looks which one is longer.
 * @returns undefined where more of the texts has to be read to know
 */
export function cutTokens(encoding: Encoding, { maxLength, isLeft, isPart }: TokenCut): RowTokens | undefined {
  const [length, isWhole] = [encoding.getLength(), !isPart.includes(true)];
  if (length <= maxLength && isWhole) return { ids: encoding.getIds(), types: encoding.getTypeIds() };
  // Special tokens are of no text.
  const texts = encoding.getSequenceIds();
  const counts = isPart.map((_, text) => texts.filter((each) => each === text).length);
  const room = maxLength - (length - counts.reduce((sum, count) => sum + count, 0));
  const kept = truncatedLengths(counts, room);
  // Of a pair the longer text gives first: one that keeps no less than the other is it, or both keep half.
  const isKnown = isPart.every((part, text) => !part || kept[text] === Math.max(...kept));
  if (!isWhole && (length < maxLength || !isKnown)) return undefined;
  const starts = counts.map((count, text) => (isLeft ? count - (kept[text] ?? 0) : 0));
  const seen = counts.map(() => 0);
  const stays = texts.map((text) => {
    if (typeof text !== 'number') return true;
    const at = (seen[text] ?? 0) - (starts[text] ?? 0);
    seen[text] = (seen[text] ?? 0) + 1;
    return at >= 0 && at < (kept[text] ?? 0);
  });
  const staying = (values: readonly number[]) => values.filter((_, at) => stays[at]);
  return { ids: staying(encoding.getIds()), types: staying(encoding.getTypeIds()) };
}
