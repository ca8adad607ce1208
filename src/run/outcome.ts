import { join } from 'node:path';
import type { Manifest, PublishedRun } from '../checkpoint/contract.ts';
import { AppError, errorTable } from '../core/errors.ts';
import { batchIn } from '../plan/batch-size.ts';
import type { CheckResult } from '../plan/check-result.ts';
import type { Commit } from '../plan/commit.ts';
import { inputRejectsName, runLayout } from '../plan/layout.ts';
import { predictedColumns } from '../plan/predicted-columns.ts';
import type { RunPlan } from '../plan/run-plan.ts';
import type { JobSpec } from '../spec/job-spec.ts';

/** A shard that will not be tried again. */
export interface ShardFailure {
  readonly shard: number;
  readonly attempt: number;
  readonly error: AppError;
}

/** A run whose shards have all come to an end. */
export interface FinishedRun {
  readonly runId: string;
  readonly outputFolder: string;
  readonly plan: RunPlan;
  /** In shard order; shards that failed have none. */
  readonly commits: readonly Commit[];
  readonly failures: readonly ShardFailure[];
}

/** The row ledger over all commits: `in = out + rejected + filtered`. */
export function ledgerOf({ plan, commits }: Pick<FinishedRun, 'plan' | 'commits'>): PublishedRun['rows'] {
  const sum = (count: (commit: Commit) => number) => commits.reduce((total, commit) => total + count(commit), 0);
  const lines = plan.dataset.rejectedLines;
  return {
    in: sum((commit) => commit.rowsIn) + lines,
    out: sum((commit) => commit.rowsOut),
    rejected: sum((commit) => commit.rejectedRows) + lines,
    filtered: sum((commit) => commit.filteredRows),
  };
}

/** Files of rejected rows, relative to the output folder. */
export function rejectFiles({
  plan,
  commits,
  runId,
}: Pick<FinishedRun, 'plan' | 'commits' | 'runId'>): readonly string[] {
  const names = commits.flatMap((commit) => commit.rejects ?? []);
  if (plan.dataset.rejectedLines > 0) names.unshift(inputRejectsName);
  return names.map((name) => join(runLayout(runId).rejects, name));
}

/** How many of so many rows may be rejected. */
export function rejectsAllowed(maxRejected: JobSpec['errors']['maxRejected'], rows: number): number {
  return 'rows' in maxRejected ? maxRejected.rows : Math.floor(maxRejected.fraction * rows);
}

/** Why a finished run must not be published; undefined when it may. */
export function failureOf(run: FinishedRun, maxRejected: JobSpec['errors']['maxRejected']): AppError | undefined {
  const [first] = run.failures;
  if (first !== undefined) return shardsFailed(run, first);
  const rows = ledgerOf(run);
  const limit = rejectsAllowed(maxRejected, rows.in);
  const givenUp = run.commits.filter((commit) => commit.isGivenUp === true);
  const rejected = rows.rejected - givenUp.reduce((sum, commit) => sum + commit.rejectedRows, 0);
  if (rejected <= limit) return undefined;
  const example =
    run.plan.dataset.firstRejectedLine ??
    run.commits.find((commit) => commit.firstReject !== undefined)?.firstReject ??
    'a line of the input cannot be parsed';
  const files = rejectFiles(run).map((name) => join(run.outputFolder, name));
  return new AppError(
    'REJECTS_OVER_LIMIT',
    `${rejected} of ${rows.in} rows were rejected, more than the ${limit} that errors.maxRejected allows; the first: ${example}`,
    {
      hint: rejectsHint(files[0] ?? 'the rejects', { rows, example }),
      details: { rows, limit, rejects: files },
    },
  );
}

const hopelessAfter = 4;

/** Every row of it was rejected. */
export function isLost({ rowsOut, rejectedRows, isGivenUp }: Commit): boolean {
  return rowsOut === 0 && rejectedRows > 0 && isGivenUp !== true;
}

/**
 * Why a run should stop before its last shard: half of those that are done lost every row, more than may be rejected
 * of all rows. Most likely the job is wrong, not the rows.
 */
export function hopelessnessOf(
  { plan, commits }: { readonly plan: RunPlan; readonly commits: readonly Commit[] },
  maxRejected: JobSpec['errors']['maxRejected'],
): AppError | undefined {
  if (commits.length < hopelessAfter) return undefined;
  const lost = commits.filter(isLost);
  const limit = rejectsAllowed(maxRejected, plan.rowCount);
  const rejected = lost.reduce((sum, commit) => sum + commit.rejectedRows, 0);
  if (lost.length * 2 < commits.length || rejected <= limit) return undefined;
  return new AppError(
    'REJECTS_OVER_LIMIT',
    `stopped early: ${lost.length} of the first ${commits.length} shards were rejected whole; the first: ${lost[0]?.firstReject ?? ''}`,
    {
      hint: 'mend the job or its input; or go on all the same with a higher --max-rejected',
      details: { rejected, limit, shards: commits.length },
    },
  );
}

/** What the machine or the input is at fault for keeps its code: the same would happen to every other shard. */
export function shardsFailed({ plan, commits }: FinishedRun, { shard, attempt, error }: ShardFailure): AppError {
  const missing = plan.shards.length - commits.length;
  const isMachine = errorTable[error.code].exitCode === 4;
  const tries = attempt === 1 ? '' : ` ${attempt} times`;
  return new AppError(
    isMachine ? error.code : 'SHARDS_FAILED',
    `${missing} of ${plan.shards.length} shards failed, nothing was published; shard ${shard} (${rowsText(plan, shard)}) failed${tries}: ${error.message}`,
    {
      hint: error.hint ?? 'run the same command again to try them once more; finished shards are kept',
      cause: error,
      details: { code: error.code, failedShards: missing, shard, attempt },
    },
  );
}

/** Which rows a shard is, for people: zero-based, as in rejects. */
function rowsText(plan: RunPlan, shard: number): string {
  const [first, ...others] = plan.shards[shard]?.ranges ?? [];
  const source = first === undefined ? undefined : plan.dataset.files[first.file]?.source;
  if (first === undefined || source === undefined) return 'no rows';
  if (others.length > 0) return `${others.length + 1} files from ${source} on`;
  return `rows ${first.rowStart} to ${first.rowEnd - 1} of ${source}`;
}

/** What the manifest says about this run. */
export function publishedRun(
  run: FinishedRun,
  by: {
    readonly publishedAt: string;
    readonly version: string;
    readonly checks?: readonly CheckResult[];
    readonly isForced?: boolean;
    readonly replayOf?: PublishedRun['replayOf'];
  },
): PublishedRun {
  const { plan, commits } = run;
  return {
    runId: run.runId,
    job: plan.job,
    ...(plan.logicalDate === undefined ? {} : { logicalDate: plan.logicalDate }),
    fingerprint: plan.fingerprint,
    publishedAt: by.publishedAt,
    nightshift: by.version,
    model: { path: plan.model.path, sha256: plan.model.sha256 },
    inputs: plan.dataset.files.map(({ source, sizeBytes, mtimeMs, rowCount }) => ({
      path: source,
      sizeBytes,
      mtimeMs,
      rowCount,
    })),
    rows: ledgerOf(run),
    rejects: rejectFiles(run),
    columns: outputColumns(plan),
    providers: [...new Set(commits.flatMap((commit) => commit.providers))],
    ...batchIn(commits[0] ?? { batchRows: 0 }),
    ...(by.checks === undefined || by.checks.length === 0 ? {} : { checks: by.checks }),
    ...(by.isForced === true ? { forced: true } : {}),
    ...(by.replayOf === undefined ? {} : { replayOf: by.replayOf }),
  };
}

function rejectsHint(
  file: string,
  { rows, example }: { readonly rows: PublishedRun['rows']; readonly example: string },
): string {
  const isOfNulls = /is null|cannot become|has a null/.test(example);
  const how = isOfNulls ? 'or set nulls for the feature or input.csv.nullValues' : 'or the model,';
  const mend = `look at ${file}; mend the rows, ${how} and run with --restart`;
  return rows.out === 0 ? mend : `${mend}; or publish what is scored with --max-rejected ${rows.rejected}`;
}

/** Name and type of each column that a plan's parts have, in order. */
function outputColumns(plan: RunPlan): readonly string[] {
  const kept = plan.keep.map(
    (name) => `${name} ${plan.dataset.columns.find((column) => column.name === name)?.type ?? ''}`,
  );
  const shapeOf = (shape: readonly unknown[]) => (shape.every((dim) => dim === 1) ? '' : '[]'.repeat(shape.length));
  return [
    ...kept,
    ...predictedColumns(plan).map(({ name, type, innerShape }) => `${name} ${type}${shapeOf(innerShape)}`),
  ];
}

/**
 * An output is one table, so what is appended must have its format and columns.
 * @throws AppError OUTPUT_EXISTS
 */
export function checkAppend(plan: RunPlan, outputFolder: string, previous: Manifest | undefined): void {
  const before = previous?.runs.at(-1)?.columns;
  const columns = outputColumns(plan);
  const hint = 'append needs the same format and columns: choose another output.path, or mode overwrite';
  if (previous !== undefined && previous.format !== plan.part.format) {
    throw new AppError(
      'OUTPUT_EXISTS',
      `${outputFolder} is published as ${previous.format}, and this run would add ${plan.part.format}`,
      { hint },
    );
  }
  if (before !== undefined && before.join('\n') !== columns.join('\n')) {
    throw new AppError(
      'OUTPUT_EXISTS',
      `${outputFolder} has the columns ${before.join(', ')}, and this run would add ${columns.join(', ')}`,
      { hint },
    );
  }
}
