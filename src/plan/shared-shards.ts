import { canonicalJson, differInInput } from './fingerprint.ts';
import type { RunPlan, Shard } from './run-plan.ts';

/**
 * Shards of a plan that an earlier one has too: the same rows of files with the same content, scored the same way.
 * Whatever a file is called, and when it was written, is no matter, unless its folders are columns.
 * @returns by index in `plan`, the shard of `earlier`
 */
export function sharedShards(plan: RunPlan, earlier: RunPlan): ReadonlyMap<number, Shard> {
  const isSame =
    differInInput(earlier.identity, plan.identity) &&
    canonicalJson(readingOf(plan)) === canonicalJson(readingOf(earlier));
  if (!isSame) return new Map();
  const known = new Map<string, Shard>();
  for (const shard of earlier.shards) {
    const key = contentOf(earlier, shard);
    if (key !== undefined) known.set(key, shard);
  }
  const shared = new Map<number, Shard>();
  for (const shard of plan.shards) {
    const key = contentOf(plan, shard);
    const same = key === undefined ? undefined : known.get(key);
    if (same !== undefined) shared.set(shard.index, same);
  }
  return shared;
}

/** How rows are read, as far as that may follow from files other than their own: of lists the first file tells the shape. */
function readingOf({ dataset, features, keep, fixedBatchRows }: RunPlan): unknown {
  return {
    columns: dataset.columns.map(({ name, type, origin }) => ({ name, type, origin })),
    hasPartitions: dataset.hasPartitions,
    keep,
    fixedBatchRows,
    features: features.map(({ input, columns, element, innerShape, nulls }) => ({
      input,
      columns: columns.map(({ name, type }) => ({ name, type })),
      element,
      innerShape,
      nulls,
    })),
  };
}

/** undefined when nobody knows the content. */
function contentOf({ dataset }: RunPlan, { ranges }: Shard): string | undefined {
  const keys = ranges.map(({ file: index, rowStart, rowEnd }) => {
    const file = dataset.files[index];
    if (file?.sha256 === undefined) return undefined;
    const folders = dataset.hasPartitions
      ? file.source
          .split('/')
          .slice(0, -1)
          .filter((name) => name.includes('='))
      : [];
    return [file.sha256, file.rowCount, rowStart, rowEnd, ...folders].join('/');
  });
  return keys.length === 0 || keys.includes(undefined) ? undefined : keys.join('\n');
}
