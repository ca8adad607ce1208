import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { AppError, isErrorCode, messageOf } from '../core/errors.ts';
import { isAlive } from '../core/host.ts';
import { loggedErrorSchema, shownState } from '../history/contract.ts';
import { eventVersion, type RunEvent } from '../run/events.ts';
import { findHistory } from './context.ts';
import type { Io } from './io.ts';
import { newLineReporter } from './report-lines.ts';
import { chosenRun } from './runs.ts';
import type { RunsLogsFlags } from './runs-flags.ts';
import { errorText } from './show-error.ts';

const lookEveryMs = 200;

/** Prints what a run told. @returns the exit code */
export async function showLog(io: Io, wanted: string, flags: RunsLogsFlags): Promise<number> {
  using history = await findHistory(resolve(flags.stateDir));
  const [{ runId, logPath }] = chosenRun(history, wanted, flags);
  const isOver = () => {
    const [run] = history?.findRun(runId) ?? [];
    return flags.follow !== true || run === undefined || shownState(run, isAlive) !== 'running';
  };
  if (logPath === undefined) throw new AppError('HISTORY_UNAVAILABLE', `run ${runId} has no log`);
  const show = flags.json === true ? (line: string) => io.out(`${line}\n`) : newLogText(io, flags);
  for await (const line of logLines(logPath, isOver)) show(line);
  return 0;
}

/** The lines of a file, those that come later included until it is over. */
async function* logLines(path: string, isOver: () => boolean): AsyncGenerator<string> {
  await using file = await open(path).catch((error: unknown) => {
    throw new AppError('HISTORY_UNAVAILABLE', `cannot read the log ${path}: ${messageOf(error)}`, {
      hint: 'it may have been removed; `nightshift runs show` tells what is known of the run',
      cause: error,
    });
  });
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(1 << 16);
  for (let rest = ''; ; await setTimeout(lookEveryMs)) {
    // Asked before reading, so that what is written until then is read.
    const isLast = isOver();
    for (;;) {
      const { bytesRead } = await file.read(buffer);
      if (bytesRead === 0) break;
      const lines = (rest + decoder.decode(buffer.subarray(0, bytesRead), { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
    }
    // What has no end was cut off as the process was killed.
    if (isLast) return;
  }
}

/** Turns logged events into the lines that the run printed. */
function newLogText(io: Io, flags: RunsLogsFlags): (line: string) => void {
  const log: Io = { ...io, err: io.out, paintErr: io.paintOut };
  const verbosity = flags.verbose === true ? 'verbose' : 'normal';
  const reporter = newLineReporter(log, { verbosity, folder: process.cwd() });
  return (line) => {
    try {
      const parsed: unknown = JSON.parse(line);
      const failure = loggedErrorSchema.safeParse(parsed);
      if (failure.success) io.out(failureText(failure.data, io));
      else if (isEvent(parsed)) reporter.report(parsed);
      else io.out(`${line}\n`);
    } catch {
      // An event of another version of nightshift, most likely.
      io.out(`${line}\n`);
    }
  };
}

function failureText({ code, message, hint }: ReturnType<typeof loggedErrorSchema.parse>, io: Io): string {
  if (!isErrorCode(code)) return `error ${code}: ${message}\n`;
  return errorText(new AppError(code, message, hint === undefined ? {} : { hint }), io.paintOut);
}

/** Written by a run; what the fields of each type are, that run knew. */
function isEvent(value: unknown): value is RunEvent {
  return typeof value === 'object' && value !== null && 'v' in value && value.v === eventVersion && 'type' in value;
}
