import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { isThere } from '../../src/core/files.ts';
import { writeSpec } from '../e2e/nightshift.ts';
import { type JournalEntry, journalFile } from './journal.ts';
import { type DiskState, statesAfterPowerCuts, stateWhenDone } from './power-cut.ts';
import { expectSuccess, jobOf, look, makeInput, type Published, run } from './scenario.ts';

export const powerScenarioNames = ['csv', 'overwrite', 'append'] as const;
export type PowerScenarioName = (typeof powerScenarioNames)[number];

export interface PowerScenario {
  readonly name: PowerScenarioName;
  /** The folder of the job; plans tell of absolute paths, so that every state is made in this one. */
  readonly cwd: string;
  readonly states: readonly DiskState[];
  readonly whenDone: DiskState;
  readonly wanted: Published;
}

/** Runs a job once with a journal, and works out what power cuts would have left of it. */
export async function makePowerScenario(folder: string, name: PowerScenarioName): Promise<PowerScenario> {
  const cwd = join(folder, `power-${name}`);
  const records = `${cwd}-records`;
  const before = `${cwd}-before`;
  await mkdir(cwd, { recursive: true });
  await mkdir(records);
  if (name !== 'csv') {
    const first = await makeInput(folder, `first-${name}.parquet`, name === 'append' ? 60 : 80);
    await writeSpec(cwd, { job: jobOf(first, name) });
    await expectSuccess(await run(cwd));
    await cp(join(cwd, 'out'), join(before, 'out'), { recursive: true });
  }
  const input =
    name === 'csv' ? await makeCsv(join(cwd, 'in.csv')) : await makeInput(folder, `new-${name}.parquet`, 60);
  await writeSpec(cwd, { job: jobOf(input, name === 'append' ? 'append' : 'overwrite') });
  await expectSuccess(await run(cwd, { folder: records, shim: 'journal-shim.ts' }));
  const state = name === 'csv' ? new Map<string, undefined>() : await stateOf(before);
  const journal = await readJournal(records);
  return {
    name,
    cwd,
    states: statesAfterPowerCuts(state, journal),
    whenDone: stateWhenDone(state, journal),
    wanted: await look(cwd),
  };
}

/** Some lines do not parse, and some rows have no value for the model. */
async function makeCsv(path: string): Promise<string> {
  const lines = Array.from({ length: 60 }, (_, id) =>
    id === 7 ? 'one,two' : `${id},${id === 25 ? '' : id},${id * 2}`,
  );
  await writeFile(path, `id,a,b\n${lines.join('\n')}\n`);
  return path;
}

async function stateOf(folder: string): Promise<DiskState> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.map((entry) => ({ entry, path: join(entry.parentPath, entry.name) }));
  return new Map(
    paths
      .sort((one, other) => one.path.length - other.path.length)
      .map(({ entry, path }) => [path.slice(folder.length + 1), entry.isFile() ? path : undefined]),
  );
}

async function readJournal(records: string): Promise<readonly JournalEntry[]> {
  const text = await readFile(join(records, journalFile), 'utf8');
  return text.split('\n').flatMap((line): readonly JournalEntry[] => {
    if (line === '') return [];
    const entry: JournalEntry = JSON.parse(line);
    return [entry.bytes === undefined ? entry : { ...entry, bytes: join(records, entry.bytes) }];
  });
}

/** Makes the disk what a power cut left of it, runs the same command, and tells how the end differs. */
export async function restart(scenario: PowerScenario, state: DiskState): Promise<readonly string[]> {
  const { cwd, name, wanted } = scenario;
  await makeState(cwd, state);
  const problems: string[] = [];
  const isMarked = await isThere(join(cwd, 'out/_SUCCESS'));
  if (isMarked) {
    const seen = await lookAt(cwd);
    problems.push(...seen.problems.map((problem) => `readers met after the power cut: ${problem}`));
    // An append that is published is not begun again, and what it left is put in order by the next publish.
    if (name === 'append' && isDeepStrictEqual(seen.published?.digests, wanted.digests)) return problems;
  }
  const { exitCode, stderr } = await run(cwd);
  if (exitCode !== 0) return [...problems, `the same command then ended with ${exitCode}: ${stderr}`];
  const { published, problems: atLast } = await lookAt(cwd);
  problems.push(...atLast);
  if (published === undefined) return problems;
  if (!isDeepStrictEqual(published.digests, wanted.digests)) problems.push('the parts have other bytes');
  if (!isDeepStrictEqual(published.ids, wanted.ids)) problems.push('the rows are others, or in another order');
  if (!isDeepStrictEqual(published.names, wanted.names)) {
    const extra = published.names.filter((found) => !wanted.names.includes(found));
    problems.push(`left behind: ${extra.join(' ')} (of ${published.names.length} names, not ${wanted.names.length})`);
  }
  return problems;
}

/** What readers meet in a state, without another run. */
export async function problemsOf({ cwd, wanted }: PowerScenario, state: DiskState): Promise<readonly string[]> {
  await makeState(cwd, state);
  const { published, problems } = await lookAt(cwd);
  return isDeepStrictEqual(published?.digests, wanted.digests) ? problems : [...problems, 'the parts are others'];
}

async function lookAt(cwd: string): Promise<{ readonly published?: Published; readonly problems: readonly string[] }> {
  try {
    const published = await look(cwd);
    return { published, problems: published.problems };
  } catch (error) {
    return { problems: [String(error)] };
  }
}

async function makeState(cwd: string, state: DiskState): Promise<void> {
  await rm(join(cwd, 'out'), { recursive: true, force: true });
  for (const [path, bytes] of state) {
    if (bytes === undefined) await mkdir(join(cwd, path), { recursive: true });
    else {
      await mkdir(dirname(join(cwd, path)), { recursive: true });
      if (bytes === '') await writeFile(join(cwd, path), '');
      else await cp(bytes, join(cwd, path));
    }
  }
}
