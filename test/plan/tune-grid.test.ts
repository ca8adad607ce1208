import { describe, expect, it } from 'vitest';
import type { PlanFeature } from '../../src/plan/run-plan.ts';
import {
  batchBound,
  type GridFacts,
  idleKey,
  type Setting,
  type TunedKey,
  tunedKeys,
  tuneGrid,
  wholeGrid,
} from '../../src/plan/tune-grid.ts';

const facts = { cores: 8, hasGpu: false, batchRowsAtMost: 4096, batchBound: 'rows' } as const;

describe('the grid', () => {
  it.each([
    [1, ['1x1']],
    [2, ['2x1', '1x2', '1x1']],
    [6, ['6x1', '1x6', '2x3', '4x1', '3x1']],
    [8, ['8x1', '1x8', '2x4', '4x2', '4x1']],
  ])('for %i cores never uses more of them than there are', (cores, placings) => {
    const [first = []] = tuneGrid({ ...facts, cores });
    expect(first.map(({ workersPerDevice, intraOpThreads }) => `${workersPerDevice}x${intraOpThreads}`)).toEqual(
      placings,
    );
  });

  it('has no batches that a sample has not the rows for, and none where the model fixes them', () => {
    const sizes = (more: object) =>
      tuneGrid({ ...facts, ...more })
        .flat()
        .flatMap(({ batchSize }) => batchSize ?? []);
    expect(sizes({ batchRowsAtMost: 300 })).toEqual([16, 64, 256]);
    expect(sizes({ batchBound: 'model' })).toEqual([]);
  });

  it('has tokens in place of rows where these end a batch', () => {
    const keys = tuneGrid({ ...facts, batchBound: 'tokens' }).map(([step = {}]) => Object.keys(step));
    expect(keys).toEqual([
      ['workersPerDevice', 'intraOpThreads'],
      ['batchTokens'],
      ['readAhead'],
      ['graphOptimization'],
    ]);
  });

  it('has only what may change', () => {
    const keys = (only: GridFacts['only']) => [
      ...new Set(
        tuneGrid({ ...facts, only })
          .flat()
          .flatMap(Object.keys),
      ),
    ];
    expect(keys(['batchSize', 'readAhead'])).toEqual(['batchSize', 'readAhead']);
    expect(keys(['intraOpThreads'])).toEqual(['workersPerDevice', 'intraOpThreads']);
    expect(keys(undefined)).toEqual(tunedKeys.filter((key) => key !== 'batchTokens'));
    expect(keys(['batchTokens'])).toEqual([]);
  });

  it('for GPUs is of workers on each of them', () => {
    const [first] = tuneGrid({ ...facts, hasGpu: true });
    expect(first).toEqual([1, 2, 3, 4].map((workersPerDevice) => ({ workersPerDevice, intraOpThreads: 1 })));
  });
});

describe('what ends a batch', () => {
  const plain: PlanFeature = { input: 'text', columns: [], element: 'string', innerShape: [1], nulls: 'reject' };
  const text: PlanFeature = {
    ...plain,
    text: {
      tokenizer: { path: 't', sha256: 's', kind: 'BPE', vocabularySize: 1, library: 'l' },
      maxLength: 8,
      truncation: true,
      ids: { name: 'input_ids', element: 'int64' },
    },
  };

  it.each<[string, PlanFeature, 'auto' | number, readonly TunedKey[] | undefined, string]>([
    ['is rows where there are no texts', plain, 'auto', undefined, 'rows'],
    ['is rows where there are no texts, though tokens are asked for', plain, 'auto', ['batchTokens'], 'rows'],
    ['is tokens of texts', text, 'auto', undefined, 'tokens'],
    ['is rows of texts where the job says how many', text, 8, undefined, 'rows'],
    ['is rows of texts where they are asked for', text, 'auto', ['batchSize', 'readAhead'], 'rows'],
    ['is tokens of texts where they are asked for', text, 8, ['batchTokens'], 'tokens'],
    ['is tokens of texts where both are asked for', text, 8, ['batchTokens', 'batchSize'], 'tokens'],
  ])('%s', (_title, feature, batchSize, only, bound) => {
    expect(batchBound({ features: [feature] }, { batchSize }, only)).toBe(bound);
    expect(batchBound({ features: [feature], fixedBatchRows: 4 }, { batchSize }, only)).toBe('model');
  });

  it.each<[string, PlanFeature, number | undefined, readonly TunedKey[], TunedKey | undefined]>([
    ['tokens where there are no texts', plain, undefined, ['batchSize', 'batchTokens'], 'batchTokens'],
    ['nothing of texts', text, undefined, ['batchSize', 'batchTokens', 'readAhead'], undefined],
    ['rows and tokens where the model fixes them', text, 4, ['readAhead', 'batchSize'], 'batchSize'],
    ['nothing else where the model fixes them', text, 4, ['readAhead', 'intraOpThreads'], undefined],
  ])('makes idle %s', (_title, feature, fixedBatchRows, keys, idle) => {
    expect(idleKey({ features: [feature], fixedBatchRows }, keys)?.key).toBe(idle);
  });
});

it('the whole grid has each step with each other one', () => {
  const from: Setting = {
    workersPerDevice: 2,
    intraOpThreads: 1,
    batchSize: 8,
    batchTokens: 'auto',
    readAhead: 0,
    graphOptimization: 'all',
  };
  const whole = wholeGrid(from, [[{ batchSize: 1 }, { batchSize: 2 }], [], [{ readAhead: 0 }, { readAhead: 1 }]]);
  expect(whole.map(({ batchSize, readAhead }) => [batchSize, readAhead])).toEqual([
    [1, 0],
    [1, 1],
    [2, 0],
    [2, 1],
  ]);
  expect(whole[0]).toMatchObject({ workersPerDevice: 2, intraOpThreads: 1 });
});
