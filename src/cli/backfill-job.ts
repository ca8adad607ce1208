import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { AppError } from '../core/errors.ts';
import { isAlive } from '../core/host.ts';
import { formatLogicalDate } from '../core/zoned-date.ts';
import { type History, type RunRecord, shownState } from '../history/contract.ts';
import { dateJob, dateText } from '../run/date-job.ts';
import {
  type BackfillChoice,
  type BackfillEvent,
  backfill,
  type Partition,
  type PartitionState,
} from '../schedule/backfill.ts';
import type { RunEnd } from '../schedule/launcher.ts';
import { nextStart, partitionDates } from '../schedule/partition-dates.ts';
import { usesTemplates, zoneOf } from '../spec/fill-templates.ts';
import type { JobSpec } from '../spec/job-spec.ts';
import type { LoadedSpec } from '../spec/load-spec.ts';
import { aligned, pluralText } from './aligned.ts';
import type { BackfillFlags } from './backfill-command.ts';
import { backfillLine, partitionCells } from './backfill-text.ts';
import { chooseJobs } from './choose-jobs.ts';
import { findHistory, newPorts, newRunLauncher } from './context.ts';
import { Interruption } from './interruption.ts';
import type { Io } from './io.ts';
import { openSpec } from './open-spec.ts';
import { parseCount } from './parse-when.ts';
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
  const { spec, job } = await openJob(request);
  warnOfZone(io, [job]);
  const partitions = partitionsOf(job, flags);
  const choice: BackfillChoice = flags.all === true ? 'all' : flags.failed === true ? 'failed' : 'missing';
  const key = { specPath: resolve(spec.path), job: job.name };
  using history = await findHistory(resolve(flags.stateDir));
  const isShared = sharesOutput(job, { partitions, every: flags.every });
  if (isShared && choice === 'all' && job.output.mode === 'append') throw wouldRepeat(job);
  const isByRun = usesTemplates(job, 'run.id');
  const stateOf = (partition: Partition) => partitionState(partition, { history, key, isShared, isByRun });
  if (flags.dryRun === true) return await showDryRun(io, { partitions, choice, stateOf, flags });
  using interruption = new Interruption({
    hint: 'run the same command again to go on; what is published is passed over',
    onFirst: () => io.err('stopping the runs that go on\n'),
  });
  const report = newReport(io, { job: job.name, flags });
  const ports = { launcher: await newRunLauncher('ignore'), stateOf };
  try {
    const events = backfill(ports, {
      ...key,
      partitions,
      choice,
      // Of runs that share an output only one can have its lock.
      maxParallel: isShared ? 1 : maxParallel,
      signal: interruption.signal,
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

/** @throws AppError USAGE where the dates would publish over each other */
function partitionsOf(job: JobSpec, { from, to, every, reverse }: BackfillFlags): readonly Partition[] {
  const zone = zoneOf(job);
  const dates = partitionDates({ from, to, every, zone, nowMs: Date.now() });
  const partitions = dates.map((dateMs) => ({
    dateMs,
    logicalDate: formatLogicalDate(dateMs, zone),
    output: resolve(job.baseDir, outputFor(job, dateMs)),
  }));
  const [first, second] = partitions;
  const areDistinct = new Set(partitions.map(({ output }) => output)).size === partitions.length;
  if (!areDistinct && job.output.mode !== 'append') {
    const shared = first?.output === second?.output ? first : undefined;
    throw new AppError(
      'USAGE',
      `job ${job.name} would publish several ${every}s to ${shared?.output ?? 'the same folder'}, each over the last`,
      { hint: `put the date into output.path, like \`out/${job.name}/dt=\${date}\`, or let output.mode be append` },
    );
  }
  return reverse === true ? partitions.toReversed() : partitions;
}

interface OutputsOf {
  readonly partitions: readonly Partition[];
  readonly every: BackfillFlags['every'];
}

/** Whether other dates, of this backfill or not, have the output of one of these. */
function sharesOutput(job: JobSpec, { partitions, every }: OutputsOf): boolean {
  const outputs = new Set(partitions.map(({ output }) => output));
  if (outputs.size < partitions.length) return true;
  const last = Math.max(...partitions.map(({ dateMs }) => dateMs));
  return outputs.has(resolve(job.baseDir, outputFor(job, nextStart(last, zoneOf(job), every))));
}

function wouldRepeat(job: JobSpec): AppError {
  return new AppError('USAGE', `--all: job ${job.name} appends to one output, so that its rows would be there twice`, {
    hint: 'put the date into output.path, so that a date can be replaced; or leave --all out',
  });
}

function outputFor(job: JobSpec, dateMs: number): string {
  // An output that has the id of its run in it lies nowhere before it runs, and is no other's.
  return dateJob(job, { logicalDate: dateMs, isAsked: true, runId: () => `run-${dateMs}` }).job.output.path;
}

interface KnownOf {
  readonly history: History | undefined;
  readonly key: { readonly specPath: string; readonly job: string };
  /** Whether several dates have one output, as with append. */
  readonly isShared: boolean;
  /** Whether each run has an output of its own, which only the history can name. */
  readonly isByRun: boolean;
}

function outputOf({ output }: Partition, records: readonly RunRecord[], isByRun: boolean): string {
  const published = isByRun ? records.find(({ state }) => state === 'published') : undefined;
  return published?.outputPath ?? output;
}

/** What lies there is the truth; the history only tells what failed. */
async function partitionState(
  partition: Partition,
  { history, key, isShared, isByRun }: KnownOf,
): Promise<PartitionState> {
  const { store } = newPorts();
  const records = history?.runsOf({ ...key, logicalDates: [partition.dateMs] }) ?? [];
  const published = await store.readPublished(outputOf(partition, records, isByRun));
  const isOfDate = published?.runs.some(
    ({ logicalDate }) => logicalDate !== undefined && Date.parse(logicalDate) === partition.dateMs,
  );
  if (published !== undefined && (isOfDate === true || !isShared)) return 'published';
  const [latest] = records;
  const state = latest === undefined ? undefined : shownState(latest, isAlive);
  return state === 'failed' || state === 'interrupted' || state === 'died' ? 'failed' : 'missing';
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

interface DryRun {
  readonly partitions: readonly Partition[];
  readonly choice: BackfillChoice;
  readonly stateOf: (partition: Partition) => Promise<PartitionState>;
  readonly flags: BackfillFlags;
}

async function showDryRun(io: Io, { partitions, choice, stateOf, flags }: DryRun): Promise<number> {
  const shown = [];
  for (const partition of partitions) {
    const state = await stateOf(partition);
    const willRun = choice === 'all' || state === 'failed' || (choice === 'missing' && state === 'missing');
    shown.push({ logicalDate: partition.logicalDate, output: partition.output, state, willRun });
  }
  if (flags.json === true) {
    io.out(`${JSON.stringify({ v: 1, dryRun: true, partitions: shown }, undefined, 2)}\n`);
    return 0;
  }
  const lines = shown.map(({ logicalDate, output, state, willRun }) => [
    dateText(logicalDate),
    willRun ? 'run' : 'pass over',
    state,
    output,
  ]);
  io.out(aligned(lines, { indent: 0 }));
  io.err(`${pluralText(shown.filter(({ willRun }) => willRun).length, 'run')} to do\n`);
  return 0;
}

interface Report {
  readonly see: (event: BackfillEvent) => void;
  /** Prints the table. @returns the exit code: that of the failures where they agree, else 3 */
  readonly end: () => number;
}

function newReport(io: Io, { job, flags }: { readonly job: string; readonly flags: BackfillFlags }): Report {
  const ended: { readonly partition: Partition; readonly end: RunEnd }[] = [];
  let passed = 0;
  let left = 0;
  const dateOf = ({ logicalDate }: Partition) => dateText(logicalDate);
  return {
    see: (event) => {
      if (event.type === 'partition-ended') ended.push(event);
      if (event.type === 'partition-passed') passed++;
      if (event.type === 'partition-left') left++;
      if (flags.json === true) io.out(`${JSON.stringify(eventJson(event, job))}\n`);
      else if (flags.quiet !== true) {
        const line = backfillLine(event, { dateOf, paint: io.paintErr });
        if (line !== undefined) io.err(`${line}\n`);
      }
    },
    end: () => {
      const rows = ended.toSorted((a, b) => a.partition.dateMs - b.partition.dateMs);
      if (flags.json !== true) {
        io.out(
          aligned(
            rows.map(({ partition, end }) => partitionCells(dateOf(partition), end, io.paintOut)),
            { indent: 0 },
          ),
        );
        const count = (state: RunEnd['state']) => ended.filter(({ end }) => end.state === state).length;
        const parts = [
          [count('published'), 'published'],
          [count('skipped') + passed, 'passed over'],
          [count('failed'), 'failed'],
          [count('interrupted'), 'interrupted'],
          [left, 'not begun'],
        ].flatMap(([number, what]) => (number === 0 ? [] : [`${number} ${what}`]));
        io.err(`${parts.join(', ')}\n`);
      }
      const codes = new Set(ended.map(({ end }) => end.exitCode).filter((code) => code !== 0));
      const [code = 0] = codes;
      return codes.size > 1 ? 3 : code;
    },
  };
}

function eventJson(event: BackfillEvent, job: string): object {
  const head = { v: 1, type: event.type, time: new Date().toISOString(), job };
  if (event.type === 'backfill-planned') return { ...head, partitions: event.partitions, toRun: event.toRun };
  const { logicalDate, output } = event.partition;
  const where = { ...head, logicalDate, output };
  if (event.type === 'partition-passed') return { ...where, state: event.state };
  return event.type === 'partition-ended' ? { ...where, ...event.end } : where;
}
