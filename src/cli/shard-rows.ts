import type { ShardFate } from '../plan/explain-shards.ts';
import { countText } from './aligned.ts';

type Row = readonly [name: string, text: string];

/** More shards than this are only counted, by reason. */
const mostListed = 8;

/** How many shards would run and why, with a line for each where they are few and differ, or all are asked for. */
export function shardRows(shards: readonly ShardFate[], isVerbose: boolean): readonly Row[] {
  const counts = new Map<string, number>();
  for (const { reason } of shards) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const reasons = [...counts].map(([reason, count]) => (counts.size === 1 ? reason : `${countText(count)} ${reason}`));
  const toRun = shards.filter(({ willRun }) => willRun).length;
  const isListed = isVerbose || (counts.size > 1 && shards.length <= mostListed);
  return [
    ['to run', `${countText(toRun)} of ${countText(shards.length)}: ${reasons.join('; ')}`],
    ...(isListed ? shards.map(rowOf) : []),
  ];
}

function rowOf({ index, willRun, reason }: ShardFate): Row {
  return ['', `shard ${index}  ${willRun ? 'runs' : 'stays'}: ${reason}`];
}
