import { expect, it } from 'vitest';
import { shardRows } from '../../src/cli/shard-rows.ts';

const shards = (reasons: readonly string[]) =>
  reasons.map((reason, index) => ({ index, willRun: reason !== 'done', reason }));
const texts = (reasons: readonly string[], isVerbose = false) =>
  shardRows(shards(reasons), isVerbose).map(([name, text]) => `${name}|${text}`);

it('counts shards by reason and lists them where they are few and differ', () => {
  expect(texts(['done', 'no commit', 'done'])).toEqual([
    'to run|1 of 3: 2 done; 1 no commit',
    '|shard 0  stays: done',
    '|shard 1  runs: no commit',
    '|shard 2  stays: done',
  ]);
});

it('lists shards that do not differ, or are many, only when it is asked to', () => {
  expect(texts(['no commit', 'no commit'])).toEqual(['to run|2 of 2: no commit']);
  expect(texts(['no commit', 'no commit'], true)).toHaveLength(3);
  const many = ['done', ...Array.from({ length: 1999 }, () => 'no commit')];
  expect(texts(many)).toEqual(['to run|1,999 of 2,000: 1 done; 1,999 no commit']);
  expect(texts(many, true)).toHaveLength(2001);
});
