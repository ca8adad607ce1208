import type { JobSpec } from '../spec/job-spec.ts';
import { hasTokens } from './batch-size.ts';
import type { RunPlan } from './run-plan.ts';

/** What tuning may change; all of it is how a job runs, and none of it what it is. */
export const tunedKeys = [
  'workersPerDevice',
  'intraOpThreads',
  'batchSize',
  'batchTokens',
  'readAhead',
  'graphOptimization',
] as const satisfies (keyof JobSpec['execution'])[];

export type TunedKey = (typeof tunedKeys)[number];
export type Setting = Pick<JobSpec['execution'], TunedKey>;

/** Settings that are tried beside each other while the rest stays. */
export type Dimension = readonly Partial<Setting>[];

export interface GridFacts {
  readonly cores: number;
  readonly hasGpu: boolean;
  /** More rows than this are not in a worker's share of the sample. */
  readonly batchRowsAtMost: number;
  /** What may change; everything, if left out. Workers and threads change together. */
  readonly only?: readonly TunedKey[] | undefined;
  readonly batchBound: BatchBound;
}

/** What ends a batch: so many rows, so many tokens, or that the model takes no more. */
export type BatchBound = 'rows' | 'tokens' | 'model';

/** Texts are batched by their tokens, unless the job says how many rows a batch has or that these are to be tried. */
export function batchBound(
  plan: Pick<RunPlan, 'features' | 'fixedBatchRows'>,
  { batchSize }: Pick<Setting, 'batchSize'>,
  only: readonly TunedKey[] | undefined,
): BatchBound {
  if (plan.fixedBatchRows !== undefined) return 'model';
  if (!hasTokens(plan)) return 'rows';
  if (only?.includes('batchTokens') === true) return 'tokens';
  return batchSize === 'auto' && only?.includes('batchSize') !== true ? 'tokens' : 'rows';
}

/** Why one of these keys says nothing of a job. */
export function idleKey(
  plan: Pick<RunPlan, 'features' | 'fixedBatchRows'>,
  keys: readonly TunedKey[] = [],
): { readonly key: TunedKey; readonly reason: string } | undefined {
  const { fixedBatchRows } = plan;
  for (const key of keys.filter((each) => each === 'batchSize' || each === 'batchTokens')) {
    if (fixedBatchRows !== undefined)
      return { key, reason: `its model fixes how many rows a batch has: ${fixedBatchRows}` };
    if (key === 'batchTokens' && !hasTokens(plan)) return { key, reason: 'it has no texts' };
  }
  return undefined;
}

const batchSizes = [16, 64, 256, 1024, 4096, 16_384] as const;
const batchTokens = [1024, 2048, 4096, 8192, 16_384, 32_768] as const;
const gpuWorkers = [1, 2, 3, 4] as const;

/** What is tried, what matters most first. */
export function tuneGrid(facts: GridFacts): readonly Dimension[] {
  const { cores, hasGpu, only = tunedKeys } = facts;
  const dimensions: readonly Dimension[] = [
    hasGpu ? gpuWorkers.map((workersPerDevice) => ({ workersPerDevice, intraOpThreads: 1 })) : cpuPlacings(cores),
    batches(facts),
    [{ readAhead: 0 }, { readAhead: 1 }],
    [{ graphOptimization: 'all' }, { graphOptimization: 'extended' }, { graphOptimization: 'basic' }],
  ];
  return dimensions.filter((steps) => steps.some((step) => only.some((key) => key in step)));
}

function batches({ batchBound, batchRowsAtMost }: GridFacts): Dimension {
  if (batchBound === 'model') return [];
  if (batchBound === 'tokens') return batchTokens.map((tokens) => ({ batchTokens: tokens }));
  return batchSizes.filter((size) => size <= batchRowsAtMost).map((batchSize) => ({ batchSize }));
}

/** Workers × threads that fill the cores or leave some: powers of two, and all. */
function cpuPlacings(cores: number): Dimension {
  const counts = new Set([cores]);
  for (let count = 1; count < cores; count *= 2) counts.add(count);
  const filling = [...counts].map((workersPerDevice) => ({
    workersPerDevice,
    intraOpThreads: Math.max(1, Math.floor(cores / workersPerDevice)),
  }));
  const half = Math.floor(cores / 2);
  return half >= 1 ? [...filling, { workersPerDevice: half, intraOpThreads: 1 }] : filling;
}

/** Every setting of the grid. */
export function wholeGrid(present: Setting, grid: readonly Dimension[]): readonly Setting[] {
  return grid.reduce<readonly Setting[]>(
    (settings, steps) =>
      steps.length === 0 ? settings : settings.flatMap((setting) => steps.map((step) => ({ ...setting, ...step }))),
    [present],
  );
}
