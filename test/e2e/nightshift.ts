import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DuckDBInstance, type JS } from '@duckdb/node-api';
import { execa } from 'execa';

export const root = join(import.meta.dirname, '../..');
export const bin = join(root, 'bin/nightshift.js');
export const typeModel = (name: string) => join(root, 'fixtures/models/types', `${name}.onnx`);

export type Row = Readonly<Record<string, JS>>;
export type Event = Readonly<Record<string, unknown>> & { readonly type: string };

export interface Finished {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export interface SpawnOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A folder of its own that goes when the scope ends; what a process that is being killed still writes goes, too. */
export async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'nightshift-e2e-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 5 }) };
}

/** Runs the built command as a user would. */
export async function nightshift(args: readonly string[], options: SpawnOptions): Promise<Finished> {
  const { exitCode, stdout, stderr } = await start(args, options);
  return { exitCode, stdout, stderr };
}

/** The command while it runs, for tests that watch or kill it. One that hangs ends before the test, to be named. */
export function start(args: readonly string[], { cwd, env = {} }: SpawnOptions) {
  return execa(process.execPath, [bin, ...args], { cwd, env, reject: false, timeout: 200_000, killSignal: 'SIGKILL' });
}

export type Job = Readonly<Record<string, unknown>>;

/** Runs jobs, one after the other, and returns their events with the rest; the spec is `<cwd>/jobs.yaml`. */
export async function runJobs(
  cwd: string,
  jobs: Readonly<Record<string, Job>>,
  args: readonly string[] = [],
): Promise<Finished & { readonly events: readonly Event[] }> {
  await writeSpec(cwd, jobs);
  const finished = await nightshift(['run', 'jobs.yaml', '--json', ...args], { cwd });
  return { ...finished, events: eventsIn(finished) };
}

export function runJob(cwd: string, job: Job, args: readonly string[] = []) {
  return runJobs(cwd, { job }, args);
}

/** JSON is YAML. */
export async function writeSpec(cwd: string, jobs: Readonly<Record<string, Job>>): Promise<void> {
  await writeFile(join(cwd, 'jobs.yaml'), JSON.stringify({ version: 1, jobs }, null, 2));
}

export function eventsIn({ stdout }: Pick<Finished, 'stdout'>): readonly Event[] {
  return stdout.split('\n').flatMap((line) => {
    if (!line.startsWith('{')) return [];
    const event: unknown = JSON.parse(line);
    return isEvent(event) ? [event] : [];
  });
}

function isEvent(value: unknown): value is Event {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}

/** Writes what a query selects; its rows are the file's, in the query's order. */
export async function makeParquet(path: string, select: string, rowGroupRows = 122_880): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  await sql(`COPY (${select}) TO '${path}' (FORMAT parquet, ROW_GROUP_SIZE ${rowGroupRows})`);
  return path;
}

/** A job's published rows in order; int64 is bigint. */
export function published(cwd: string, output = 'out'): Promise<readonly Row[]> {
  return sql(`SELECT * FROM read_parquet('${join(cwd, output)}/part-*.parquet')`);
}

/** Column → type of what a job published. */
export async function publishedTypes(cwd: string, output = 'out'): Promise<Readonly<Record<string, unknown>>> {
  const rows = await sql(`DESCRIBE SELECT * FROM read_parquet('${join(cwd, output)}/part-*.parquet')`);
  return Object.fromEntries(rows.map((row) => [String(row['column_name']), row['column_type']]));
}

/** Rejected rows of a job's runs, in order. */
export function rejected(cwd: string, output = 'out'): Promise<readonly Row[]> {
  return sql(
    `SELECT row_number, code, message FROM read_parquet('${join(cwd, output)}/_nightshift/runs/*/rejects/*.parquet')`,
  );
}

/** One column of a job's published rows. */
export async function publishedColumn(cwd: string, name: string, output = 'out'): Promise<readonly (JS | undefined)[]> {
  return (await published(cwd, output)).map((row) => row[name]);
}

export async function sql(text: string): Promise<readonly Row[]> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  try {
    await connection.run("SET TimeZone = 'UTC'");
    return (await connection.runAndReadAll(text)).getRowObjectsJS();
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
