/**
 * Kills runs and cuts the power all over, and tells what was lost: `npm run test:chaos`, with CHAOS_SEED, CHAOS_POINTS,
 * CHAOS_SCENARIOS and CHAOS_AT_ONCE to choose.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stateFolder } from '../house/state-folder.ts';
import { type KillPoint, killPoints, nameOf, sample } from './kill-point.ts';
import { makePowerScenario, powerScenarioNames, problemsOf, restart } from './power-scenario.ts';
import { makeScenario, type Scenario, scenarioNames } from './scenario.ts';
import { atOnce, strike } from './strike.ts';

process.env['XDG_STATE_HOME'] = stateFolder();
const started = performance.now();
const seed = Number(process.env['CHAOS_SEED'] ?? Date.now() % 1_000_000);
const count = Number(process.env['CHAOS_POINTS'] ?? 240);
const folder = await mkdtemp(join(tmpdir(), 'nightshift-chaos-'));

const scenarios: Scenario[] = [];
for (const name of process.env['CHAOS_SCENARIOS']?.split(',') ?? scenarioNames) {
  const known = scenarioNames.find((candidate) => candidate === name);
  if (known === undefined) throw new Error(`no scenario is called ${name}`);
  scenarios.push(await makeScenario(folder, known));
}
const all = scenarios.flatMap((scenario) => killPoints(scenario.changes).map((point) => ({ scenario, point })));
const chosen = sample(all, { count, seed });
console.log(`seed ${seed}: ${chosen.length} of ${all.length} kill points, in ${scenarios.length} scenarios`);

const totals = { struck: 0, lost: 0, duplicated: 0, failed: 0 };

async function take({ scenario, point }: { readonly scenario: Scenario; readonly point: KillPoint }): Promise<void> {
  const { isReached, problems, lost, duplicated } = await strike(folder, scenario, point);
  if (isReached) totals.struck++;
  totals.lost += lost;
  totals.duplicated += duplicated;
  if (problems.length === 0) return;
  totals.failed++;
  console.log(`FAILED ${scenario.name}: ${nameOf(point)}\n  ${problems.join('\n  ')}`);
}

await atOnce(Number(process.env['CHAOS_AT_ONCE'] ?? 2), chosen, take);
const cuts = { states: 0, failed: 0 };
for (const name of process.env['CHAOS_SCENARIOS'] === undefined ? powerScenarioNames : []) {
  const scenario = await makePowerScenario(folder, name);
  const report = (problems: readonly string[]) => {
    cuts.states++;
    if (problems.length === 0) return;
    cuts.failed++;
    console.log(`FAILED ${name}: power cut, state ${cuts.states}\n  ${problems.join('\n  ')}`);
  };
  report(await problemsOf(scenario, scenario.whenDone));
  for (const state of sample(scenario.states, { count, seed })) report(await restart(scenario, state));
}
console.log(`${cuts.states} states after power cuts, ${cuts.failed} failed`);
const seconds = Math.round((performance.now() - started) / 1000);
console.log(
  `${chosen.length} kill points, ${totals.struck} struck, ${totals.lost} lost, ${totals.duplicated} duplicated, ${totals.failed} failed, ${seconds} s`,
);
const isFine = totals.failed + cuts.failed === 0;
if (isFine) await rm(folder, { recursive: true });
process.exitCode = isFine ? 0 : 1;
