import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../e2e/nightshift.ts';
import { sample } from './kill-point.ts';
import { makePowerScenario, powerScenarioNames, problemsOf, restart } from './power-scenario.ts';

/** A few of the states that `npm run test:chaos` takes all of; another seed takes others. */
const seed = Number(process.env['CHAOS_SEED'] ?? 1);
const statesEach = 4;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder[Symbol.asyncDispose]());

describe(`a power cut anywhere (CHAOS_SEED=${seed})`, () => {
  it.concurrent.each(powerScenarioNames)(
    'takes nothing of what is published, and the same command ends as if it had not been: %s',
    async (name) => {
      const scenario = await makePowerScenario(folder.path, name);
      const problems: string[] = [];
      problems.push(...(await problemsOf(scenario, scenario.whenDone)));
      expect(scenario.states.length).toBeGreaterThan(50);
      for (const state of sample(scenario.states, { count: statesEach, seed }))
        problems.push(...(await restart(scenario, state)));
      expect(problems).toEqual([]);
    },
  );
});
