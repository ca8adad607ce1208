import type { Commit } from './commit.ts';

export type Timings = Commit['timings'];

/** Seconds of all shards, as if one worker had been at them. */
export function sumTimings(commits: Iterable<Pick<Commit, 'timings'>>): Timings {
  const sum = { total: 0, session: 0, pack: 0, read: 0, write: 0 };
  for (const { timings } of commits) {
    sum.total += timings.total;
    sum.session += timings.session;
    sum.pack += timings.pack ?? 0;
    sum.read += timings.read;
    sum.write += timings.write;
  }
  return sum;
}

/** Shares of the whole, the largest first, by the names that people know them by. */
export function timingShares(timings: Timings): readonly { readonly name: string; readonly share: number }[] {
  const { total, session, pack = 0, read, write } = timings;
  if (total <= 0) return [];
  const named = [
    ['ONNX Runtime', session],
    ['reading', read],
    ['packing', pack],
    ['writing', write],
  ] as const;
  return named.map(([name, seconds]) => ({ name, share: seconds / total })).sort((a, b) => b.share - a.share);
}
