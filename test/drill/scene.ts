import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { execa } from 'execa';
import { readIfPresent, sha256OfFile } from '../../src/core/files.ts';
import { flightsJob } from '../cli/flights-job.ts';
import { bin, type Event, eventsIn, type Finished, type Job, makeParquet, sql, writeSpec } from '../e2e/nightshift.ts';

/** DuckDB cuts row groups in steps of this. */
export const groupRows = 2048;
/** Fewer, so that several workers are in the middle of several shards. */
const shardRows = 1024;

/** A big table, and what a run that nothing disturbs makes of it. */
export interface Scene {
  readonly folder: string;
  readonly table: string;
  readonly rowCount: number;
  readonly digests: Digests;
}

export type Digests = Readonly<Record<string, string>>;

/** Flights whose delay is not known are filtered. */
export const where = 'dep_delay IS NOT NULL';

/** @param copies of the 12,028 flights of the fixtures, each with ids of its own */
export async function makeScene(folder: string, copies: number): Promise<Scene> {
  const table = join(folder, 'flights.parquet');
  const select = `SELECT * REPLACE (flight_id + copy * 1000000 AS flight_id)
    FROM read_parquet('${flightsJob.input}'), range(${copies}) t(copy) ORDER BY flight_id`;
  await makeParquet(table, select, groupRows);
  const [counted] = await sql(`SELECT count(*) AS n FROM read_parquet('${table}')`);
  const cwd = await stage({ folder }, { name: 'undisturbed', input: table });
  const { exitCode, stderr } = await nightshift(cwd);
  if (exitCode !== 0) throw new Error(`a run that nothing disturbed ended with ${exitCode}: ${stderr}`);
  return { folder, table, rowCount: Number(counted?.['n']), digests: await digestsOf(cwd) };
}

export interface Staging {
  readonly name: string;
  readonly input: string;
  readonly mode?: 'error' | 'overwrite' | 'append';
  readonly maxRejected?: number;
  readonly checks?: readonly object[];
}

/** Makes the folder of a drill, or changes its job, and returns where it is. */
export async function stage({ folder }: Pick<Scene, 'folder'>, staging: Staging): Promise<string> {
  const { name, input, mode = 'overwrite', maxRejected = 0, checks = [] } = staging;
  const cwd = join(folder, name);
  await mkdir(cwd, { recursive: true });
  const job: Job = {
    ...flightsJob,
    input: { path: input, where },
    output: { path: 'out', mode, keep: ['flight_id'], columns: { late: 'label', probability: 'probabilities[1]' } },
    execution: { workersPerDevice: 2, intraOpThreads: 1, shardRows, batchSize: 64 },
    errors: { maxRejected },
    checks,
  };
  await writeSpec(cwd, { job });
  return cwd;
}

/** The command while it runs, and the process group that it leads. */
export interface Running {
  readonly pid: number;
  readonly events: readonly Event[];
}

export interface Watching {
  readonly env?: Readonly<Record<string, string>>;
  /** May look and kill. */
  readonly onEvent?: (event: Event, running: Running) => void;
}

/** Runs the built command in a process group of its own. */
export async function nightshift(
  cwd: string,
  args: readonly string[] = ['run', '--json'],
  { env = {}, onEvent }: Watching = {},
): Promise<Finished> {
  const options = { cwd, env, detached: true, reject: false, timeout: 200_000, killSignal: 'SIGKILL' } as const;
  const child = execa(process.execPath, [bin, ...args], options);
  const events: Event[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    for (const event of eventsIn({ stdout: line })) {
      events.push(event);
      onEvent?.(event, { pid: child.pid ?? Number.NaN, events });
    }
  });
  const { exitCode, stdout, stderr } = await child;
  return { exitCode, stdout, stderr };
}

/** Name and digest of each part that readers see. */
export async function digestsOf(cwd: string): Promise<Digests> {
  const names = (await readdir(join(cwd, 'out'))).filter((name) => name.startsWith('part-')).sort();
  const entries = names.map(async (name) => [name, await sha256OfFile(join(cwd, 'out', name))] as const);
  return Object.fromEntries(await Promise.all(entries));
}

export function partsOf(cwd: string): string {
  return `read_parquet('${cwd}/out/part-*.parquet')`;
}

interface Ledger {
  readonly in: number;
  readonly out: number;
  readonly rejected: number;
  readonly filtered: number;
}

/** Of each run that is published, in the order of publishing. */
export async function ledgersOf(cwd: string): Promise<readonly Ledger[]> {
  const text = await readIfPresent(join(cwd, 'out/_nightshift/manifest.json'));
  if (text === undefined) return [];
  const manifest: { readonly runs: readonly { readonly rows: Ledger }[] } = JSON.parse(text);
  return manifest.runs.map(({ rows }) => rows);
}

export async function leave(cwd: string): Promise<void> {
  await rm(cwd, { recursive: true });
}
