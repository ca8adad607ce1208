import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { readPublished } from '../../src/checkpoint/manifest.ts';
import { isThere } from '../../src/core/files.ts';
import type { KillPoint } from './kill-point.ts';
import { look, type Published, run, type Scenario, wasKilled } from './scenario.ts';

export interface Struck {
  /** False when the run came by without making the change, e.g. since other workers took its shards. */
  readonly isReached: boolean;
  readonly problems: readonly string[];
  readonly lost: number;
  readonly duplicated: number;
}

/** Kills a run at a point, runs the same command again, and tells how the end differs from an undisturbed one. */
export async function strike(folder: string, scenario: Scenario, point: KillPoint): Promise<Struck> {
  const place = await mkdtemp(join(folder, 'strike-'));
  const cwd = join(place, 'job');
  const records = join(place, 'records');
  await mkdir(records);
  await cp(scenario.template, cwd, { recursive: true });
  const problems: string[] = [];
  const first = await run(cwd, { folder: records, point });
  const isReached = await wasKilled(records);
  const mayEnd = !isReached || (point.role === 'worker' && point.victims === 'self');
  if (first.exitCode === 0 ? !mayEnd : first.signal !== 'SIGKILL')
    problems.push(`the run that was struck ended with ${first.exitCode ?? first.signal}: ${first.stderr}`);
  problems.push(...(await problemsOfReaders(cwd)));
  const isTidyAtLast = await isTidy(cwd, scenario, first.exitCode);
  if (first.exitCode !== 0) {
    const again = await run(cwd);
    if (again.exitCode !== 0) problems.push(`the same command then ended with ${again.exitCode}: ${again.stderr}`);
  }
  const found = await look(cwd).catch((error: unknown) => String(error));
  if (typeof found === 'string') return { isReached, problems: [...problems, found], lost: 0, duplicated: 0 };
  problems.push(...differences(found, scenario, isTidyAtLast));
  await rm(place, { recursive: true });
  return { isReached, problems, ...counted(found, scenario) };
}

/** Acts on each item, on so many at a time. */
export async function atOnce<Item>(
  count: number,
  items: readonly Item[],
  act: (item: Item) => Promise<void>,
): Promise<void> {
  const queue = items.values();
  const hand = async () => {
    for (const item of queue) await act(item);
  };
  await Promise.all(Array.from({ length: count }, hand));
}

/** While the marker is there, readers rely on what the manifest says. */
async function problemsOfReaders(cwd: string): Promise<readonly string[]> {
  if (!(await isThere(join(cwd, 'out/_SUCCESS')))) return [];
  const { problems } = await look(cwd);
  return problems.map((problem) => `readers met after the kill: ${problem}`);
}

/** An append that is published is not begun again. */
async function isAppended(cwd: string, { name }: Scenario): Promise<boolean> {
  if (name !== 'append' || !(await isThere(join(cwd, 'out/_SUCCESS')))) return false;
  return (await readPublished(join(cwd, 'out')))?.runs.length === 2;
}

/** What an append that was killed after its publish leaves is put in order by the next run that publishes. */
async function isTidy(cwd: string, scenario: Scenario, exitCode: number | undefined): Promise<boolean> {
  return exitCode === 0 || !(await isAppended(cwd, scenario));
}

function differences(found: Published, { wanted }: Scenario, isTidy: boolean): readonly string[] {
  const problems = [...found.problems];
  if (!isDeepStrictEqual(found.digests, wanted.digests)) problems.push('the parts have other bytes');
  if (!isDeepStrictEqual(found.ids, wanted.ids)) problems.push('the rows are others, or in another order');
  const visible = (names: readonly string[]) => names.filter((name) => isTidy || !name.includes('/'));
  const names = { found: visible(found.names), wanted: visible(wanted.names) };
  if (!isDeepStrictEqual(names.found, names.wanted)) {
    const extra = names.found.filter((name) => !names.wanted.includes(name));
    const missing = names.wanted.filter((name) => !names.found.includes(name));
    problems.push(`left behind: ${extra.join(' ')}; missing: ${missing.join(' ')}`);
  }
  return problems;
}

function counted(found: Published, { wanted }: Scenario): { readonly lost: number; readonly duplicated: number } {
  const left = new Map<string, number>();
  for (const id of wanted.ids) left.set(id, (left.get(id) ?? 0) + 1);
  for (const id of found.ids) left.set(id, (left.get(id) ?? 0) - 1);
  const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + Math.max(0, count), 0);
  return { lost: sum([...left.values()]), duplicated: sum([...left.values()].map((count) => -count)) };
}
