import { cp, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { newPorts } from '../../src/cli/context.ts';
import { sha256OfFile } from '../../src/core/files.ts';
import { isVerified, verifyOutput } from '../../src/run/verify-output.ts';
import { bin, type Job, makeParquet, sql, typeModel, writeSpec } from '../e2e/nightshift.ts';
import { type DiskChange, type KillPoint, killedFile, recordFile, stablePath } from './kill-point.ts';

const shards = 6;
const shardRows = 20;

export const scenarioNames = ['fresh', 'overwrite', 'append', 'resume'] as const;
export type ScenarioName = (typeof scenarioNames)[number];

/** What a run starts from, and what it has to end with. */
export interface Scenario {
  readonly name: ScenarioName;
  /** A folder with jobs.yaml and what was in the output before; copied for each run. */
  readonly template: string;
  readonly changes: readonly DiskChange[];
  readonly wanted: Published;
}

/** What readers see, and every name that is in the output folder. */
export interface Published {
  readonly digests: Readonly<Record<string, string>>;
  readonly ids: readonly string[];
  readonly names: readonly string[];
  readonly problems: readonly string[];
}

export interface Ran {
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  readonly stderr: string;
}

export interface Chaos {
  /** Where the shim keeps its records. */
  readonly folder: string;
  /** Kills, or keeps a journal. */
  readonly shim?: 'shim.ts' | 'journal-shim.ts';
  readonly point?: KillPoint;
}

/** The command under test, in a process group of its own. */
export async function run(cwd: string, chaos?: Chaos): Promise<Ran> {
  const shim = join(import.meta.dirname, chaos?.shim ?? 'shim.ts');
  const env =
    chaos === undefined
      ? {}
      : {
          NODE_OPTIONS: `--import=${shim}`,
          CHAOS_FOLDER: chaos.folder,
          ...(chaos.point === undefined ? {} : { CHAOS_POINT: JSON.stringify(chaos.point) }),
        };
  const args = [bin, 'run', '--workers', chaos?.shim === undefined ? '2' : '1'];
  const options = { cwd, env, detached: true, reject: false, timeout: 120_000, killSignal: 'SIGKILL' } as const;
  const { exitCode, signal, stderr } = await execa(process.execPath, args, options);
  return { exitCode, signal, stderr };
}

async function recorded(folder: string): Promise<readonly DiskChange[]> {
  const text = await readFile(join(folder, recordFile), 'utf8');
  return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));
}

export async function wasKilled(folder: string): Promise<boolean> {
  return (await readdir(folder)).includes(killedFile);
}

/** Looks at an output as its readers do, and at what nobody should find. */
export async function look(cwd: string): Promise<Published> {
  const output = join(cwd, 'out');
  const parts = (await readdir(output)).filter((name) => name.startsWith('part-')).sort();
  const digests = await Promise.all(parts.map((name) => sha256OfFile(join(output, name))));
  const rows = await sql(`SELECT id FROM read_parquet('${output}/part-*.parquet')`);
  const entries = await readdir(output, { recursive: true });
  const verification = await verifyOutput(newPorts(), output);
  const problems = verification.checks.flatMap(({ name, problems }) => problems.map((text) => `${name}: ${text}`));
  return {
    digests: Object.fromEntries(parts.map((name, index) => [name, digests[index] ?? ''])),
    ids: rows.map((row) => String(row['id'])),
    // What someone who dies while taking the lock leaves has a few bytes, and might be of someone alive.
    names: entries
      .map(stablePath)
      .filter((name) => !/lock(\.claim)*\.<own>\.tmp$/.test(name))
      .sort(),
    problems: isVerified(verification) ? [] : problems,
  };
}

export async function makeInput(folder: string, name: string, rows: number): Promise<string> {
  // Rows of two of the shards have no value for the model.
  const select = `SELECT i::BIGINT AS id, (CASE WHEN i IN (3, 25, 27) THEN NULL ELSE i END)::FLOAT AS a, (i * 2)::FLOAT AS b FROM range(${rows}) t(i)`;
  return makeParquet(join(folder, name), select);
}

export function jobOf(input: string, mode: 'overwrite' | 'append'): Job {
  return {
    model: typeModel('float32'),
    input,
    features: { x: ['a', 'b'] },
    output: { path: 'out', mode, keep: ['id'] },
    execution: { shardRows, batchSize: 8 },
    errors: { maxRejected: 10 },
  };
}

/** Makes what a scenario starts from, records the changes of a run that nothing disturbs, and looks at its output. */
export async function makeScenario(folder: string, name: ScenarioName): Promise<Scenario> {
  const template = join(folder, name);
  await mkdir(template, { recursive: true });
  const input = await makeInput(folder, 'new.parquet', shards * shardRows);
  if (name === 'overwrite' || name === 'append') {
    const old = await makeInput(folder, `old-${name}.parquet`, (shards + 2) * shardRows);
    await writeSpec(template, { job: jobOf(old, name) });
    await expectSuccess(await run(template));
  }
  const job = jobOf(input, name === 'append' ? 'append' : 'overwrite');
  await writeSpec(template, { job });
  if (name === 'resume') await interrupt(template);
  const records = `${template}-records`;
  const undisturbed = `${template}-undisturbed`;
  await mkdir(records);
  await cp(template, undisturbed, { recursive: true });
  await expectSuccess(await run(undisturbed, { folder: records }));
  return { name, template, changes: await recorded(records), wanted: await look(undisturbed) };
}

/** A run that ended with all its family in the middle of its fourth commit. */
async function interrupt(template: string): Promise<void> {
  const records = `${template}-interrupted`;
  await mkdir(records);
  const path = 'out/_nightshift/runs/<run>/commits/00003.json';
  const point = { role: 'worker', change: 'rename', path, nth: 1, moment: 'before', victims: 'all' } as const;
  await run(template, { folder: records, point });
  if (!(await wasKilled(records))) throw new Error('the run that was to be resumed came to its end');
  await rm(records, { recursive: true });
}

export async function expectSuccess({ exitCode, stderr }: Ran): Promise<void> {
  if (exitCode !== 0) throw new Error(`a run that nothing disturbed ended with ${exitCode}: ${stderr}`);
}
