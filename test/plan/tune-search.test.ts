import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Dimension, Setting } from '../../src/plan/tune-grid.ts';
import type { Wanted } from '../../src/plan/tune-heats.ts';
import { type Found, search } from '../../src/plan/tune-search.ts';
import { present, tunedMachine } from './simulated-machine.ts';

interface Searched extends Found {
  readonly wanted: readonly Wanted[];
}

const keyOf = (setting: Setting) => JSON.stringify(setting);

/** Searches a machine on which each setting has a rate, with as much budget as it wants. */
function searched(grid: readonly Dimension[], rateOf: (setting: Setting, round: number) => number): Searched {
  const wanted: Wanted[] = [];
  const steps = search({ present, grid, keyOf, costOf: (settings) => settings.length });
  let step = steps.next();
  while (step.done !== true) {
    const { settings, rounds } = step.value;
    wanted.push(step.value);
    const rates = settings.map((setting) => Array.from({ length: rounds }, (_, round) => rateOf(setting, round)));
    step = steps.next({ rates, left: 1000 });
  }
  return { ...step.value, wanted };
}

describe('the search', () => {
  it.each([
    { cores: 2, budget: [40, 160], noise: 0.05 },
    { cores: 2, budget: [40, 60], noise: 0.02 },
    { cores: 2, budget: [100, 160], noise: 0.07 },
    { cores: 8, budget: [80, 160], noise: 0.05 },
  ])(
    'of $budget measurements that are off by up to $noise finds what is within 5 % of the best, 19 times of 20',
    ({ cores, budget: [least = 0, most = 0], noise }) => {
      const runs = 300;
      const shares = Array.from({ length: runs }, (_, seed) => {
        const budget = least + ((seed * 0.37) % 1) * (most - least);
        return tunedMachine({ seed, cores, budget, noise: noise * ((seed * 0.618) % 1), drift: 0.1 }).ofBest;
      });
      expect(shares.filter((share) => share >= 0.95).length / runs).toBeGreaterThanOrEqual(0.95);
    },
  );

  it('never calls better what is worse by more than 3 %, and never spends more than it has', () => {
    fc.assert(
      fc.property(
        fc.record({
          seed: fc.nat(),
          cores: fc.integer({ min: 1, max: 16 }),
          noise: fc.double({ min: 0, max: 0.1, noNaN: true }),
          drift: fc.double({ min: 0, max: 0.2, noNaN: true }),
          budget: fc.integer({ min: 2, max: 160 }),
        }),
        (machine) => {
          const { found, ofPresent, measured, isChanged } = tunedMachine(machine);
          expect(ofPresent).toBeGreaterThan(0.97);
          expect(measured).toBeLessThanOrEqual(machine.budget);
          if (isChanged) expect(found.gain).toBeGreaterThan(found.noise);
          else expect(found.gain).toBe(0);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('says whether the budget ended before it did, and how many settings there are', () => {
    const machine = { seed: 3, cores: 2, noise: 0.01, drift: 0 };
    const short = tunedMachine({ ...machine, budget: 8 }).found;
    expect(short.isComplete).toBe(false);
    expect(short.trials.length).toBeLessThan(8);
    const long = tunedMachine({ ...machine, budget: 200 }).found;
    expect(long.isComplete).toBe(true);
    expect(long.trials.length).toBeGreaterThanOrEqual(18);
    expect([short.gridSize, long.gridSize]).toEqual([108, 108]);
  });

  it('looks at all settings of the first two dimensions, finds the best pair though neither step is better alone', () => {
    const grid: readonly Dimension[] = [
      [{ workersPerDevice: 1 }, { workersPerDevice: 2 }],
      [{ batchSize: 16 }, { batchSize: 64 }],
    ];
    const isPair = ({ workersPerDevice, batchSize }: Setting) => workersPerDevice === 2 && batchSize === 64;
    const { best, wanted } = searched(grid, (setting) =>
      isPair(setting) ? 2 : keyOf(setting) === keyOf(present) ? 1 : 0.5,
    );
    expect(best.setting).toMatchObject({ workersPerDevice: 2, batchSize: 64 });
    expect(wanted[1]).toMatchObject({ rounds: 1, isShort: true, isConfirming: false });
    expect(wanted[1]?.settings).toHaveLength(5);
  });

  it('holds the best against the present setting at last, by turns, and until one of them is better', () => {
    const { wanted, best } = searched([[], [], [{ readAhead: 1 }]], ({ readAhead }) => (readAhead === 1 ? 1.2 : 1));
    expect(best.setting.readAhead).toBe(1);
    expect(wanted.at(-1)).toMatchObject({ settings: [best.setting, present], isConfirming: true });
    expect(wanted.filter(({ isConfirming }) => isConfirming)).toHaveLength(1);
  });

  it('stays with the present setting when nothing is better by more than the noise', () => {
    const { best, gain } = searched([[], [], [{ readAhead: 1 }]], ({ readAhead }) => (readAhead === 1 ? 1.02 : 1));
    expect({ setting: best.setting, gain }).toEqual({ setting: present, gain: 0 });
  });

  it('never takes a setting that fails', () => {
    const grid: readonly Dimension[] = [[{ batchSize: 16 }, { batchSize: 64 }], [], [{ readAhead: 1 }]];
    expect(searched(grid, (setting) => (keyOf(setting) === keyOf(present) ? 1 : 0)).best.setting).toEqual(present);
  });

  it('does not take a setting for one lucky measurement', () => {
    const rateOf = ({ readAhead }: Setting, round: number) => (readAhead === 1 && round === 0 ? 3 : 1);
    expect(searched([[], [], [{ readAhead: 1 }]], rateOf).best.setting).toEqual(present);
  });

  it('has nothing to ask beyond the present setting in an empty grid', () => {
    expect(searched([[], []], () => 1).wanted.map(({ settings }) => settings)).toEqual([[present]]);
  });
});
