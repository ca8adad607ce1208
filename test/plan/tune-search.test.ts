import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Dimension,
  type GridFacts,
  type Setting,
  tunedKeys,
  tuneGrid,
  wholeGrid,
} from '../../src/plan/tune-grid.ts';
import { type Found, median, search, spreadOf } from '../../src/plan/tune-search.ts';

const present: Setting = {
  workersPerDevice: 'auto',
  intraOpThreads: 'auto',
  batchSize: 'auto',
  readAhead: 'auto',
  graphOptimization: 'all',
};
const facts = { cores: 8, hasGpu: false, batchRowsAtMost: 4096, isBatchFixed: false };
/** What `auto` comes to on this machine. */
const resolved = { workersPerDevice: 8, intraOpThreads: 1, batchSize: 256, readAhead: 0 } as const;

function asRun(setting: Setting) {
  const known = Object.entries(setting).map(([key, value]) => [
    key,
    value === 'auto' ? Object.entries(resolved).find(([name]) => name === key)?.[1] : value,
  ]);
  return Object.fromEntries(known);
}
const keyOf = (setting: Setting) => JSON.stringify(asRun(setting));

interface Searched extends Found {
  readonly asked: readonly string[];
}

/** Searches a machine on which each setting has a rate. */
function searched(
  rateOf: (setting: Setting, call: number) => number,
  { grid = tuneGrid(facts), calls = 1000 }: { readonly grid?: readonly Dimension[]; readonly calls?: number } = {},
): Searched {
  const asked: string[] = [];
  const steps = search({ present, grid, keyOf });
  let step = steps.next();
  while (step.done !== true) {
    const { setting, isConfirming } = step.value;
    const isPaid = asked.length < (isConfirming ? calls : calls * 0.8);
    if (isPaid) asked.push(keyOf(setting));
    step = steps.next(isPaid ? { rate: rateOf(setting, asked.length) } : undefined);
  }
  return { ...step.value, asked };
}

/** A machine whose settings each multiply the rate, whatever the others are. */
function separable(factors: readonly number[]): (setting: Setting) => number {
  const factorOf = (text: string) => {
    const hash = [...text].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 9973, 7);
    return factors[hash % factors.length] ?? 1;
  };
  return (setting) => {
    const { workersPerDevice, intraOpThreads, ...rest } = asRun(setting);
    const placing = factorOf(`${workersPerDevice}x${intraOpThreads}`);
    return Object.entries(rest).reduce((rate, [key, value]) => rate * factorOf(`${key}=${value}`), 1000 * placing);
  };
}

describe('the search', () => {
  it('finds the best of the grid where settings do not depend on each other', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 4, max: 40 }), { minLength: 5, maxLength: 40 }), (tenths) => {
        // Steps of a tenth at least: what is closer may stay as it is.
        const rateOf = separable(tenths.map((tenth) => 1.1 ** (tenth % 12)));
        const best = Math.max(...wholeGrid(present, tuneGrid(facts)).map(rateOf));
        const { best: found, gain, isComplete } = searched(rateOf);
        expect(isComplete).toBe(true);
        expect(rateOf(found.setting)).toBeCloseTo(Math.max(best, rateOf(present)), 6);
        expect(gain).toBeCloseTo(rateOf(found.setting) / rateOf(present) - 1, 6);
      }),
    );
  });

  it('stays with the present setting when nothing is better by more than the noise', () => {
    fc.assert(
      fc.property(fc.infiniteStream(fc.double({ min: -1, max: 1, noNaN: true })), (noise) => {
        const { best, gain } = searched(() => 1000 * (1 + 0.014 * (noise.next().value ?? 0)));
        expect({ setting: best.setting, gain }).toEqual({ setting: present, gain: 0 });
      }),
    );
  });

  it('tells of a gain only where the medians of the two differ by more than the noise it names', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 5, maxLength: 40 }),
        fc.infiniteStream(fc.double({ min: -1, max: 1, noNaN: true })),
        fc.integer({ min: 0, max: 80 }),
        (tenths, noise, calls) => {
          const rateOf = separable(tenths.map((tenth) => tenth / 10));
          const found = searched((setting) => rateOf(setting) * (1 + 0.1 * (noise.next().value ?? 0)), { calls });
          expect(found.asked.length).toBeLessThanOrEqual(calls);
          if (keyOf(found.best.setting) === keyOf(present)) {
            expect(found.gain).toBe(0);
            return;
          }
          expect(found.gain).toBeGreaterThan(found.noise);
          expect(found.best.rates.length).toBeGreaterThanOrEqual(2);
          expect(found.present.rates.length).toBeGreaterThanOrEqual(2);
        },
      ),
    );
  });

  it('measures everything that it tells of at least twice, and nothing under two names', () => {
    const { trials, asked } = searched(separable([1, 1.3, 0.7]));
    for (const { rates } of trials) expect(rates.length).toBeGreaterThanOrEqual(2);
    expect(trials.map(({ setting }) => keyOf(setting))).toEqual([...new Set(asked)]);
    expect(asked).toContain(keyOf(present));
    expect(trials.length).toBeLessThan(wholeGrid(present, tuneGrid(facts)).length / 4);
  });

  it('never takes a setting that fails', () => {
    const rateOf = (setting: Setting) => (keyOf(setting) === keyOf(present) ? 1 : 0);
    expect(searched(rateOf).best.setting).toEqual(present);
  });

  it('does not take a setting for one lucky measurement', () => {
    const lucky = new Set([4]);
    const { best, asked } = searched((_setting, call) => (lucky.has(call) ? 3 : 1), { grid: [[{ readAhead: 1 }]] });
    expect(asked[3]).toBe(keyOf({ ...present, readAhead: 1 }));
    expect(best.setting).toEqual(present);
  });

  it('has nothing to ask beyond the present setting in an empty grid', () => {
    expect(searched(() => 1, { grid: [[], []] }).asked).toHaveLength(2);
  });
});

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
    expect(sizes({ isBatchFixed: true })).toEqual([]);
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
    expect(keys(undefined)).toEqual([...tunedKeys]);
  });

  it('for GPUs is of workers on each of them', () => {
    const [first] = tuneGrid({ ...facts, hasGpu: true });
    expect(first).toEqual([1, 2, 3, 4].map((workersPerDevice) => ({ workersPerDevice, intraOpThreads: 1 })));
  });
});

it.each([
  [[], 0, 0],
  [[4], 4, 0],
  [[4, 2], 3, 2 / 1.128 / 3],
  [[1, 9, 2, 3, 2], 2, 8 / 2.326 / 2],
  [[0, 0], 0, 0],
])('the median of %j is %d, and its spread %d', (rates, middle, spread) => {
  expect(median(rates)).toBe(middle);
  expect(spreadOf(rates)).toBeCloseTo(spread);
});
