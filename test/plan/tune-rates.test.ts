import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compared, median, noiseOf, noScatter, scatterOf, spreadOf, sumScatter } from '../../src/plan/tune-rates.ts';

const rate = fc.double({ min: 1, max: 1000, noNaN: true });

describe('the scatter of measurements by turns', () => {
  it('is nothing where settings and rounds explain it all', () => {
    fc.assert(
      fc.property(
        fc.array(rate, { minLength: 2, maxLength: 5 }),
        fc.array(rate, { minLength: 2, maxLength: 5 }),
        (settings, rounds) => {
          const { squares, count } = scatterOf(settings.map((setting) => rounds.map((round) => setting * round)));
          expect(squares).toBeCloseTo(0, 12);
          expect(count).toBe((settings.length - 1) * (rounds.length - 1));
        },
      ),
    );
  });

  it('is told by no setting alone, no single round, and none that failed', () => {
    expect(scatterOf([[1, 2, 3]])).toEqual(noScatter);
    expect(scatterOf([[1], [2]])).toEqual(noScatter);
    expect(
      scatterOf([
        [1, 2],
        [0, 0],
      ]),
    ).toEqual(noScatter);
    expect(scatterOf([])).toEqual(noScatter);
  });

  it('lets no more than one gain of 500 through where settings are alike', () => {
    let isWrong = 0;
    const noise = fc.sample(fc.double({ min: -1, max: 1, noNaN: true }), { numRuns: 40_000, seed: 1 });
    for (let start = 0; start + 8 <= noise.length; start += 8) {
      const rates = noise.slice(start, start + 8).map((share) => Math.exp(0.1 * share));
      const [a, b] = [rates.slice(0, 4), rates.slice(4)];
      const { gain = 0, noise: needed = 0 } = compared(a, b, scatterOf([a, b])) ?? {};
      if (gain > needed) isWrong++;
    }
    expect(isWrong).toBeLessThanOrEqual(noise.length / 8 / 500);
  });
});

describe('two settings', () => {
  it('that were measured twice in rounds of a slowing machine are compared within the rounds', () => {
    const scatter = { squares: 0.001, count: 10 };
    expect(compared([110, 55, 22], [100, 50, 20], scatter)?.gain).toBeCloseTo(0.1);
    expect(compared([110], [100], scatter)).toBeUndefined();
    expect(compared([110, 0], [100, 100], scatter)).toBeUndefined();
  });

  it('need the less of a gain, the more is known of them, and never less than what the next one may say', () => {
    expect(noiseOf(noScatter, 4)).toBe(Number.POSITIVE_INFINITY);
    expect(noiseOf({ squares: 0, count: 9 }, 4)).toBe(0.03);
    const known = { squares: 0.02, count: 2 };
    expect(noiseOf(sumScatter(known, known), 4)).toBeLessThan(noiseOf(known, 4));
    expect(noiseOf(known, 8)).toBeLessThan(noiseOf(known, 4));
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
