import { closest, distance } from 'fastest-levenshtein';

/** The candidate that a mistyped word probably means; undefined when none is near enough to be worth naming. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const byLowerCase = new Map(candidates.map((candidate) => [candidate.toLowerCase(), candidate]));
  if (byLowerCase.size === 0) return undefined;
  const typed = word.toLowerCase();
  const found = closest(typed, [...byLowerCase.keys()]);
  const allowedEdits = Math.floor(Math.max(typed.length, found.length) / 3);
  return distance(typed, found) <= allowedEdits ? byLowerCase.get(found) : undefined;
}
