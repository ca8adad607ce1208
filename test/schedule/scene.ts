import { watch } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bin, makeParquet, root, writeSpec } from '../e2e/nightshift.ts';

/** Why it could not be tried, or how long the job took to run by itself. */
export type Outcome = { readonly skipped: string } | { readonly firedAfterMs: number };

/** A job that is due every minute, in a folder of its own. */
export interface Scene {
  readonly folder: string;
  /** What the timer calls, as it is named where the timer is. */
  readonly bin: string;
  readonly success: string;
}

export interface SceneOptions {
  readonly folder: string;
  /** Where this checkout is for the one who runs the job. */
  readonly checkout?: string;
}

export async function makeScene({ folder, checkout = root }: SceneOptions): Promise<Scene> {
  await mkdir(folder, { recursive: true });
  await makeParquet(join(folder, 'in.parquet'), 'SELECT i AS id, i::FLOAT AS x FROM range(6) t(i)');
  await writeSpec(folder, {
    'every-minute': {
      model: join(checkout, 'fixtures/models/types/square.onnx'),
      input: 'in.parquet',
      features: { x: 'x' },
      output: { path: 'out', mode: 'overwrite', keep: ['id'] },
      schedule: { cron: '* * * * *', timeZone: 'UTC', service: { environment: ['AWKWARD'] } },
    },
  });
  const entry = join(folder, 'nightshift.mjs');
  await writeFile(entry, witness(join(checkout, bin.slice(root.length))));
  return { folder, bin: entry, success: join(folder, 'out/_SUCCESS') };
}

/** Holds what a shell, cron and systemd each give a meaning to. */
export const awkward = `100% it's "$HOME" \\% \\\\ %n \`id\` ü`;

/** The built command, which first writes down what it was given. */
function witness(command: string): string {
  return `import { writeFileSync } from 'node:fs';
const { AWKWARD } = process.env;
const at = process.argv.indexOf('--state-dir');
if (process.argv[3] === 'run-due') writeFileSync(process.argv[at + 1] + '/awkward.txt', AWKWARD ?? '');
await import(${JSON.stringify(command)});
`;
}

/** Whether the call with this state folder was given the variable as it was set. */
export async function checkGiven(stateFolder: string): Promise<void> {
  const given = await readFile(join(stateFolder, 'nightshift/awkward.txt'), 'utf8');
  if (given !== awkward) throw new Error(`the job was given ${JSON.stringify(given)}, not ${JSON.stringify(awkward)}`);
}

/** Whether the history knows the run as one that the timer began. */
export function checkRecorded(run: Readonly<Record<string, unknown>> | null, startedBy: 'cron' | 'systemd'): void {
  const said = { trigger: run?.['trigger'], startedBy: run?.['startedBy'], logicalDate: typeof run?.['logicalDate'] };
  const wanted = { trigger: 'schedule', startedBy, logicalDate: 'string' };
  if (JSON.stringify(said) !== JSON.stringify(wanted)) throw new Error(`the history says ${JSON.stringify(run)}`);
}

/** Waits until something is so, and looks whenever anything changes in a folder. */
export async function changeIn(
  folder: string,
  isSo: () => boolean,
  { limitMs, signal }: { readonly limitMs: number; readonly signal: AbortSignal },
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const limit = AbortSignal.timeout(limitMs);
  const end = AbortSignal.any([limit, signal]);
  const fail = () => reject(limit.aborted ? new Error(`nothing came of it within ${limitMs / 1000} s`) : signal.reason);
  end.addEventListener('abort', fail, { once: true });
  if (end.aborted) fail();
  const look = () => {
    if (isSo()) resolve();
  };
  const watcher = watch(folder, { recursive: true }, look);
  look();
  try {
    await promise;
  } finally {
    end.removeEventListener('abort', fail);
    watcher.close();
  }
}
