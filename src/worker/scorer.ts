import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { AppError } from '../core/errors.ts';
import type { RowSelection } from '../dataset/contract.ts';
import { Database } from '../dataset/duckdb.ts';
import { makeFeeds } from '../model/feeds.ts';
import { imageDecoder } from '../model/load-sharp.ts';
import type { OutputColumn } from '../model/output-expression.ts';
import type { BatchTensors } from '../model/predictions.ts';
import { type FedTensor, runtimeVersion } from '../model/session.ts';
import { runLayout } from '../plan/layout.ts';
import { predictedColumns } from '../plan/predicted-columns.ts';
import type { RunPlan, Shard } from '../plan/run-plan.ts';
import { KeptProfile, profilePrefix } from './keep-profile.ts';
import { type OpenedSession, openSession } from './open-session.ts';
import type { PredictionCache } from './prediction-cache.ts';
import { openSources, type PreparedSource } from './prepared-source.ts';
import type { StartMessage } from './protocol.ts';

/** What a worker holds for its life: a database over the job's paths, and a session that is loaded. */
export interface Scorer extends AsyncDisposable, Omit<OpenedSession, 'session'> {
  readonly plan: RunPlan;
  readonly outputFolder: string;
  readonly runId: string;
  readonly database: Database;
  readonly outputs: readonly OutputColumn[];
  readonly prefetch: boolean;
  /** Milliseconds that the session took in all its calls so far. */
  readonly sessionMs: () => number;
  /** Where the job asks for it. */
  readonly profile: KeptProfile | undefined;
  /** Texts and images that become model inputs; empty where there are none. */
  readonly sources: readonly PreparedSource[];
  /** Predictions of rows that were scored, where the job keeps them. */
  readonly kept: KeptPredictions | undefined;
  /** Rows of different lengths must not meet in a batch. */
  readonly mustBeEqual: boolean;
  /** Scores columns as they are. */
  score(values: Parameters<typeof makeFeeds>[0]['values'], rowCount: number): Promise<BatchTensors>;
  run(feeds: Readonly<Record<string, FedTensor>>): Promise<BatchTensors>;
}

/** What workers share of predictions. */
export interface KeptPredictions {
  readonly cache: PredictionCache;
  /** Whether it goes with the run, and has the places of rows; else it is of earlier runs, too. */
  readonly isOfRun: boolean;
}

/** @throws AppError MODEL_NOT_FOUND, MODEL_INVALID, PROVIDER_UNAVAILABLE */
export async function openScorer(start: StartMessage): Promise<Scorer> {
  const { plan, outputFolder, runId } = start;
  const outputs = predictedColumns(plan);
  const started = performance.now();
  const prefix = start.profile ? await profilePrefix(outputFolder, runId) : undefined;
  const [database, { session, ...opened }, sources] = await Promise.all([
    openDatabase(start),
    openSession(start, outputs, prefix),
    openSources(start),
  ]);
  const loadMs = performance.now() - started;
  const profile =
    prefix === undefined ? undefined : new KeptProfile(prefix, { end: () => session.endProfiling(), loadMs });
  let sessionMs = 0;
  const kept = await openKept(start, opened.providers);
  const run: Scorer['run'] = async (feeds) => {
    const before = performance.now();
    try {
      return { feeds, results: await session.run(feeds) };
    } finally {
      const ms = performance.now() - before;
      sessionMs += ms;
      profile?.saw(ms);
    }
  };
  return {
    plan,
    outputFolder,
    runId,
    database,
    outputs,
    ...opened,
    prefetch: start.prefetch,
    sources,
    kept,
    mustBeEqual: plan.features.some(({ text }) => text !== undefined && !text.mask && text.fixedLength === undefined),
    sessionMs: () => sessionMs,
    profile,
    run,
    score: (values, rowCount) => {
      const paddedRows = plan.fixedBatchRows ?? rowCount;
      return run(makeFeeds({ features: plan.features, values, rowCount, paddedRows }));
    },
    async [Symbol.asyncDispose]() {
      database[Symbol.dispose]();
      kept?.cache[Symbol.dispose]();
      await session[Symbol.asyncDispose]();
    },
  };
}

/** As much as fits; it goes with what is staged. */
const dedupeBytesAtMost = 8 * 2 ** 30;

/** Loaded by those who need it: most jobs keep nothing. */
async function openKept(start: StartMessage, providers: readonly string[]): Promise<KeptPredictions | undefined> {
  const { plan, outputFolder, runId } = start;
  if (plan.cache === undefined && plan.dedupe === undefined) return undefined;
  const { PredictionCache: Cache } = await import('./prediction-cache.ts');
  const context = createHash('sha256')
    .update(JSON.stringify({ ...dependences(plan, providers), ...(await imageDependences(plan)) }))
    .digest('hex');
  if (plan.cache !== undefined)
    return { cache: Cache.open({ ...plan.cache, context, nowMs: Date.now }), isOfRun: false };
  // Under a name of its own: an earlier version kept no places in `dedupe`.
  const folder = join(outputFolder, runLayout(runId).staging, 'scored');
  try {
    return { cache: Cache.open({ folder, maxSizeBytes: dedupeBytesAtMost, context, nowMs: Date.now }), isOfRun: true };
  } catch (error) {
    // On a disk that SQLite cannot share each shard finds its own repeats all the same.
    if (error instanceof AppError) return undefined;
    throw error;
  }
}

/** All but its features that a row's prediction depends on. */
function dependences(
  { model, features, outputColumns, labels, nonFinite, graphOptimization }: RunPlan,
  providers: readonly string[],
) {
  const inputs = features.map(({ input, element, innerShape, nulls, text }) => {
    const { path: _path, ...tokenizer } = text?.tokenizer ?? {};
    return { input, element, innerShape, nulls, ...(text === undefined ? {} : { text: { ...text, tokenizer } }) };
  });
  const { sha256, signature } = model;
  return {
    runtime: runtimeVersion,
    sha256,
    signature,
    inputs,
    outputColumns,
    labels,
    nonFinite,
    graphOptimization,
    providers,
  };
}

/** Where images lie does not matter, nor what their column is called. */
async function imageDependences({ images }: RunPlan) {
  if (images === undefined) return {};
  const decoded = images.map(({ raw: _raw, column: _column, root: _root, ...how }) => how);
  return { images: decoded, imageDecoder: await imageDecoder() };
}

function openDatabase({ plan, outputFolder, runId }: StartMessage): Promise<Database> {
  const run = join(outputFolder, runLayout(runId).folder);
  return Database.open({ readablePaths: plan.dataset.files.map((file) => file.path), folders: [run], threads: 1 });
}

/** The rows of a shard, as the dataset room reads them. */
export function selectionOf(plan: RunPlan, shard: Shard): RowSelection {
  const files = shard.ranges.flatMap((range) => {
    const file = plan.dataset.files[range.file];
    return file === undefined
      ? []
      : [
          {
            path: file.path,
            source: file.source,
            rowCount: file.rowCount,
            rowStart: range.rowStart,
            rowEnd: range.rowEnd,
          },
        ];
  });
  return { files, columns: plan.dataset.columns, hasPartitions: plan.dataset.hasPartitions, where: plan.dataset.where };
}
