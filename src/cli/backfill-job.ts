import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { AppError } from '../core/errors.ts';
import { type BackfillChoice, backfill, type Partition } from '../schedule/backfill.ts';
import type { JobSpec } from '../spec/job-spec.ts';
import type { LoadedSpec } from '../spec/load-spec.ts';
import type { BackfillFlags } from './backfill-flags.ts';
import { newBackfillReport, showDryRun } from './backfill-report.ts';
import { chooseJobs } from './choose-jobs.ts';
import { findHistory, newRunLauncher } from './context.ts';
import { Interruption } from './interruption.ts';
import type { Io } from './io.ts';
import { openSpec } from './open-spec.ts';
import { parseCount } from './parse-when.ts';
import { findPartition } from './partition-state.ts';
import { type PartitionsOf, partitionsOf, sharesOutput } from './partitions.ts';
import { firstFailure, showError } from './show-error.ts';
import { warnOfZone } from './warn-of-zone.ts';

interface BackfillRequest {
  readonly spec: string;
  readonly job: string | undefined;
  readonly flags: BackfillFlags;
}

/** Runs a job for a range of dates. @returns the exit code */
export async function backfillJob(io: Io, request: BackfillRequest): Promise<number> {
  const { flags } = request;
  const maxParallel = parseCount('--max-parallel', flags.maxParallel);
  if (maxParallel === 0)
    throw new AppError('USAGE', '--max-parallel 0: is not at least 1', { hint: 'write 1 or more' });
  const { from, to } = rangeOf(flags);
  const { spec, job } = await openJob(request);
  warnOfZone(io, [job]);
  const partitions = partitionsOf(job, { ...flags, from, to });
  const choice: BackfillChoice = flags.all === true ? 'all' : flags.failed === true ? 'failed' : 'missing';
  const key = { specPath: resolve(spec.path), job: job.name };
  using history = await findHistory(resolve(flags.stateDir));
  const isShared = sharesOutput(job, { partitions, every: flags.every });
  if (isShared && choice === 'all' && job.output.mode === 'append') throw wouldRepeat(job);
  const find = (partition: Partition) => findPartition(partition, { history, key, job, every: flags.every });
  if (flags.dryRun === true) return await showDryRun(io, { partitions, choice, find, flags });
  using report = newBackfillReport(io, { job: job.name, flags, stream: process.stderr });
  using interruption = new Interruption({
    hint: 'run the same command again to go on; what is published is passed over',
    onFirst: () => report.note('stopping the runs that go on'),
  });
  const ports = { launcher: await newRunLauncher('ignore'), find };
  try {
    const events = backfill(ports, {
      ...key,
      partitions,
      choice,
      // Of runs that share an output only one can have its lock.
      maxParallel: isShared ? 1 : maxParallel,
      signal: interruption.signal,
      stopSignal: () => interruption.received,
      options: runOptions(job, { flags, maxParallel: isShared ? 1 : maxParallel, choice }),
    });
    for await (const event of events) report.see(event);
  } catch (thrown) {
    const error = firstFailure(thrown);
    if (!interruption.signal.aborted) throw error;
    report.end();
    return showError(io, error, flags.json === true);
  }
  return report.end();
}

/** Asked for here, not by commander: of a wrong option it would say that the right one is missing. */
function rangeOf({ from, to }: BackfillFlags): Pick<PartitionsOf, 'from' | 'to'> {
  if (from !== undefined && to !== undefined) return { from, to };
  const missing = [...(from === undefined ? ['--from'] : []), ...(to === undefined ? ['--to'] : [])].join(' and ');
  throw new AppError('USAGE', `a backfill needs ${missing}`, {
    hint: 'name the first and the last date, like `--from 2026-11-01 --to yesterday`',
  });
}

/** `backfill JOB` means the job of the usual spec. */
async function openJob({ spec, job, flags }: BackfillRequest): Promise<{ spec: LoadedSpec; job: JobSpec }> {
  const isJobName = job === undefined && !/[./\\]/.test(spec) && !existsSync(spec);
  const path = isJobName ? 'jobs.yaml' : spec;
  const names = isJobName ? [spec] : job === undefined ? [] : [job];
  const loaded = await openSpec({ spec: path, names, flags: { set: flags.set ?? [] } });
  const [chosen, ...others] = chooseJobs(loaded, names);
  if (chosen !== undefined && others.length === 0) return { spec: loaded, job: chosen };
  throw new AppError('USAGE', `${path} has ${loaded.jobs.length} jobs, and a backfill is of one`, {
    hint: `name it: ${loaded.jobs.map(({ name }) => name).join(', ')}`,
  });
}

function wouldRepeat(job: JobSpec): AppError {
  return new AppError('USAGE', `--all: job ${job.name} appends to one output, so that its rows would be there twice`, {
    hint: 'put the date into output.path, so that a date can be replaced; or leave --all out',
  });
}

interface Wishes {
  readonly flags: BackfillFlags;
  readonly maxParallel: number;
  readonly choice: BackfillChoice;
}

/** What each run is told beside its date. */
function runOptions(job: JobSpec, { flags, maxParallel, choice }: Wishes): readonly string[] {
  const replaces = choice === 'all' && job.output.mode !== 'overwrite' ? ['--set', 'output.mode=overwrite'] : [];
  return [
    ...(flags.set ?? []).flatMap((set) => ['--set', set]),
    ...replaces,
    // A run whose backfill was killed stops by itself, which takes it a moment.
    ...['--wait', '1m'],
    ...(flags.maxRejected === undefined ? [] : ['--max-rejected', flags.maxRejected]),
    ...(flags.notify === false ? ['--no-notify'] : []),
    ...(maxParallel === 1 ? [] : ['--share', String(maxParallel)]),
    ...['--state-dir', resolve(flags.stateDir)],
  ];
}
