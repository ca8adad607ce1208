import { join, resolve } from 'node:path';
import type { Manifest, StoredRun, WriteMode } from '../checkpoint/contract.ts';
import { AppError } from '../core/errors.ts';
import { inputRejectsName, runLayout } from '../plan/layout.ts';
import { withPublishing } from '../plan/plan-run.ts';
import { storedJobText } from '../spec/written-job.ts';
import { digestInputs } from './digest-inputs.ts';
import { orAborted } from './or-aborted.ts';
import { checkAppend } from './outcome.ts';
import type { Ports } from './ports.ts';
import { openJob, type PreparedJob } from './prepare-job.ts';

export interface RunPlace {
  readonly outputFolder: string;
  readonly mode: WriteMode;
  readonly previous: Manifest | undefined;
}

export interface OpenOptions extends RunPlace {
  readonly restart: boolean;
  readonly resume: string | undefined;
  readonly signal: AbortSignal;
}

export interface StagedInput {
  readonly format: string;
  readonly files: number;
  readonly rejectedLines: number;
  readonly seconds: number;
}

export type OpenedRun =
  | { readonly state: 'skipped'; readonly runId: string; readonly reason: string }
  | { readonly state: 'resumed'; readonly run: StoredRun }
  | { readonly state: 'new'; readonly run: StoredRun; readonly staged: StagedInput | undefined };

/**
 * Finds the unfinished run of the same fingerprint, or makes a new one whose input is staged and whose plan is on disk.
 * @throws AppError USAGE, FINGERPRINT_CHANGED, OUTPUT_EXISTS and what planning throws; a run that cannot be planned leaves nothing
 */
export async function openRun(ports: Ports, prepared: PreparedJob, options: OpenOptions): Promise<OpenedRun> {
  const { outputFolder, mode, previous } = options;
  const runId = prepared.request.runId ?? newRunId(ports);
  const run = options.restart ? undefined : await findUnfinished(ports, prepared, options);
  if (run !== undefined) return { state: 'resumed', run: await asTheJobSays(ports, prepared, run) };
  if ((await ports.store.check(outputFolder, mode, previous)) === 'skip') {
    const reason = 'something is published there and output.mode is ignore';
    return { state: 'skipped', runId, reason };
  }
  const appended = previous?.runs.find((published) => published.fingerprint === prepared.fingerprint);
  // Its rows would be there twice.
  if (mode === 'append' && appended !== undefined && !options.restart) {
    const reason = `run ${appended.runId} appended the same input already; --restart appends it again`;
    return { state: 'skipped', runId, reason };
  }
  await ports.store.create(outputFolder, runId);
  try {
    return await planNew(ports, prepared, { ...options, runId });
  } catch (error) {
    // Where that fails too, the first error tells why, and the next run removes it.
    await ports.store.remove(outputFolder, runId).catch(() => undefined);
    throw error;
  }
}

/**
 * The unfinished run to go on with.
 * @throws AppError what is wrong with the job as it is now, before FINGERPRINT_CHANGED: `--restart` would not help
 */
async function findUnfinished(
  ports: Ports,
  prepared: PreparedJob,
  { outputFolder, previous, resume, signal }: OpenOptions,
): Promise<StoredRun | undefined> {
  const { fingerprint, identity, request } = prepared;
  const wanted = { job: request.job.name, fingerprint, identity, isByContent: request.job.resume === 'byContent' };
  try {
    if (resume !== undefined)
      return await ports.store.findRequested(outputFolder, { ...wanted, runId: resume }, previous);
    await ports.store.discardEmpty(outputFolder, wanted, previous);
    return await ports.store.findResumable(outputFolder, wanted, previous);
  } catch (error) {
    if (error instanceof AppError && error.code === 'FINGERPRINT_CHANGED')
      await refuseUnplannable(ports, prepared, signal);
    throw error;
  }
}

/** @throws AppError what planning throws */
async function refuseUnplannable(ports: Ports, prepared: PreparedJob, signal: AbortSignal): Promise<void> {
  await using folder = await ports.temporaryFolder();
  const places = { stagingFolder: folder.path, rejectsPath: join(folder.path, inputRejectsName) };
  await orAborted(signal, openJob(ports, prepared, places));
}

/**
 * How a run is published, and its checks, are what the job says now: they may change without scoring again. It stays
 * for the date that it was begun for, unless another one is asked for.
 */
async function asTheJobSays(ports: Ports, { request, outputFolder }: PreparedJob, run: StoredRun): Promise<StoredRun> {
  const { logicalDate } = run.plan;
  const isFor = request.date?.isAsked === true ? undefined : logicalDate;
  const plan = {
    ...withPublishing(run.plan, request),
    logicalDate: isFor ?? request.date?.logicalDate ?? logicalDate,
  };
  const job = keptJob({ request });
  const isKept = (await ports.store.readJob(outputFolder, run.runId)) === job;
  if (!isKept) await ports.store.writeJob(outputFolder, run.runId, job);
  if (JSON.stringify(plan) === JSON.stringify(run.plan)) return run;
  await ports.store.writePlan(outputFolder, { runId: run.runId, plan });
  return { runId: run.runId, plan };
}

/** What `rerun` reads. */
function keptJob({ request: { job, baseDir } }: Pick<PreparedJob, 'request'>): string {
  return storedJobText({ ...job, baseDir: resolve(baseDir) });
}

async function planNew(
  ports: Ports,
  prepared: PreparedJob,
  { runId, signal, mode, previous, restart }: OpenOptions & { readonly runId: string },
): Promise<OpenedRun> {
  const { outputFolder, found } = prepared;
  const layout = runLayout(runId);
  const before = ports.now().getTime();
  const places = {
    stagingFolder: join(outputFolder, layout.input),
    rejectsPath: join(outputFolder, layout.rejects, inputRejectsName),
    digests: await orAborted(signal, digestInputs(prepared)),
  };
  const { plan, dataset } = await orAborted(signal, openJob(ports, prepared, places));
  if (mode === 'append') checkAppend(plan, outputFolder, previous);
  const run = { runId, plan };
  await ports.store.writeJob(outputFolder, runId, keptJob(prepared));
  // Only now is there something better than what was scored before; without a plan, this run is none of them.
  if (restart) await ports.store.discardUnfinished(outputFolder, plan.job, previous);
  await ports.store.writePlan(outputFolder, run);
  if (found.format === 'parquet') return { state: 'new', run, staged: undefined };
  const seconds = (ports.now().getTime() - before) / 1000;
  return {
    state: 'new',
    run,
    staged: { format: found.format, files: found.files.length, rejectedLines: dataset.rejectedLines, seconds },
  };
}

/** Sorts by time, to the millisecond, which the first three of its last digits are: `20261124T023000Z-1f9c2a`. */
export function newRunId(ports: Pick<Ports, 'now' | 'randomId'>): string {
  const now = ports.now();
  const stamp = now.toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const milliseconds = now.getUTCMilliseconds().toString(16).padStart(3, '0');
  return `${stamp}-${milliseconds}${ports.randomId().slice(0, 3)}`;
}
