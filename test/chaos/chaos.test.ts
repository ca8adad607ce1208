import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../e2e/nightshift.ts';
import { killPoints, nameOf, sample } from './kill-point.ts';
import { makeScenario, scenarioNames } from './scenario.ts';
import { atOnce, strike } from './strike.ts';

/** A few of the points that `npm run test:chaos` takes all of; another seed takes others. */
const seed = Number(process.env['CHAOS_SEED'] ?? 1);
const pointsEach = 5;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder[Symbol.asyncDispose]());

describe(`a run that is killed anywhere (CHAOS_SEED=${seed})`, () => {
  it.each(scenarioNames)('ends as if nothing had happened when it runs again: %s', async (name) => {
    const scenario = await makeScenario(folder.path, name);
    const points = killPoints(scenario.changes);
    expect(points.length).toBeGreaterThan(100);
    const chosen = sample(points, { count: pointsEach, seed });
    const problems: string[] = [];
    let struck = 0;
    await atOnce(2, chosen, async (point) => {
      const found = await strike(folder.path, scenario, point);
      if (found.isReached) struck++;
      problems.push(...found.problems.map((problem) => `${nameOf(point)}: ${problem}`));
    });
    expect(problems).toEqual([]);
    expect(struck).toBeGreaterThan(0);
  });
});
