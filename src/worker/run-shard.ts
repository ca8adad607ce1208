import { rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../core/errors.ts';
import { publishFile, sha256OfFile, writeFileAtomic } from '../core/files.ts';
import type { ColumnSchema, RowSelection } from '../dataset/contract.ts';
import { type ScanCounts, scanRows } from '../dataset/scan-rows.ts';
import { writePart } from '../dataset/write-part.ts';
import { type RejectExample, writeRejects } from '../dataset/write-rejects.ts';
import { Predictions } from '../model/predictions.ts';
import type { Commit } from '../plan/commit.ts';
import { commitName, partName, partTempName, rejectsName, runLayout } from '../plan/layout.ts';
import { recordVersion, type Shard, shardRowCount } from '../plan/run-plan.ts';
import { type Scorer, selectionOf } from './scorer.ts';

export interface ShardJob {
  readonly shard: Shard;
  readonly attempt: number;
  readonly batchRows: number;
  readonly signal: AbortSignal;
  /** Rows of the shard that are scored so far. */
  readonly onProgress: (rows: number) => void;
}

/**
 * Scores one shard: its part is written, flushed and renamed, then its commit likewise. May run any number of times;
 * the last one wins, with the same bytes.
 * @throws AppError; the shard then has no commit of this attempt
 */
export async function runShard(scorer: Scorer, job: ShardJob): Promise<Commit> {
  const started = performance.now();
  const { plan } = scorer;
  const selection = selectionOf(plan, job.shard);
  await checkIdentity(scorer, job.shard);
  const scored = await scoreRows(scorer, job, selection);
  const writing = performance.now();
  const rejects = scored.counts.rejectedRows === 0 ? undefined : await keepRejects(scorer, job, selection);
  const layout = runLayout(scorer.runId);
  const temp = join(scorer.outputFolder, layout.staging, partTempName(job.shard.index, job.attempt, plan.part));
  const part = partName(job.shard.index, plan.part);
  const rowsOut = scored.counts.matchedRows - scored.counts.rejectedRows;
  const written = await writePart({
    database: scorer.database,
    selection,
    keep: keptColumns(scorer),
    rejectedBy: rejects === undefined ? undefined : plan.features,
    predictions: scored.predictions.columns(),
    rowCount: rowsOut,
    path: temp,
    part: plan.part,
  });
  if (written !== rowsOut) throw new Error(`shard ${job.shard.index}: ${written} rows were written for ${rowsOut}`);
  await checkIdentity(scorer, job.shard);
  const { size } = await stat(temp);
  const sha256 = await sha256OfFile(temp);
  await publishFile(temp, join(scorer.outputFolder, layout.staging, part));
  const rowsIn = shardRowCount(job.shard);
  const commit: Commit = {
    v: recordVersion,
    shard: job.shard.index,
    attempt: job.attempt,
    part,
    sizeBytes: size,
    sha256,
    rowsIn,
    rowsOut,
    rejectedRows: scored.counts.rejectedRows,
    filteredRows: rowsIn - scored.counts.matchedRows,
    rejects: rejects?.name,
    firstReject:
      rejects?.example === undefined
        ? undefined
        : `${rejects.example.file} row ${rejects.example.rowNumber}: ${rejects.example.message}`,
    providers: scorer.providers,
    batchRows: job.batchRows,
    timings: timings(started, writing, scored.sessionMs),
  };
  await writeFileAtomic(
    join(scorer.outputFolder, layout.commits, commitName(job.shard.index)),
    `${JSON.stringify(commit)}\n`,
  );
  return commit;
}

interface ScoredRows {
  readonly predictions: Predictions;
  readonly counts: ScanCounts;
  readonly sessionMs: number;
}

async function scoreRows(scorer: Scorer, job: ShardJob, selection: RowSelection): Promise<ScoredRows> {
  const { plan, database } = scorer;
  const fetch = scorer.prefetch ? 'ahead' : 'whole';
  const counts: ScanCounts = { matchedRows: 0, rejectedRows: 0 };
  const predictions = new Predictions(scorer.outputs, shardRowCount(job.shard));
  const batchRows = plan.fixedBatchRows ?? job.batchRows;
  let sessionMs = 0;
  for await (const batch of scanRows({ database, selection, features: plan.features, batchRows, fetch, counts })) {
    if (job.signal.aborted) throw new AppError('INTERRUPTED', `shard ${job.shard.index} was stopped`);
    const before = performance.now();
    const results = await scorer.score(batch.values, batch.rowCount);
    sessionMs += performance.now() - before;
    predictions.append(results, { rowCount: batch.rowCount, paddedRows: plan.fixedBatchRows ?? batch.rowCount });
    job.onProgress(counts.matchedRows);
  }
  return { predictions, counts, sessionMs };
}

async function keepRejects(
  scorer: Scorer,
  job: ShardJob,
  selection: RowSelection,
): Promise<{ name: string; example: RejectExample | undefined }> {
  const folder = join(scorer.outputFolder, runLayout(scorer.runId).rejects);
  const name = rejectsName(job.shard.index);
  const temp = join(folder, `${name}.a${job.attempt}.tmp`);
  const example = await writeRejects({
    database: scorer.database,
    selection,
    features: scorer.plan.features,
    attempt: job.attempt,
    path: temp,
  });
  await rename(temp, join(folder, name));
  return { name, example };
}

/** An input that was replaced since it was planned would give a part that mixes two tables. */
async function checkIdentity({ plan }: Scorer, shard: Shard): Promise<void> {
  for (const range of shard.ranges) {
    const file = plan.dataset.files[range.file];
    if (file === undefined) continue;
    const info = await stat(file.source).catch(() => undefined);
    if (info !== undefined && info.size === file.sizeBytes && Math.round(info.mtimeMs) === file.mtimeMs) continue;
    throw new AppError(
      'INPUT_CHANGED',
      `${file.source} was ${info === undefined ? 'removed' : 'replaced'} while the run went on`,
      {
        hint: 'run again when the input holds still; this run starts anew with --restart',
      },
    );
  }
}

function keptColumns({ plan }: Scorer): readonly ColumnSchema[] {
  return plan.keep.flatMap((name) => plan.dataset.columns.find((column) => column.name === name) ?? []);
}

function timings(started: number, writing: number, sessionMs: number): Commit['timings'] {
  const now = performance.now();
  const seconds = (ms: number) => Math.round(ms) / 1000;
  return {
    total: seconds(now - started),
    session: seconds(sessionMs),
    read: seconds(writing - started - sessionMs),
    write: seconds(now - writing),
  };
}
