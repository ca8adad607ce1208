import { resolve } from 'node:path';
import { AppError } from '../core/errors.ts';
import type { History, RunRecord } from '../history/contract.ts';
import { readRunTimes } from '../run/run-times.ts';
import { pluralText } from './aligned.ts';
import { findHistory, newPorts } from './context.ts';
import type { Io } from './io.ts';
import { parseAge, parseCount, parseDates, parseWhen } from './parse-when.ts';
import { recordJson, recordLines, recordText } from './run-record-text.ts';
import type { RunsListFlags, RunsOneFlags, RunsPruneFlags } from './runs-flags.ts';

const usualLimit = 20;

/** Lists what ran. @returns the exit code */
export async function listRuns(io: Io, flags: RunsListFlags): Promise<number> {
  const nowMs = Date.now();
  const when = (option: string, written: string | undefined) =>
    written === undefined ? undefined : parseWhen(option, written, nowMs);
  const limit = flags.limit === undefined ? usualLimit : parseCount('--limit', flags.limit, 1);
  const filter = {
    job: flags.job,
    specPath: flags.spec === undefined ? undefined : resolve(flags.spec),
    state: flags.state,
    sinceMs: when('--since', flags.since)?.fromMs,
    untilMs: when('--until', flags.until)?.toMs,
    logicalDates: flags.date === undefined ? undefined : parseDates('--date', flags.date),
  };
  using history = await findHistory(resolve(flags.stateDir));
  // One more, to know whether there are more.
  const found = history?.listRuns({ ...filter, limit: limit + 1 }) ?? [];
  const runs = found.slice(0, limit);
  if (flags.json === true) {
    io.out(`${JSON.stringify({ v: 1, runs: runs.map(recordJson), more: found.length > limit }, undefined, 2)}\n`);
    return 0;
  }
  io.out(recordLines(runs, io.paintOut));
  if (found.length > limit) io.err(`the newest ${pluralText(limit, 'run')}; --limit shows more\n`);
  if (found.length === 0) io.err(nothingText(Object.values(filter).some((value) => value !== undefined)));
  return 0;
}

function nothingText(isFiltered: boolean): string {
  return isFiltered ? 'no recorded run is like that\n' : 'no runs are recorded yet; `nightshift run` records each\n';
}

/** Shows one run. @returns the exit code */
export async function showRun(io: Io, wanted: string, flags: RunsOneFlags): Promise<number> {
  using history = await findHistory(resolve(flags.stateDir));
  const [run, ...others] = chosenRun(history, wanted, flags);
  const times = run.outputPath === undefined ? undefined : await readRunTimes(newPorts(), run.outputPath, run.runId);
  if (flags.json === true) {
    const document = { v: 1, run: recordJson(run), others: others.map(recordJson), times };
    io.out(`${JSON.stringify(document, undefined, 2)}\n`);
  } else io.out(recordText({ run, others, times }, io.paintOut));
  return 0;
}

/**
 * All records of the run that is meant, the latest first.
 * @throws AppError USAGE when there is none or more than one
 */
export function chosenRun(
  history: History | undefined,
  wanted: string,
  { job }: Pick<RunsOneFlags, 'job'>,
): readonly [RunRecord, ...RunRecord[]] {
  const [latest] = wanted === 'latest' ? (history?.listRuns({ job, limit: 1 }) ?? []) : [];
  const found = history?.findRun(latest?.runId ?? wanted) ?? [];
  const ids = [...new Set(found.map(({ runId }) => runId))];
  const [first, ...more] = ids;
  if (first === undefined) {
    const ofJob = job === undefined ? '' : ` of job ${job}`;
    const what =
      wanted === 'latest' ? `no run${ofJob} is recorded` : `no recorded run has an id that begins with ${wanted}`;
    throw new AppError('USAGE', what, { hint: 'see `nightshift runs list`' });
  }
  if (more.length > 0) {
    throw new AppError('USAGE', `${wanted} begins the ids of several runs: ${ids.join(', ')}`, {
      hint: 'write more of the id',
    });
  }
  const [run, ...others] = history?.findRun(first) ?? [];
  if (run === undefined) throw new AppError('USAGE', `run ${first} was removed meanwhile`);
  return [run, ...others];
}

/** Removes old records and their logs. @returns the exit code */
export async function pruneRuns(io: Io, flags: RunsPruneFlags): Promise<number> {
  const ageMs = parseAge('--older-than', flags.olderThan);
  const keep = flags.keep === undefined ? 0 : parseCount('--keep', flags.keep);
  const dryRun = flags.dryRun === true;
  using history = await findHistory(resolve(flags.stateDir));
  const removed = history?.prune({ beforeMs: Date.now() - ageMs, keep, dryRun }) ?? [];
  if (flags.json === true) {
    io.out(`${JSON.stringify({ v: 1, dryRun, removed: removed.map(recordJson) }, undefined, 2)}\n`);
    return 0;
  }
  io.out(`${dryRun ? 'would remove' : 'removed'} ${pluralText(removed.length, 'record')} of runs\n`);
  if (dryRun) io.out(recordLines(removed, io.paintOut));
  return 0;
}
