import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../core/errors.ts';
import { publishFile, sha256OfFile, writeError, writeFileAtomic } from '../core/files.ts';
import type { ColumnSchema } from '../dataset/contract.ts';
import { type ReadableRows, readableRows, withoutRows } from '../dataset/unreadable-rows.ts';
import { writePart } from '../dataset/write-part.ts';
import { type RejectExample, writeRejects } from '../dataset/write-rejects.ts';
import { batchIn } from '../plan/batch-size.ts';
import type { Commit } from '../plan/commit.ts';
import { commitName, partName, partTempName, rejectsName, runLayout } from '../plan/layout.ts';
import { recordVersion, type Shard, scanRequests, shardRowCount } from '../plan/run-plan.ts';
import { scoreRows } from './score-rows.ts';
import { type Scorer, selectionOf } from './scorer.ts';
import type { ScoredRows, ShardJob } from './shard-job.ts';

/**
 * Scores one shard: its part is written, flushed and renamed, then its commit likewise. May run any number of times;
 * the last one wins, with the same bytes. Rows that cannot be read or scored become rejects.
 * @throws AppError; the shard then has no commit of this attempt
 */
export async function runShard(scorer: Scorer, job: ShardJob): Promise<Commit> {
  const { plan, database } = scorer;
  const selection = selectionOf(plan, job.shard);
  await checkIdentity(scorer, job.shard);
  if (job.giveUp) return commitRows(scorer, job, withoutRows(selection, job.failedAttempts.at(-1)?.message ?? ''));
  try {
    return await commitRows(scorer, job, { selection, unreadable: [] });
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'INPUT_UNREADABLE') throw error;
    await checkIdentity(scorer, job.shard);
    const readable = await readableRows({ database, selection, features: scanRequests(plan), keep: plan.keep });
    if (readable.unreadable.length === 0) throw error;
    return commitRows(scorer, job, readable);
  }
}

async function commitRows(scorer: Scorer, job: ShardJob, readable: ReadableRows): Promise<Commit> {
  const started = performance.now();
  const sessionBefore = scorer.sessionMs();
  const { plan } = scorer;
  const { selection, unreadable } = readable;
  const scored = await scoreRows(scorer, job, selection);
  const { counts, late } = scored;
  const writing = performance.now();
  const sessionMs = scorer.sessionMs() - sessionBefore;
  const unreadableRows = unreadable.reduce((sum, range) => sum + range.rowEnd - range.rowStart, 0);
  const rejectedRows = counts.rejectedRows + late.length + unreadableRows;
  const rejects = rejectedRows === 0 ? undefined : await keepRejects(scorer, job, { ...readable, late });
  const layout = runLayout(scorer.runId);
  const temp = join(scorer.outputFolder, layout.staging, partTempName(job.shard.index, job.attempt, plan.part));
  const part = partName(job.shard.index, plan.part);
  const rowCount = counts.matchedRows - counts.rejectedRows;
  const rowsOut = rowCount - late.length;
  const written = await writePart({
    database: scorer.database,
    selection,
    keep: keptColumns(scorer),
    rejectedBy: counts.rejectedRows === 0 ? undefined : scanRequests(plan),
    predictions: scored.predictions.columns(),
    rowCount,
    leftOut: late.map(({ row }) => row),
    path: temp,
    part: plan.part,
  });
  if (written !== rowsOut) throw new Error(`shard ${job.shard.index}: ${written} rows were written for ${rowsOut}`);
  await checkIdentity(scorer, job.shard);
  const { size, sha256 } = await whatIsWritten(temp);
  await publishFile(temp, join(scorer.outputFolder, layout.staging, part));
  const rowsIn = shardRowCount(job.shard);
  const commit: Commit = {
    v: recordVersion,
    shard: job.shard.index,
    attempt: job.attempt,
    failedAttempts: job.failedAttempts.length === 0 ? undefined : job.failedAttempts,
    isGivenUp: job.giveUp ? true : undefined,
    part,
    sizeBytes: size,
    sha256,
    rowsIn,
    rowsOut,
    rejectedRows,
    filteredRows: rowsIn - unreadableRows - counts.matchedRows,
    rejects: rejects?.name,
    firstReject:
      rejects?.example === undefined
        ? undefined
        : `${rejects.example.file} row ${rejects.example.rowNumber}: ${rejects.example.message}`,
    providers: scorer.providers,
    ...batchIn(scored),
    ...(scored.repeatedRows === 0 ? {} : { repeatedRows: scored.repeatedRows }),
    ...(scored.cachedRows === 0 ? {} : { cachedRows: scored.cachedRows }),
    cacheError: scorer.kept?.cache.takeFailure(),
    timings: timings(started, writing, { sessionMs, packMs: Math.max(0, scored.sessionMs - sessionMs) }),
  };
  await writeFileAtomic(
    join(scorer.outputFolder, layout.commits, commitName(job.shard.index)),
    `${JSON.stringify(commit)}\n`,
  );
  return commit;
}

async function keepRejects(
  scorer: Scorer,
  job: ShardJob,
  rows: ReadableRows & Pick<ScoredRows, 'late'>,
): Promise<{ name: string; example: RejectExample | undefined }> {
  const folder = join(scorer.outputFolder, runLayout(scorer.runId).rejects);
  const name = rejectsName(job.shard.index);
  const temp = join(folder, `${name}.a${job.attempt}.tmp`);
  const example = await writeRejects({
    database: scorer.database,
    features: scanRequests(scorer.plan),
    attempt: job.attempt,
    path: temp,
    ...rows,
  });
  await publishFile(temp, join(folder, name));
  return { name, example };
}

/** @throws AppError OUTPUT_UNWRITABLE when somebody took it away */
async function whatIsWritten(path: string): Promise<{ readonly size: number; readonly sha256: string }> {
  try {
    const { size } = await stat(path);
    return { size, sha256: await sha256OfFile(path) };
  } catch (error) {
    throw writeError(error, path);
  }
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

function timings(
  started: number,
  writing: number,
  { sessionMs, packMs }: { readonly sessionMs: number; readonly packMs: number },
): Commit['timings'] {
  const now = performance.now();
  const seconds = (ms: number) => Math.round(ms) / 1000;
  return {
    total: seconds(now - started),
    session: seconds(sessionMs),
    pack: seconds(packMs),
    read: seconds(writing - started - sessionMs - packMs),
    write: seconds(now - writing),
  };
}
