import { isAlive } from '../core/host.ts';
import { type RunRecord, type ShownState, shownState } from '../history/contract.ts';
import { dateText } from '../run/date-job.ts';
import type { RunTimes } from '../run/run-times.ts';
import { aligned, cellText, countText, pluralText } from './aligned.ts';
import type { Paint, Style } from './colour.ts';
import { durationText } from './duration-text.ts';
import { shownPath } from './shown-path.ts';
import { timesRows } from './times-text.ts';

const styles: Readonly<Record<ShownState, Style>> = {
  published: 'green',
  skipped: 'dim',
  running: 'cyan',
  failed: 'red',
  interrupted: 'yellow',
  died: 'red',
};
const widestJob = 40;
const minuteMs = 60_000;

/** A record as `--json` tells it; instants are ISO, UTC, but for the logical date, which is as its job sees it. */
export function recordJson(run: RunRecord): object {
  const { runId, job, specPath, outputPath, exitCode, errorCode, errorMessage, endedAtMs, shards, resumed } = run;
  const rows = {
    ...{ in: run.rowsIn, out: run.rowsOut, rejected: run.rejectedRows, filtered: run.filteredRows },
    ...{ repeated: run.repeatedRows, cached: run.cachedRows },
  };
  return {
    runId,
    job,
    spec: specPath,
    output: outputPath,
    logicalDate: run.logicalDate ?? isoOf(run.logicalDateMs),
    state: shownState(run, isAlive),
    exitCode,
    error: errorCode === undefined ? undefined : { code: errorCode, message: errorMessage },
    startedAt: isoOf(run.startedAtMs),
    endedAt: isoOf(endedAtMs),
    seconds: secondsOf(run),
    rows: run.rowsIn === undefined ? undefined : rows,
    shards,
    resumed,
    model:
      run.modelPath === undefined
        ? undefined
        : { path: run.modelPath, sha256: run.modelSha256, version: run.modelVersion },
    startedBy: run.startedBy,
    trigger: run.trigger,
    host: run.host,
    pid: run.pid,
    nightshift: run.nightshiftVersion,
    log: run.logPath,
  };
}

/** A line for each run. */
export function recordLines(runs: readonly RunRecord[], paint: Paint): string {
  const isDated = runs.some(hasOwnDate);
  const isTriggered = runs.some(isByItself);
  const lines = runs.map((run) => {
    const seconds = secondsOf(run);
    return [
      run.runId,
      cellText(run.job, widestJob),
      ...(isDated ? [hasOwnDate(run) ? (dateOf(run) ?? '') : ''] : []),
      timeText(run.startedAtMs),
      seconds === undefined ? '' : durationText(seconds),
      run.startedBy,
      ...(isTriggered ? [isByItself(run) ? run.trigger : ''] : []),
      // Last, since its colours would be counted as letters.
      outcomeText(run, paint),
    ];
  });
  return aligned(lines, { indent: 0 });
}

export interface ShownRun {
  readonly run: RunRecord;
  /** Its records of other times. */
  readonly others: readonly RunRecord[];
  readonly times: RunTimes | undefined;
}

/** All that is known of a run. */
export function recordText({ run, others, times }: ShownRun, paint: Paint): string {
  const folder = process.cwd();
  const { outputPath, modelPath, modelSha256, logPath, errorMessage, rowsIn } = run;
  const seconds = secondsOf(run);
  const took = seconds === undefined ? '' : `, took ${durationText(seconds)}`;
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['job', `${run.job} of ${shownPath(run.specPath, folder)}`],
    ['date', dateOf(run)],
    ['started', `${timeText(run.startedAtMs)}${took}${run.resumed ? ', went on with an unfinished run' : ''}`],
    ['by', `${run.startedBy} (${run.trigger}), process ${run.pid} on ${run.host}, nightshift ${run.nightshiftVersion}`],
    ['exit code', run.exitCode === undefined ? undefined : String(run.exitCode)],
    ['error', errorMessage],
    ['rows', rowsIn === undefined ? undefined : ledgerText(run)],
    ['', savedText(run)],
    ['shards', run.shards === undefined ? undefined : countText(run.shards)],
    ['output', outputPath === undefined ? undefined : shownPath(outputPath, folder)],
    ['model', modelPath === undefined ? undefined : modelText(shownPath(modelPath, folder), modelSha256)],
    ...timesRows(times),
    ['log', logPath],
    ...others.map((other) => ['also', `${timeText(other.startedAtMs)}  ${outcomeText(other, paint)}`] as const),
  ];
  const known = rows.flatMap(([name, text]) => (text === undefined ? [] : [[name, text]]));
  return `run ${run.runId}: ${outcomeText(run, paint)}\n${aligned(known, { indent: 2 })}`;
}

/** `published  12,028 rows`, `failed  INPUT_NOT_FOUND`. */
function outcomeText(run: RunRecord, paint: Paint): string {
  const state = shownState(run, isAlive);
  const more = run.errorCode ?? (run.rowsOut === undefined ? '' : pluralText(run.rowsOut, 'row'));
  return `${paint(styles[state], state)}  ${more}`.trimEnd();
}

function ledgerText({ rowsIn = 0, rowsOut = 0, rejectedRows = 0, filteredRows = 0 }: RunRecord): string {
  return `${countText(rowsIn)} in, ${countText(rowsOut)} out, ${countText(rejectedRows)} rejected, ${countText(filteredRows)} filtered`;
}

/** Rows that were not scored. */
function savedText({ repeatedRows = 0, cachedRows = 0 }: RunRecord): string | undefined {
  const texts = [
    ...(repeatedRows === 0 ? [] : [`${countText(repeatedRows)} like another of the run`]),
    ...(cachedRows === 0 ? [] : [`${countText(cachedRows)} from the cache`]),
  ];
  return texts.length === 0 ? undefined : texts.join(', ');
}

function modelText(path: string, sha256: string | undefined): string {
  return sha256 === undefined ? path : `${path}  sha256 ${sha256.slice(0, 12)}`;
}

/** What a run is for, where that is more than the time at which somebody began it. */
function hasOwnDate(run: RunRecord): boolean {
  const { logicalDateMs, startedAtMs } = run;
  if (logicalDateMs === undefined) return false;
  return isByItself(run) || Math.abs(startedAtMs - logicalDateMs) >= minuteMs;
}

function isByItself({ trigger }: RunRecord): boolean {
  return trigger !== 'manual';
}

/** The logical date as its job sees it, where the record says that; else in UTC. */
function dateOf({ logicalDate, logicalDateMs }: RunRecord): string | undefined {
  if (logicalDate !== undefined) return dateText(logicalDate);
  return logicalDateMs === undefined ? undefined : timeText(logicalDateMs);
}

/** A clock that was set back meanwhile makes it none. */
function secondsOf({ startedAtMs, endedAtMs }: RunRecord): number | undefined {
  return endedAtMs === undefined ? undefined : Math.max(0, endedAtMs - startedAtMs) / 1000;
}

function isoOf(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : new Date(ms).toISOString();
}

/** `2026-11-24 02:30:00Z`, as other lists of the command have it. */
function timeText(ms: number): string {
  return new Date(ms)
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, 'Z');
}
