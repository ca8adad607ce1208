import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readIfPresent } from '../core/files.ts';
import { parseJson } from '../core/parse-json.ts';
import { runLayout } from '../plan/layout.ts';
import { sumTimings, type Timings } from '../plan/sum-timings.ts';
import { type WorkerProfile, workerProfileSchema } from '../plan/worker-profile.ts';
import type { Ports } from './ports.ts';

export interface OperatorShare {
  readonly operator: string;
  readonly provider: string;
  readonly calls: number;
  readonly seconds: number;
  /** Of the time of all operators. */
  readonly share: number;
}

/** Where the time of a run went, as far as its folder tells. */
export interface RunTimes {
  readonly shards: number;
  /** Seconds of all workers together. */
  readonly timings: Timings;
  /** Of profiled workers. */
  readonly profiles: number;
  /** The longest first. */
  readonly operators: readonly OperatorShare[];
}

/** @returns undefined where the run left no commits, or its output is gone */
export async function readRunTimes(
  ports: Pick<Ports, 'store'>,
  outputFolder: string,
  runId: string,
): Promise<RunTimes | undefined> {
  const commits = await ports.store.readCommits(outputFolder, runId);
  if (commits.size === 0) return undefined;
  // What another run scored took no time of this one.
  const own = [...commits.values()].filter(({ takenFrom }) => takenFrom === undefined);
  const profiles = await readProfiles(join(outputFolder, runLayout(runId).profile));
  return {
    shards: own.length,
    timings: sumTimings(own),
    profiles: profiles.length,
    operators: addedUp(profiles),
  };
}

async function readProfiles(folder: string): Promise<readonly WorkerProfile[]> {
  const names = await readdir(folder).catch(() => []);
  const profiles: WorkerProfile[] = [];
  for (const name of names.filter((found) => /^worker-\d+\.json$/.test(found)).sort()) {
    const { data } = workerProfileSchema.safeParse(parseJson((await readIfPresent(join(folder, name))) ?? ''));
    if (data !== undefined) profiles.push(data);
  }
  return profiles;
}

function addedUp(profiles: readonly WorkerProfile[]): readonly OperatorShare[] {
  const all = profiles.flatMap(({ operators }) => operators);
  const total = all.reduce((sum, { seconds }) => sum + seconds, 0);
  const byName = Map.groupBy(all, ({ provider, operator }) => `${provider} ${operator}`);
  const shares = [...byName.values()].flatMap((same) => {
    const [first] = same;
    const seconds = same.reduce((sum, time) => sum + time.seconds, 0);
    const calls = same.reduce((sum, time) => sum + time.calls, 0);
    return first === undefined ? [] : [{ ...first, calls, seconds, share: total === 0 ? 0 : seconds / total }];
  });
  return shares.sort((a, b) => b.seconds - a.seconds);
}
