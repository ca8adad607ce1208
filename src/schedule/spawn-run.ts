import { execa } from 'execa';
import { z } from 'zod';
import { messageOf } from '../core/errors.ts';
import { parseJson } from '../core/parse-json.ts';
import type { LaunchedRun, Launcher, LaunchRequest, RunEnd } from './launcher.ts';

/** Longer than a run gives its workers to finish their batches. */
const killAfterMs = 30_000;
const interruptedCodes: readonly number[] = [129, 130, 137, 141, 142, 143];

export interface SpawnOptions {
  /** Absolute path of nightshift's entry. */
  readonly entry: string;
  /** What goes before `run`, such as options that Node takes. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where the errors and warnings of runs go. */
  readonly stderr: 'inherit' | 'ignore';
}

const rowsSchema = z.object({ in: z.number(), out: z.number(), rejected: z.number(), filtered: z.number() });

/** What is read of a run's events; there are more, and they have more. */
const eventSchema = z.object({
  type: z.string(),
  runId: z.string().optional(),
  rows: z.unknown().optional(),
  code: z.string().optional(),
  message: z.string().optional(),
  reason: z.string().optional(),
});

/** Runs as children: `nightshift run SPEC JOB --json`. A child whose parent was killed loses its reader, and stops. */
export function newLauncher(options: SpawnOptions): Launcher {
  return { launch: (request) => launch(options, request) };
}

function launch({ entry, env, stderr }: SpawnOptions, request: LaunchRequest): LaunchedRun {
  const started = performance.now();
  const child = execa(process.execPath, [entry, ...argumentsOf(request)], {
    env: { ...env },
    extendEnv: false,
    stdin: 'ignore',
    stderr,
    buffer: false,
    reject: false,
    // It would see to SIGTERM only.
    forceKillAfterDelay: false,
  });
  const watch = async (): Promise<RunEnd> => {
    let told: Omit<RunEnd, 'exitCode' | 'state' | 'seconds'> & { readonly isSkipped?: boolean } = {};
    for await (const line of child.iterable({ from: 'stdout' })) told = { ...told, ...toldBy(line) };
    const { exitCode, signal, originalMessage } = await child;
    const seconds = (performance.now() - started) / 1000;
    const { isSkipped = false, ...rest } = told;
    if (exitCode === undefined) {
      const message = signal === undefined ? (originalMessage ?? 'it could not be started') : `killed by ${signal}`;
      return { message, ...rest, exitCode: signal === undefined ? 4 : 137, state: stateOf(137), seconds };
    }
    return { ...rest, exitCode, state: isSkipped && exitCode === 0 ? 'skipped' : stateOf(exitCode), seconds };
  };
  // What cannot even be watched has not run.
  const ended = watch().catch((error: unknown): RunEnd => {
    child.kill('SIGKILL');
    return { exitCode: 4, state: 'failed', seconds: (performance.now() - started) / 1000, message: messageOf(error) };
  });
  const stop: LaunchedRun['stop'] = (by = 'SIGTERM') => {
    child.kill(by);
    const timer = setTimeout(() => child.kill('SIGKILL'), killAfterMs);
    void ended.then(() => clearTimeout(timer));
  };
  return { ended, stop, kill: () => void child.kill('SIGKILL') };
}

function argumentsOf({ specPath, job, logicalDate, trigger, options }: LaunchRequest): readonly string[] {
  return ['run', specPath, job, '--date', logicalDate, '--trigger', trigger, '--json', '--quiet', ...options];
}

function toldBy(line: unknown): Partial<RunEnd> & { readonly isSkipped?: boolean } {
  const event = eventSchema.safeParse(parseJson(String(line)));
  if (!event.success) return {};
  const { type, runId, rows, code, message, reason } = event.data;
  const id = runId === undefined || runId === '' ? {} : { runId };
  switch (type) {
    case 'run-published': {
      const ledger = rowsSchema.safeParse(rows);
      return ledger.success ? { ...id, rows: ledger.data } : id;
    }
    case 'run-skipped':
      return { ...id, isSkipped: true, message: reason };
    case 'error':
      return { ...id, code, message };
    default:
      return id;
  }
}

function stateOf(exitCode: number): RunEnd['state'] {
  if (exitCode === 0) return 'published';
  return interruptedCodes.includes(exitCode) ? 'interrupted' : 'failed';
}
