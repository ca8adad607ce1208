import { describe, expect, it } from 'vitest';
import type { RunPlan } from '../../src/plan/run-plan.ts';
import { sharedShards } from '../../src/plan/shared-shards.ts';
import { planOf } from './run-plan.ts';

/** One shard a file; a file is its path and its content. */
function planFor(files: Readonly<Record<string, string | undefined>>, rest: Partial<RunPlan> = {}): RunPlan {
  const base = planOf(1);
  const inputs = Object.entries(files).map(([source, sha256]) => ({
    ...{ path: source, source, rowCount: 10, sizeBytes: 100, mtimeMs: source.length },
    ...(sha256 === undefined ? {} : { sha256 }),
  }));
  return {
    ...base,
    identity: { job: 'job', 'input files': inputs.map(({ source }) => source) },
    dataset: { ...base.dataset, files: inputs },
    shards: inputs.map((_, index) => ({ index, ranges: [{ file: index, rowStart: 0, rowEnd: 10 }] })),
    ...rest,
  };
}

const shared = (plan: RunPlan, earlier: RunPlan) =>
  [...sharedShards(plan, earlier)].map(([index, shard]) => [index, shard.index]);

describe('sharedShards', () => {
  const earlier = planFor({ '/in/a': 'A', '/in/b': 'B' });

  it('finds content wherever it is now, and whatever it is called', () => {
    expect(shared(planFor({ '/new/0': 'N', '/new/b': 'B', '/new/z': 'A' }), earlier)).toEqual([
      [1, 1],
      [2, 0],
    ]);
  });

  it('does not guess content that nobody has recorded', () => {
    const unknown = planFor({ '/in/a': undefined, '/in/b': 'B' });
    expect(shared(unknown, unknown)).toEqual([[1, 1]]);
  });

  it('wants the same rows of the file', () => {
    const [first, second] = earlier.shards;
    if (first === undefined || second === undefined) throw new Error('there are two shards');
    const cut = { ...first, ranges: [{ file: 0, rowStart: 0, rowEnd: 9 }] };
    expect(shared({ ...earlier, shards: [cut, second] }, earlier)).toEqual([[1, 1]]);
    const packed = { ...first, ranges: [...first.ranges, ...second.ranges] };
    expect(shared({ ...earlier, shards: [packed] }, earlier)).toEqual([]);
    expect(shared({ ...earlier, shards: [packed] }, { ...earlier, shards: [packed] })).toEqual([[0, 0]]);
  });

  it.each<[string, Partial<RunPlan>]>([
    ['the model', { identity: { job: 'job', 'model.sha256': 'other', 'input files': [] } }],
    ['a kept column', { keep: ['id'] }],
    ['the batch rows that the model fixes', { fixedBatchRows: 8 }],
    [
      'the shape of a list',
      { features: [{ input: 'x', columns: [], element: 'float32', innerShape: [3], nulls: 'reject' }] },
    ],
  ])('has nothing in common with a plan of another kind: %s', (_what, rest) => {
    expect(shared({ ...earlier, ...rest }, earlier)).toEqual([]);
  });

  it('minds the folders of a file where they are columns', () => {
    const files = { '/in/day=1/a': 'A', '/in/day=2/b': 'B' };
    const partitioned = { dataset: { ...planFor(files).dataset, hasPartitions: true } };
    const moved = planFor({ '/in/day=1/x': 'A', '/in/day=3/b': 'B' });
    const now = { ...moved, dataset: { ...moved.dataset, hasPartitions: true } };
    expect(shared(now, planFor(files, partitioned))).toEqual([[0, 0]]);
    expect(shared(moved, planFor(files))).toHaveLength(2);
  });
});
