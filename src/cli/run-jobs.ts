import { resolve } from 'node:path';
import { AppError, exitCodeOf } from '../core/errors.ts';
import type { DatedJob } from '../run/date-job.ts';
import type { JobRequest } from '../run/job-request.ts';
import type { Ports } from '../run/ports.ts';
import { type RunOptions, runJob } from '../run/run-job.ts';
import type { LoadedSpec } from '../spec/load-spec.ts';
import { checkOutputs, chooseJobs, jobRequest } from './choose-jobs.ts';
import { chooseReporter } from './choose-reporter.ts';
import { newPorts, optimizedModelsIn } from './context.ts';
import { dateJobs } from './date-jobs.ts';
import { Interruption, LostReader } from './interruption.ts';
import type { Io } from './io.ts';
import { newRecorder, recordedJob } from './new-recorder.ts';
import { failedNotice, openNotices } from './open-notices.ts';
import { openSpec, type SpecRequest } from './open-spec.ts';
import { parseDuration } from './parse-duration.ts';
import { parseCount } from './parse-when.ts';
import type { Reporter } from './reporter.ts';
import type { RunFlags } from './run-flags.ts';
import type { JobRecorder, RunRecorder } from './run-recorder.ts';
import { errorLine, errorText, firstFailure } from './show-error.ts';
import { tellSpecFailure } from './tell-spec-failure.ts';
import { warnOfZone } from './warn-of-zone.ts';

/**
 * Runs jobs in their order. The first failure ends it, or with `keepGoing` is remembered; an interruption always does.
 * @returns the exit code
 */
export async function runJobs(io: Io, request: SpecRequest<RunFlags>): Promise<number> {
  const { flags } = request;
  const waitMs = flags.wait === undefined ? 0 : parseDuration('--wait', flags.wait);
  using reporter = chooseReporter(io, flags);
  await using recorder = newRecorder(flags, reporter);
  const { spec, jobs } = await openJobs(io, request, { recorder, reporter });
  // What a timer or a backfill begins was warned of by them.
  if ((flags.trigger ?? 'manual') === 'manual')
    warnOfZone(
      io,
      jobs.map(({ job }) => job),
    );
  using interruption = new Interruption({
    hint: goOnHint(jobs, flags),
    onFirst: (name) =>
      reporter.note(
        `stopping after the current batch; ${name === 'SIGINT' ? 'press Ctrl-C again' : 'send another signal'} to stop now`,
      ),
  });
  const { signal } = interruption;
  const ports = newPorts(Math.max(1, parseCount('--share', flags.share ?? '1')));
  let exitCode = 0;
  for (const [index, dated] of jobs.entries()) {
    const { job, runId } = dated;
    if (runId !== undefined && flags.resume === undefined && flags.quiet !== true)
      reporter.note(`${job.name}: this is run ${runId}; if it is cut off, --resume ${runId} goes on with it`);
    using notices = await openNotices(io, { spec, dated, flags, reporter, signal });
    const failure = await runOne({
      spec,
      dated,
      record: recorder?.begin(recordedJob(spec, dated)),
      ports,
      reporter: { report: notices.see },
      options: {
        restart: flags.restart === true,
        resume: flags.resume,
        waitMs,
        signal,
        optimizedModels: optimizedModelsIn(resolve(flags.stateDir)),
      },
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
    const left = jobs.slice(index + 1).map((other) => other.job.name);
    if (left.length > 0 && !(failure.error instanceof LostReader)) reporter.note(notRun(left, signal.aborted));
    break;
  }
  // What was given up for a signal, like copying an input, may still hold the process.
  if (signal.aborted) process.exit(exitCode);
  return exitCode;
}

/** @throws AppError USAGE, SPEC_NOT_FOUND, SPEC_INVALID; the jobs that were asked for have failed with it */
async function openJobs(
  io: Io,
  request: SpecRequest<RunFlags>,
  { recorder, reporter }: { readonly recorder: RunRecorder | undefined; readonly reporter: Reporter },
): Promise<{ readonly spec: LoadedSpec; readonly jobs: readonly DatedJob[] }> {
  try {
    const spec = await openSpec(request);
    const jobs = dateJobs(newPorts(), chooseJobs(spec, request.names), request.flags);
    checkOutputs(spec, jobs);
    checkResume(request.flags, jobs);
    return { spec, jobs };
  } catch (error) {
    // A mistake on the command line is nothing that ran.
    const isMistake = error instanceof AppError && error.code === 'USAGE';
    for (const job of new Set(isMistake ? [] : request.names)) {
      await recorder?.begin({ job, specPath: resolve(request.spec) }).end({ error });
      for (const delivery of await tellSpecFailure(io, { ...request, job, error }))
        reporter.report(failedNotice(delivery, { job, runId: '' }));
    }
    throw error;
  }
}

/** @throws AppError USAGE when it is not clear whose run it is */
function checkResume({ resume }: RunFlags, jobs: readonly DatedJob[]): void {
  if (resume === undefined || jobs.length === 1) return;
  throw new AppError('USAGE', `--resume ${resume}: is a run of one job, and ${jobs.length} would run`, {
    hint: `name the job: ${jobs.map(({ job }) => job.name).join(', ')}`,
  });
}

/** A run whose paths have its id is found again by that only. */
function goOnHint(jobs: readonly DatedJob[], { resume }: RunFlags): string {
  const ids = resume === undefined ? jobs.flatMap(({ runId }) => runId ?? []) : [];
  const how = ids.length === 0 ? 'to go on' : `with --resume ${ids.length === 1 ? ids[0] : 'RUN'} to go on`;
  return `run the same command again ${how}; finished shards are kept`;
}

interface OneJob {
  readonly spec: LoadedSpec;
  readonly dated: DatedJob;
  readonly record: JobRecorder | undefined;
  readonly ports: Ports;
  readonly reporter: Pick<Reporter, 'report'>;
  readonly options: Omit<RunOptions, keyof JobRequest> & { readonly signal: AbortSignal };
}

/** @returns what the job failed with, if it did */
async function runOne(one: OneJob): Promise<{ readonly error: unknown } | undefined> {
  const { spec, dated, reporter, record, ports, options } = one;
  try {
    options.signal.throwIfAborted();
    for await (const event of runJob(ports, { ...jobRequest(spec, dated), ...options })) {
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
