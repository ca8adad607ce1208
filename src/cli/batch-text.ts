import type { BatchSize } from '../plan/batch-size.ts';
import { pluralText } from './aligned.ts';

/** `256 rows`, or of texts `16,384 tokens, 4,096 rows at most`. */
export function batchText({ batchRows, batchTokens }: BatchSize): string {
  if (batchTokens === undefined) return pluralText(batchRows, 'row');
  return `${pluralText(batchTokens, 'token')}, ${pluralText(batchRows, 'row')} at most`;
}
