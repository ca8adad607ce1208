/** Disturbs runs over a generated table in the ways of `drills.ts`, and tells what came of it: `npm run drill`. */
import { messageOf } from '../../src/core/errors.ts';
import { temporaryFolder } from '../e2e/nightshift.ts';
import { stateFolder } from '../house/state-folder.ts';
import { drills } from './drills.ts';
import { makeScene } from './scene.ts';

process.env['XDG_STATE_HOME'] = stateFolder();
const copies = 5;
const started = performance.now();
await using folder = await temporaryFolder();
const scene = await makeScene(folder.path, copies);
const outcomes: string[] = [];
for (const { name, run } of drills) {
  const problems = await run(scene).catch((error: unknown) => [messageOf(error)]);
  for (const problem of problems) console.log(`${name}: ${problem}`);
  outcomes.push(problems.length === 0 ? 'ok' : `FAILED (${problems.length})`);
}
const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
console.log(row(drills.map(({ name }) => name)));
console.log(row(drills.map(() => '---')));
console.log(row(outcomes));
console.log(`${scene.rowCount} rows, ${Math.round((performance.now() - started) / 1000)} s`);
process.exitCode = outcomes.every((outcome) => outcome === 'ok') ? 0 : 1;
