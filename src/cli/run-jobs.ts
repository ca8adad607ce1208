import { resolve } from 'node:path';
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
import { newRecorder, recordedJob } from './new-recorder.ts';
import { openNotices } from './open-notices.ts';
import { openSpec, type SpecRequest } from './open-spec.ts';
import { parseDuration } from './parse-duration.ts';
import type { Reporter } from './reporter.ts';
import type { RunFlags } from './run-command.ts';
import type { JobRecorder, RunRecorder } from './run-recorder.ts';
import { errorLine, errorText, firstFailure } from './show-error.ts';

/**
 * Runs jobs in their order. The first failure ends it, or with `keepGoing` is remembered; an interruption always does.
 * @returns the exit code
 */
export async function runJobs(io: Io, request: SpecRequest<RunFlags>): Promise<number> {
  const { flags } = request;
  const waitMs = flags.wait === undefined ? 0 : parseDuration('--wait', flags.wait);
  using reporter = chooseReporter(io, flags);
  const recorder = newRecorder(flags, reporter);
  const { spec, jobs } = await openJobs(request, recorder);
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
    using notices = await openNotices(io, { spec, job, flags, reporter, signal });
    const failure = await runOne({
      spec,
      job,
      record: recorder?.begin(recordedJob(spec, job)),
      reporter: { report: notices.see },
      options: { restart: flags.restart === true, resume: flags.resume, waitMs, signal },
    });
    if (failure !== undefined) {
      // Below a bar that still moves, the message would be overwritten.
      reporter[Symbol.dispose]();
      showFailure(io, failure.error, { job: job.name, isJson: flags.json === true });
    }
    await notices.end(failure);
    if (failure === undefined) continue;
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

/** @throws AppError USAGE, SPEC_NOT_FOUND, SPEC_INVALID; the jobs that were asked for have failed with it */
async function openJobs(
  request: SpecRequest<RunFlags>,
  recorder: RunRecorder | undefined,
): Promise<{ readonly spec: LoadedSpec; readonly jobs: readonly JobSpec[] }> {
  try {
    const spec = await openSpec(request);
    const jobs = chooseJobs(spec, request.names);
    checkOutputs(spec, jobs);
    checkResume(request.flags, jobs);
    return { spec, jobs };
  } catch (error) {
    // A mistake on the command line is nothing that ran.
    const isMistake = error instanceof AppError && error.code === 'USAGE';
    const failed = recorder === undefined || isMistake ? [] : request.names;
    for (const job of new Set(failed)) await recorder?.begin({ job, specPath: resolve(request.spec) }).end({ error });
    throw error;
  }
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
  readonly record: JobRecorder | undefined;
  readonly reporter: Pick<Reporter, 'report'>;
  readonly options: Omit<RunOptions, keyof JobRequest> & { readonly signal: AbortSignal };
}

/** @returns what the job failed with, if it did */
async function runOne(one: OneJob): Promise<{ readonly error: unknown } | undefined> {
  const { spec, job, reporter, record, options } = one;
  try {
    options.signal.throwIfAborted();
    for await (const event of runJob(newPorts(), { ...jobRequest(spec, job), ...options })) {
      reporter.report(event);
      await record?.see(event);
    }
    await record?.end();
    return undefined;
  } catch (thrown) {
    const failure = { error: firstFailure(thrown) };
    await record?.end(failure);
    return failure;
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
