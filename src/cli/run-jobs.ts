import { AppError, exitCodeOf } from '../core/errors.ts';
import type { JobRequest } from '../run/prepare-job.ts';
import { type RunOptions, runJob } from '../run/run-job.ts';
import type { JobSpec } from '../spec/job-spec.ts';
import type { LoadedSpec } from '../spec/load-spec.ts';
import { checkOutputs, chooseJobs, jobRequest } from './choose-jobs.ts';
import { chooseReporter } from './choose-reporter.ts';
import { newPorts } from './context.ts';
import { Interruption, LostReader } from './interruption.ts';
import type { Io } from './io.ts';
import { openSpec, type SpecRequest } from './open-spec.ts';
import { parseDuration } from './parse-duration.ts';
import type { Reporter } from './reporter.ts';
import type { RunFlags } from './run-command.ts';
import { errorLine, errorText, firstFailure } from './show-error.ts';

/**
 * Runs jobs in their order. The first failure ends it, or with `keepGoing` is remembered; an interruption always does.
 * @returns the exit code
 */
export async function runJobs(io: Io, request: SpecRequest<RunFlags>): Promise<number> {
  const { flags } = request;
  const waitMs = flags.wait === undefined ? 0 : parseDuration('--wait', flags.wait);
  const spec = await openSpec(request);
  const jobs = chooseJobs(spec, request.names);
  checkOutputs(spec, jobs);
  checkResume(flags, jobs);
  using reporter = chooseReporter(io, flags);
  using interruption = new Interruption({
    hint: 'run the same command again to go on; finished shards are kept',
    onFirst: (name) =>
      reporter.note(
        `stopping after the current batch; ${name === 'SIGINT' ? 'press Ctrl-C again' : 'send another signal'} to stop now`,
      ),
  });
  const { signal } = interruption;
  let exitCode = 0;
  for (const [index, job] of jobs.entries()) {
    const failure = await runOne({
      spec,
      job,
      reporter,
      options: { restart: flags.restart === true, resume: flags.resume, waitMs, signal },
    });
    if (failure === undefined) continue;
    // Below a bar that still moves, the message would be overwritten.
    reporter[Symbol.dispose]();
    showFailure(io, failure.error, { job: job.name, isJson: flags.json === true });
    if (exitCode === 0) exitCode = exitCodeOf(failure.error);
    if (flags.keepGoing === true && !signal.aborted) continue;
    const left = jobs.slice(index + 1).map(({ name }) => name);
    if (left.length > 0 && !(failure.error instanceof LostReader)) reporter.note(notRun(left, signal.aborted));
    break;
  }
  // What was given up for a signal, like copying an input, may still hold the process.
  if (signal.aborted) process.exit(exitCode);
  return exitCode;
}

/** @throws AppError USAGE when it is not clear whose run it is */
function checkResume({ resume }: RunFlags, jobs: readonly JobSpec[]): void {
  if (resume === undefined || jobs.length === 1) return;
  throw new AppError('USAGE', `--resume ${resume}: is a run of one job, and ${jobs.length} would run`, {
    hint: `name the job: ${jobs.map(({ name }) => name).join(', ')}`,
  });
}

interface OneJob {
  readonly spec: LoadedSpec;
  readonly job: JobSpec;
  readonly reporter: Reporter;
  readonly options: Omit<RunOptions, keyof JobRequest> & { readonly signal: AbortSignal };
}

/** @returns what the job failed with, if it did */
async function runOne({ spec, job, reporter, options }: OneJob): Promise<{ readonly error: unknown } | undefined> {
  try {
    options.signal.throwIfAborted();
    for await (const event of runJob(newPorts(), { ...jobRequest(spec, job), ...options })) reporter.report(event);
    return undefined;
  } catch (thrown) {
    return { error: firstFailure(thrown) };
  }
}

function showFailure(
  io: Io,
  error: unknown,
  { job, isJson }: { readonly job: string; readonly isJson: boolean },
): void {
  if (error instanceof LostReader) return;
  if (isJson) io.out(`${errorLine(error, { job })}\n`);
  io.err(errorText(error, io.paintErr));
}

function notRun(names: readonly string[], wasAborted: boolean): string {
  const jobs = names.length === 1 ? `job ${names[0]} was` : `jobs ${names.join(', ')} were`;
  return `${jobs} not run${wasAborted ? '' : '; --keep-going goes on after a failure'}`;
}
