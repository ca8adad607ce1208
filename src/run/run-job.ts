import { join } from 'node:path';
import { isThere } from '../core/files.ts';
import type { ExecutorEvent, Slot } from '../executor/contract.ts';
import { batchIn, chosenBatch } from '../plan/batch-size.ts';
import type { CheckResult } from '../plan/check-result.ts';
import type { Commit } from '../plan/commit.ts';
import { metaFolder, runLayout } from '../plan/layout.ts';
import { shardRowCount } from '../plan/run-plan.ts';
import { auditEvents, auditRun, checksFailure } from './audit-run.ts';
import { checkCache } from './caches.ts';
import { bodyOf, eventVersion, type RunEvent, type RunEventBody, warningOf } from './events.ts';
import type { JobRequest } from './job-request.ts';
import { keepsModel } from './keeps-model.ts';
import { type OpenedRun, openRun, type RunPlace } from './open-run.ts';
import { orAborted } from './or-aborted.ts';
import {
  type FinishedRun,
  failureOf,
  hopelessnessOf,
  isLost,
  publishedRun,
  type ShardFailure,
  shardsFailed,
} from './outcome.ts';
import type { Ports } from './ports.ts';
import { type PreparedJob, prepareJob } from './prepare-job.ts';
import { readsAhead } from './reads-ahead.ts';
import { takeLock } from './take-lock.ts';
import { takenOverRows, takeOverShards } from './take-over.ts';

export interface RunOptions extends JobRequest {
  /** Discard an unfinished run instead of going on with it. */
  readonly restart: boolean;
  /** Scores what another run scored, so nothing is taken over from it. */
  readonly isRepeat?: boolean;
  /** The unfinished run to go on with, and no other; undefined leaves it to what is there. */
  readonly resume: string | undefined;
  /** How long to wait while another run holds the lock of the output. */
  readonly waitMs: number;
  /** Folder of the models that ONNX Runtime has optimised; none are kept if left out. */
  readonly optimizedModels?: string;
  /** Stops the run at the end of the batches that are being scored; its reason is the error to end with. */
  readonly signal: AbortSignal;
}

/**
 * Scores one job: plans it, or goes on with its unfinished run, scores what has no valid commit, and publishes.
 * @throws AppError; whatever was committed until then is kept for the next run
 */
export async function* runJob(ports: Ports, options: RunOptions): AsyncGenerator<RunEvent> {
  const started = ports.now();
  const { execution, output } = options.job;
  const devices = await ports.findDevices(execution.devices);
  await using executor = ports.newExecutor();
  const [likely] = ports.planSlots({ ...execution, devices, modelBytes: 0 });
  // A worker that is warm should not wait for hours.
  if (likely !== undefined && options.waitMs === 0) executor.warmUp(likely);
  const early = await orAborted(options.signal, prepareJob(ports, options));
  const { outputFolder } = early;
  await refuseBeforeLock(ports, early, options);
  const eventOf =
    (runId: string) =>
    (body: RunEventBody): RunEvent => ({
      v: eventVersion,
      time: ports.now().toISOString(),
      job: options.job.name,
      runId,
      ...body,
    });
  await checkCache(ports.caches, options.job);
  await using lock = yield* takeLock(ports, { ...options, outputFolder, event: eventOf('') });
  const prepared = lock.hasWaited ? await orAborted(options.signal, prepareJob(ports, options)) : early;
  await ports.store.finishRollback(outputFolder);
  const place: RunPlace = { outputFolder, mode: output.mode, previous: await ports.store.readPublished(outputFolder) };
  const opened = await openRun(ports, prepared, { ...options, ...place });
  const runId = opened.state === 'skipped' ? opened.runId : opened.run.runId;
  const event = eventOf(runId);
  if (opened.state === 'skipped') {
    yield event({
      type: 'run-skipped',
      output: outputFolder,
      reason: opened.reason,
      ...datedAs(options.date?.logicalDate, options),
    });
    return;
  }
  const { model } = opened.run.plan;
  const dated = datedAs(opened.run.plan.logicalDate, options);
  yield event({
    type: 'run-started',
    output: outputFolder,
    resumes: opened.state === 'resumed',
    model: { path: model.path, sha256: model.sha256 },
    ...dated,
  });
  if (opened.state === 'new' && opened.staged !== undefined) yield event({ type: 'input-staged', ...opened.staged });
  const { plan } = opened.run;
  const failures: ShardFailure[] = [];
  const finished = { runId, outputFolder, plan, commits: new Map<number, Commit>(), failures };
  if (opened.state === 'resumed')
    for (const [shard, commit] of await orAborted(
      options.signal,
      ports.store.validCommits(outputFolder, opened.run, place),
    ))
      if (commit.isGivenUp !== true) finished.commits.set(shard, commit);
  const isAnew = options.restart || options.isRepeat === true;
  const taking = { isAnew, job: options.job, run: opened.run, place, done: finished.commits };
  const taken = await orAborted(options.signal, takeOverShards(ports, taking));
  for (const commit of taken.commits) finished.commits.set(commit.shard, commit);
  if (taken.event !== undefined) yield event(taken.event);
  const remaining = plan.shards.filter((shard) => !finished.commits.has(shard.index));
  const slots = ports.planSlots({ ...execution, devices, modelBytes: plan.model.sizeBytes }).slice(0, remaining.length);
  const prefetch = readsAhead(ports, { ...execution, slots, plan });
  yield event(planned(opened, finished, { slots, prefetch }));
  const kept = keepsModel(options.job, prepared.model);
  if (kept.reason !== undefined) yield event({ type: 'warning', code: 'CACHE_UNAVAILABLE', message: kept.reason });
  const stream = executor.execute({
    plan,
    slots,
    shards: remaining,
    outputFolder,
    runId,
    batch: chosenBatch(plan, execution, await ports.store.readBatch(outputFolder, runId)),
    prefetch,
    warmupBatches: execution.warmup === 'auto' ? 0 : execution.warmup,
    profile: execution.profile,
    modelFiles: prepared.model.files,
    optimizedModels: kept.isKept ? options.optimizedModels : undefined,
    fallback: execution.fallback,
    maxWorkerMemoryBytes: execution.maxWorkerMemoryBytes,
    batchTimeoutMs: execution.batchTimeoutMs,
    retry: options.job.retry,
    maxFailedShards: options.job.errors.maxFailedShards,
    signal: options.signal,
  });
  const warned = new Set<string>();
  for await (const happened of stream) {
    await keep(ports, finished, happened);
    yield event(bodyOf(happened));
    const warning = warningOf(happened);
    // What is wrong with the machine each of its workers says.
    const text = JSON.stringify(warning);
    if (warning !== undefined && !warned.has(text)) yield event(warning);
    warned.add(text);
    const isOver = happened.type === 'shard-failed' && happened.error.exitCode === 4;
    if (isOver) throw shardsFailed({ ...finished, commits: [...finished.commits.values()] }, happened);
    // All commits are looked at, so only where this one can have made the difference.
    if (happened.type !== 'shard-done' || !isLost(happened.commit)) continue;
    const hopeless = hopelessnessOf({ plan, commits: [...finished.commits.values()] }, options.job.errors.maxRejected);
    if (hopeless !== undefined) throw hopeless;
  }
  if (options.signal.aborted) throw options.signal.reason;
  const whole = { ...finished, commits: plan.shards.flatMap((shard) => finished.commits.get(shard.index) ?? []) };
  const failure = failureOf(whole, options.job.errors.maxRejected);
  if (failure !== undefined) throw failure;
  const { signal } = options;
  const asked = { ...place, run: opened.run, commits: whole.commits, isKept: true, signal };
  const { checks, isDecided } = await orAborted(signal, auditRun(ports, asked));
  for (const body of auditEvents(checks)) yield event(body);
  const refusal = checksFailure(checks, outputFolder);
  if (refusal !== undefined && !isDecided) throw refusal;
  const scoredRows = remaining.reduce((sum, shard) => sum + shardRowCount(shard), 0);
  const isForced = refusal !== undefined;
  yield event({
    ...(await publish(ports, { place, finished: whole, checks, isForced, started, scoredRows })),
    ...dated,
  });
}

function datedAs(logicalDate: string | undefined, { date }: JobRequest) {
  return { logicalDate, ...(date?.isShown === true ? { dated: true as const } : {}) };
}

/** A folder where nightshift never was is looked at before the lock is made in it, so that a refusal leaves no trace. */
async function refuseBeforeLock(ports: Ports, prepared: PreparedJob, { job, resume }: RunOptions): Promise<void> {
  const { outputFolder, fingerprint, identity } = prepared;
  if (await isThere(join(outputFolder, metaFolder))) return;
  await ports.store.check(outputFolder, job.output.mode, undefined);
  if (resume === undefined) return;
  await ports.store.findRequested(outputFolder, { job: job.name, fingerprint, identity, runId: resume }, undefined);
}

function planned(
  opened: Exclude<OpenedRun, { state: 'skipped' }>,
  { commits }: { readonly commits: ReadonlyMap<number, Commit> },
  by: { readonly slots: readonly Slot[]; readonly prefetch: boolean },
): RunEventBody {
  const { plan } = opened.run;
  return {
    type: 'run-planned',
    rows: plan.rowCount,
    shards: plan.shards.length,
    shardsDone: commits.size,
    rowsDone: [...commits.values()].reduce((sum, commit) => sum + commit.rowsIn, 0),
    files: plan.dataset.files.length,
    workers: by.slots.length,
    devices: [...new Set(by.slots.map((slot) => slot.device.name))],
    intraOpThreads: by.slots[0]?.intraOpThreads ?? 1,
    prefetch: by.prefetch,
  };
}

async function keep(
  ports: Ports,
  run: {
    readonly outputFolder: string;
    readonly runId: string;
    readonly commits: Map<number, Commit>;
    readonly failures: ShardFailure[];
  },
  happened: ExecutorEvent,
): Promise<void> {
  if (happened.type === 'batch-measured' || happened.type === 'batch-reduced')
    await ports.store.writeBatch(run.outputFolder, run.runId, happened);
  if (happened.type === 'shard-done') {
    run.commits.set(happened.shard, happened.commit);
    const failed = run.failures.findIndex(({ shard }) => shard === happened.shard);
    // A shard that failed and may is done when its rows are rejects.
    if (failed >= 0) run.failures.splice(failed, 1);
  }
  if (happened.type === 'shard-failed' && !happened.willRetry) run.failures.push(happened);
}

interface Publishing {
  readonly place: RunPlace;
  readonly finished: FinishedRun;
  readonly checks: readonly CheckResult[];
  /** Somebody forced it before, and was cut off. */
  readonly isForced: boolean;
  readonly started: Date;
  /** Rows that this process scored. */
  readonly scoredRows: number;
}

async function publish(
  ports: Ports,
  { place, finished, checks, isForced, started, scoredRows }: Publishing,
): Promise<RunEventBody> {
  const { outputFolder, plan, commits } = finished;
  const run = publishedRun(finished, {
    publishedAt: ports.now().toISOString(),
    version: ports.version,
    checks,
    isForced,
  });
  const keepVersions = plan.publishing?.keepVersions ?? 1;
  await ports.store.publish({ ...place, plan, commits, run, keepVersions });
  const takenRows = takenOverRows(commits);
  const profile = join(outputFolder, runLayout(finished.runId).profile);
  const seconds = Math.max(0.001, (ports.now().getTime() - started.getTime()) / 1000);
  return {
    type: 'run-published',
    output: outputFolder,
    rows: run.rows,
    parts: commits.length,
    bytes: commits.reduce((sum, commit) => sum + commit.sizeBytes, 0),
    seconds,
    rowsPerSecond: Math.round(scoredRows / seconds),
    rejects: run.rejects.map((name) => join(outputFolder, name)),
    providers: run.providers,
    ...((await isThere(profile)) ? { profile } : {}),
    ...batchIn(run),
    ...(takenRows === 0 ? {} : { takenOverRows: takenRows }),
    ...savedRows(commits),
  };
}

function savedRows(commits: readonly Commit[]): { readonly repeatedRows?: number; readonly cachedRows?: number } {
  const sum = (of: 'repeatedRows' | 'cachedRows') => commits.reduce((rows, commit) => rows + (commit[of] ?? 0), 0);
  const [repeatedRows, cachedRows] = [sum('repeatedRows'), sum('cachedRows')];
  return { ...(repeatedRows === 0 ? {} : { repeatedRows }), ...(cachedRows === 0 ? {} : { cachedRows }) };
}
