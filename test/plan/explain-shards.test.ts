import { describe, expect, it } from 'vitest';
import { type EarlierRun, explainShards } from '../../src/plan/explain-shards.ts';
import type { RunPlan } from '../../src/plan/run-plan.ts';
import { planOf } from './run-plan.ts';

type File = RunPlan['dataset']['files'][number];

/** One shard a file; a file is its name, then its time. */
function planFor(files: readonly string[], job: Readonly<Record<string, unknown>> = {}): RunPlan {
  const base = planOf(files.length);
  const inputs = files.map((text): File => {
    const [name = '', time = '1'] = text.split('@');
    const source = `/data/${name}`;
    return { path: source, source, rowCount: 10, sizeBytes: 100, mtimeMs: Number(time) };
  });
  return {
    ...base,
    identity: { ...job, 'input files': inputs.map(({ source, mtimeMs }) => ({ source, mtimeMs })) },
    dataset: { ...base.dataset, files: inputs },
    shards: inputs.map((_, index) => ({ index, ranges: [{ file: index, rowStart: 0, rowEnd: 10 }] })),
  };
}

function earlier(plan: RunPlan, rest: Partial<EarlierRun> = {}): EarlierRun {
  return { plan, committed: new Set(), valid: new Set(), isDiscarded: false, ...rest };
}

const told = (plan: RunPlan, before?: EarlierRun) =>
  explainShards(plan, before).map(({ willRun, reason }) => `${willRun ? 'runs' : 'stays'}: ${reason}`);

describe('explainShards', () => {
  const plan = planFor(['a', 'b', 'c']);

  it('has nothing to go on with where there is no earlier run', () => {
    expect(told(plan)).toEqual(['runs: no commit', 'runs: no commit', 'runs: no commit']);
  });

  it('tells a commit, a commit whose part is damaged, and none apart', () => {
    const before = earlier(plan, { committed: new Set([0, 1]), valid: new Set([0]) });
    expect(told(plan, before)).toEqual([
      'stays: done',
      'runs: part missing or changed (digest differs)',
      'runs: no commit',
    ]);
  });

  it('says which commits --restart gives up', () => {
    const before = earlier(plan, { committed: new Set([0]), valid: new Set([0]), isDiscarded: true });
    expect(told(plan, before)).toEqual(['runs: discarded by --restart', 'runs: no commit', 'runs: no commit']);
  });

  it.each([
    ['a changed file', ['a', 'b@2', 'c'], ['b', 'b', 'b']],
    ['two, each of its own shard', ['a@2', 'b@2', 'c'], ['a', 'b', 'a, b']],
    ['a new one', ['a', 'b', 'c', 'd'], ['d', 'd', 'd', 'd']],
    ['one that is gone', ['a', 'b'], ['c', 'c']],
    ['another order', ['b', 'a', 'c'], ['order of files', 'order of files', 'order of files']],
    ['many', ['a@2', 'b@2', 'c@2', 'd', 'e'], ['a', 'b', 'c', 'd', 'e']],
  ])('names %s', (_what, files, names) => {
    const before = earlier(plan, { committed: new Set([0, 1, 2]), valid: new Set([0, 1, 2]) });
    expect(told(planFor(files), before)).toEqual(names.map((name) => `runs: input changed: ${name}`));
  });

  it('names three of many files', () => {
    const names = told(planFor(['a', 'b', 'c', 'd', 'e', 'f', 'g']), earlier(plan));
    expect(names[0]).toBe('runs: input changed: d, e, f, and 1 more');
  });

  it('names what changed of the job where the shard reads what it read', () => {
    const before = earlier(planFor(['a', 'b'], { 'model.sha256': 'x' }));
    expect(told(planFor(['a', 'b@2'], { 'model.sha256': 'y' }), before)).toEqual([
      'runs: job changed: model.sha256',
      'runs: input changed: b',
    ]);
  });
});
