import { join } from 'node:path';
import type { Manifest, StoredRun } from '../checkpoint/contract.ts';
import { AppError } from '../core/errors.ts';
import { isThere } from '../core/files.ts';
import type { ModelFile } from '../model/contract.ts';
import type { Commit } from '../plan/commit.ts';
import { partName, rejectsName, runLayout } from '../plan/layout.ts';
import type { RunPlan } from '../plan/run-plan.ts';
import { auditRun, checksFailure } from './audit-run.ts';
import { notPublished } from './not-published.ts';
import { newRunId } from './open-run.ts';
import { orAborted } from './or-aborted.ts';
import { type FinishedRun, ledgerOf, publishedRun } from './outcome.ts';
import type { Ports } from './ports.ts';
import { readSettings } from './read-settings.ts';
import { replayPlan, type Staged, sameSignature } from './replay-plan.ts';

export interface ReplayOptions {
  readonly outputFolder: string;
  /** Absolute path of a table of mended rows. */
  readonly fix: string | undefined;
  /** Tells what would be scored, and scores nothing. */
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
}

export interface Replay {
  /** The run whose rejects were taken. */
  readonly of: string;
  /** What is published now; undefined when nothing was to be done, or only told. */
  readonly runId: string | undefined;
  readonly output: string;
  /** Rejects before, those that hold a row which can be scored, and those that are left. */
  readonly rejected: number;
  readonly replayable: number;
  readonly left: number;
  /** Rows that are now in their places. */
  readonly placed: number;
  readonly rows: ReturnType<typeof ledgerOf>;
}

/**
 * Scores the rejected rows of what is published again, with the model as it is now and the rows as a fix has them, and
 * publishes them in their places. No other row is scored.
 * @throws AppError OUTPUT_NOT_FOUND, USAGE for an output of several runs or of another format than Parquet,
 *   MODEL_INPUT_MISMATCH when the model became another, CHECKS_FAILED, LOCKED
 */
export async function replayOutput(ports: Ports, options: ReplayOptions): Promise<Replay> {
  const { outputFolder, fix } = options;
  if (fix !== undefined && !(await isThere(fix)))
    throw new AppError('INPUT_NOT_FOUND', `there is no ${fix}`, { hint: 'check --fix' });
  await findPublished(ports, outputFolder);
  await using _lock = await ports.store.lock(outputFolder, ports.now().toISOString());
  const source = await findSource(ports, outputFolder);
  const runId = newRunId(ports);
  await ports.store.create(outputFolder, runId);
  try {
    const replay = await replayInto(ports, { ...options, ...source, runId });
    if (replay.runId === undefined) await ports.store.remove(outputFolder, runId);
    return replay;
  } catch (error) {
    await ports.store.remove(outputFolder, runId);
    throw error;
  }
}

interface Source {
  readonly manifest: Manifest;
  readonly run: StoredRun;
  readonly commits: readonly Commit[];
}

/** The one run that is published, without a look at its parts, which takes reading them. */
async function findPublished(ports: Ports, outputFolder: string): Promise<Omit<Source, 'commits'>> {
  const manifest = await ports.store.readPublished(outputFolder);
  const [last, ...others] = manifest?.runs.toReversed() ?? [];
  if (manifest === undefined || last === undefined) throw await notPublished(outputFolder);
  const cannot = (why: string) => cannotReplay(outputFolder, why);
  if (others.length > 0) throw cannot('several runs were appended to it');
  if (manifest.format !== 'parquet')
    throw cannot(`it is ${manifest.format}, and only Parquet keeps all values as they are`);
  const run = await ports.store.readRun(outputFolder, last.runId);
  if (run === undefined) throw cannot(`the plan of run ${last.runId} is gone`);
  return { manifest, run };
}

async function findSource(ports: Ports, outputFolder: string): Promise<Source> {
  const { manifest, run } = await findPublished(ports, outputFolder);
  const valid = await ports.store.validCommits(outputFolder, run, { mode: 'overwrite', previous: manifest });
  const commits = run.plan.shards.flatMap((shard) => valid.get(shard.index) ?? []);
  if (commits.length !== run.plan.shards.length)
    throw cannotReplay(outputFolder, 'its parts or commits are not what was published');
  return { manifest, run, commits };
}

function cannotReplay(outputFolder: string, why: string): AppError {
  return new AppError('USAGE', `the rejects of ${outputFolder} cannot be replayed: ${why}`, {
    hint: 'mend the input and run the job again',
  });
}

interface Replaying extends ReplayOptions, Source {
  readonly runId: string;
}

async function replayInto(ports: Ports, options: Replaying): Promise<Replay> {
  const { outputFolder, run, commits, signal, dryRun } = options;
  const before = ledgerOf({ plan: run.plan, commits });
  await checkFix(ports, options);
  const staged = await orAborted(signal, stageAll(ports, options));
  const replayable = staged.reduce((sum, { rows }) => sum + rows, 0);
  const told = { of: run.runId, output: outputFolder, rejected: before.rejected, replayable };
  if (dryRun || replayable === 0) return { ...told, runId: undefined, left: before.rejected, placed: 0, rows: before };
  const model = await ports.models.read(run.plan.model.path);
  if (!sameSignature(model.facts.signature, run.plan.model.signature))
    throw new AppError(
      'MODEL_INPUT_MISMATCH',
      `${model.path} has other inputs or outputs than when it scored ${outputFolder}`,
      {
        hint: 'run the job again: its other rows need the new model too',
      },
    );
  const plan = replayPlan(run.plan, { staged, modelSha256: model.sha256 });
  const scored = await scoreStaged(ports, options, { plan, model });
  const merged = await mergeAll(ports, options, { staged, scored });
  const finished: FinishedRun = { runId: options.runId, outputFolder, plan: run.plan, commits: merged, failures: [] };
  const rows = ledgerOf(finished);
  const after = { ...told, left: rows.rejected, placed: rows.out - before.out, rows };
  // Another version of the same table would only push out an older one.
  if (rows.rejected === before.rejected && rows.out === before.out) return { ...after, runId: undefined };
  await publish(ports, options, { finished, modelSha256: model.sha256 });
  return { ...after, runId: options.runId };
}

async function checkFix(ports: Ports, { outputFolder, run, commits, fix }: Replaying): Promise<void> {
  const folder = join(outputFolder, runLayout(run.runId).rejects);
  const rejects = commits.flatMap((commit) => (commit.rejects === undefined ? [] : [join(folder, commit.rejects)]));
  if (fix !== undefined && rejects.length > 0)
    await ports.rejects.checkFix({ fix, rejects, columns: run.plan.dataset.columns });
}

async function stageAll(
  ports: Ports,
  { outputFolder, run, commits, fix, runId }: Replaying,
): Promise<readonly Staged[]> {
  const staged: Staged[] = [];
  for (const commit of commits) {
    if (commit.rejects === undefined) continue;
    const rejects = join(outputFolder, runLayout(run.runId).rejects, commit.rejects);
    const path = join(outputFolder, runLayout(runId).input, `replay-${commit.shard}.parquet`);
    const table = await ports.rejects.stage({ rejects, fix, columns: run.plan.dataset.columns, path });
    if (table.rows > 0) staged.push({ shard: commit.shard, rejects, path, ...table });
  }
  return staged;
}

/** Scores the staged rows in a folder of their own, by the executor that scores everything. */
async function scoreStaged(
  ports: Ports,
  options: Replaying,
  { plan, model }: { readonly plan: RunPlan; readonly model: ModelFile },
): Promise<ReadonlyMap<number, Commit>> {
  const { runId, signal } = options;
  const place = scratchFolder(options);
  await ports.store.create(place, runId);
  const { execution, retry } = await readSettings(ports, options.outputFolder, options.run.runId);
  const devices = await ports.findDevices(execution.devices);
  const slots = ports.planSlots({ ...execution, devices, modelBytes: plan.model.sizeBytes });
  const commits = new Map<number, Commit>();
  await using executor = ports.newExecutor();
  const events = executor.execute({
    plan,
    slots: slots.slice(0, plan.shards.length),
    shards: plan.shards,
    outputFolder: place,
    runId,
    batch: options.commits[0],
    modelFiles: model.files,
    prefetch: false,
    warmupBatches: 0,
    profile: false,
    fallback: execution.fallback,
    maxWorkerMemoryBytes: execution.maxWorkerMemoryBytes,
    batchTimeoutMs: execution.batchTimeoutMs,
    retry,
    maxFailedShards: 0,
    signal,
  });
  for await (const event of events) {
    if (event.type === 'shard-done') commits.set(event.shard, event.commit);
    if (event.type !== 'shard-failed' || event.willRetry) continue;
    // A shard that was stopped says so in its own words.
    signal.throwIfAborted();
    throw event.error;
  }
  signal.throwIfAborted();
  return commits;
}

function scratchFolder({ outputFolder, runId }: Replaying): string {
  return join(outputFolder, runLayout(runId).input, 'replay');
}

interface Scored {
  readonly staged: readonly Staged[];
  readonly scored: ReadonlyMap<number, Commit>;
}

/** Every shard's commit in the new run: as it was, or of the merged part. */
async function mergeAll(ports: Ports, options: Replaying, { staged, scored }: Scored): Promise<readonly Commit[]> {
  const { outputFolder, run, commits, runId, signal } = options;
  const place = scratchFolder(options);
  const layout = runLayout(runId);
  const merged: Commit[] = [];
  for (const commit of commits) {
    signal.throwIfAborted();
    const name = partName(commit.shard, run.plan.part);
    const source = staged.find(({ shard }) => shard === commit.shard);
    const replayed = scored.get(commit.shard);
    if (source === undefined || replayed === undefined) {
      const takeover = { shard: commit.shard, runId: run.runId, commit, part: join(outputFolder, name) };
      merged.push(...(await ports.store.takeOver(outputFolder, { runId, plan: run.plan }, [takeover])));
      continue;
    }
    const rejects = rejectsName(commit.shard);
    const { rowsOut, rejectedRows, sizeBytes, sha256 } = await ports.rejects.merge({
      rejects: source.rejects,
      part: join(outputFolder, name),
      scored: join(place, layout.staging, replayed.part),
      rejectedAgain: replayed.rejects === undefined ? undefined : join(place, layout.rejects, replayed.rejects),
      format: run.plan.part,
      path: join(outputFolder, layout.staging, name),
      rejectsPath: join(outputFolder, layout.rejects, rejects),
      spillFolder: join(outputFolder, layout.staging),
    });
    const next: Commit = {
      ...commit,
      part: name,
      sizeBytes,
      sha256,
      rowsOut,
      rejectedRows,
      filteredRows: commit.rowsIn - rowsOut - rejectedRows,
      rejects: rejectedRows === 0 ? undefined : rejects,
      firstReject: rejectedRows === 0 ? undefined : (replayed.firstReject ?? commit.firstReject),
      providers: [...new Set([...commit.providers, ...replayed.providers])],
    };
    await ports.store.commit(outputFolder, runId, next);
    merged.push(next);
  }
  if (run.plan.dataset.rejectedLines > 0)
    await ports.store.takeOverInputRejects(outputFolder, { from: run.runId, to: runId });
  return merged;
}

async function publish(
  ports: Ports,
  { outputFolder, manifest, run, runId, signal }: Replaying,
  { finished, modelSha256 }: { readonly finished: FinishedRun; readonly modelSha256: string },
): Promise<void> {
  const { plan, commits } = finished;
  const stored = { runId, plan };
  const { checks } = await orAborted(
    signal,
    auditRun(ports, { outputFolder, run: stored, commits, previous: manifest, isKept: true, signal }),
  );
  const refusal = checksFailure(checks, outputFolder);
  if (refusal !== undefined)
    throw new AppError(refusal.code, refusal.message, {
      hint: 'what was published before is as it was; mend the rows, or the checks and run the job again',
      details: refusal.details,
    });
  // Written last: a replay that was killed before leaves no run that could be gone on with.
  const job = await ports.store.readJob(outputFolder, run.runId);
  if (job !== undefined) await ports.store.writeJob(outputFolder, runId, job);
  await ports.store.writePlan(outputFolder, stored);
  const published = publishedRun(finished, {
    publishedAt: ports.now().toISOString(),
    version: ports.version,
    checks,
    replayOf: { runId: run.runId, modelSha256 },
  });
  await ports.store.publish({
    outputFolder,
    plan,
    mode: 'overwrite',
    commits,
    previous: manifest,
    run: published,
    keepVersions: plan.publishing?.keepVersions ?? 1,
  });
}
