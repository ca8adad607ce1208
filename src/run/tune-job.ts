import { join } from 'node:path';
import { AppError } from '../core/errors.ts';
import { inputRejectsName } from '../plan/layout.ts';
import { type Setting, type TunedKey, tunedKeys, tuneGrid } from '../plan/tune-grid.ts';
import { type Found, search } from '../plan/tune-search.ts';
import type { JobRequest } from './job-request.ts';
import {
  type Bench,
  type Measurement,
  measureSetting,
  type ResolvedSetting,
  resolveSetting,
} from './measure-setting.ts';
import { orAborted } from './or-aborted.ts';
import type { Ports, TemporaryFolder } from './ports.ts';
import { openJob, type PreparedJob, prepareJob } from './prepare-job.ts';

export interface TuneOptions extends JobRequest {
  /** Rows of the sample; auto is as many as take a while. */
  readonly rows: number | 'auto';
  readonly budgetMs: number;
  /** What may change; everything, if left out. */
  readonly only?: readonly TunedKey[] | undefined;
  readonly signal: AbortSignal;
}

export type TuneEvent =
  | { readonly type: 'sampled'; readonly rows: number; readonly repeats: number }
  | {
      readonly type: 'measured';
      readonly setting: Setting;
      readonly measurement: Measurement | undefined;
      /** Why a setting cannot be used. */
      readonly failure: AppError | undefined;
      /** How much of the budget is spent, from 0 to 1. */
      readonly spent: number;
    }
  | ({ readonly type: 'tuned' } & Tuned);

export interface Tuned {
  readonly found: Found;
  readonly rows: number;
  readonly seconds: number;
  /** The last measurement of each setting that was tried, by `keyOf`. */
  readonly measurements: ReadonlyMap<string, Measurement>;
  readonly keyOf: (setting: Setting) => string;
}

const firstRows = 1000;
const rowsAtMost = 5_000_000;
const repeatsAtMost = 20;
/** Of the budget, for one measurement; processes come and go beside it. */
const budgetShare = 1 / 60;
const secondsAtLeast = 0.25;
const secondsAtMost = 3;
/** The rest of the budget is for the best and the present setting once more. */
const exploringShare = 0.8;

/**
 * Measures settings of a job's execution on a sample of its rows, in a folder beside its output that goes afterwards.
 * @throws AppError what a run would begin with; what the present setting fails with; the signal's reason
 */
export async function* tuneJob(ports: Ports, options: TuneOptions): AsyncGenerator<TuneEvent> {
  const { job, signal } = options;
  const started = performance.now();
  const devices = await ports.findDevices(job.execution.devices);
  const prepared = await orAborted(signal, prepareJob(ports, options));
  await using folder = await ports.temporaryFolder(prepared.outputFolder);
  const { bench, first } = yield* sampled(ports, { options, prepared, devices, folder });
  const spent = () => (performance.now() - started) / options.budgetMs;
  const present = presentOf(job.execution);
  const { slots } = resolveSetting(ports, bench, present);
  const autoRows = first.batchRows;
  const key = (setting: Setting) => keyOf(resolveSetting(ports, bench, setting), setting, autoRows);
  const steps = search({
    present,
    grid: tuneGrid({
      cores: ports.cores,
      only: options.only,
      hasGpu: slots.some(({ device }) => device.kind === 'cuda'),
      batchRowsAtMost: bench.plan.rowCount / slots.length,
      isBatchFixed: bench.plan.fixedBatchRows !== undefined,
    }),
    keyOf: key,
  });
  const measurements = new Map<string, Measurement>();
  let last = first.seconds;
  let taken = 0;
  let step = steps.next();
  while (step.done !== true) {
    const { setting, isConfirming } = step.value;
    const left = (isConfirming ? 1 : exploringShare) - spent();
    // The present one is measured twice, whatever it takes: without that there is nothing to tell.
    const isNeeded = taken < 2;
    if (!isNeeded && left * options.budgetMs < last * 1000) {
      step = steps.next(undefined);
      continue;
    }
    const before = performance.now();
    const { measurement, failure } = await tried(ports, bench, setting);
    last = (performance.now() - before) / 1000;
    taken++;
    if (failure !== undefined && isNeeded) throw failure;
    if (measurement !== undefined) measurements.set(key(setting), measurement);
    yield { type: 'measured', setting, measurement, failure, spent: Math.min(1, spent()) };
    step = steps.next({ rate: measurement?.rowsPerSecond ?? 0 });
  }
  const seconds = (performance.now() - started) / 1000;
  const rows = bench.plan.rowCount * bench.repeats;
  yield { type: 'tuned', found: step.value, rows, seconds, measurements, keyOf: key };
}

function presentOf(execution: Setting): Setting {
  const { workersPerDevice, intraOpThreads, batchSize, readAhead, graphOptimization } = execution;
  return { workersPerDevice, intraOpThreads, batchSize, readAhead, graphOptimization };
}

/** The tuned keys in which two settings differ, with what they are in the first. */
export function changesTo(setting: Setting, from: Setting): Partial<Setting> {
  return Object.fromEntries(tunedKeys.flatMap((key) => (setting[key] === from[key] ? [] : [[key, setting[key]]])));
}

/** Settings that run alike have one key. */
function keyOf({ slots, prefetch, plan }: ResolvedSetting, { batchSize }: Setting, autoRows: number): string {
  const places = slots.map(({ device, intraOpThreads }) => `${device.name}×${intraOpThreads}`);
  return JSON.stringify([places, batchSize === 'auto' ? autoRows : batchSize, prefetch, plan.graphOptimization]);
}

async function tried(
  ports: Ports,
  bench: Bench,
  setting: Setting,
): Promise<Pick<Extract<TuneEvent, { type: 'measured' }>, 'measurement' | 'failure'>> {
  try {
    return { measurement: await measureSetting(ports, bench, setting), failure: undefined };
  } catch (error) {
    bench.signal.throwIfAborted();
    if (!(error instanceof AppError)) throw error;
    return { measurement: undefined, failure: error };
  }
}

interface Sampling extends Pick<Bench, 'devices'> {
  readonly folder: TemporaryFolder;
  readonly options: TuneOptions;
  readonly prepared: PreparedJob;
}

/** Takes so many rows that a measurement lasts long enough to tell settings apart, and not longer. */
async function* sampled(
  ports: Ports,
  { options, prepared, devices, folder }: Sampling,
): AsyncGenerator<TuneEvent, { readonly bench: Bench; readonly first: Measurement }> {
  const { job, rows, budgetMs, signal } = options;
  const wanted = Math.min(secondsAtMost, Math.max(secondsAtLeast, (budgetMs / 1000) * budgetShare));
  const benchOf = async (limit: number): Promise<Bench> => {
    const stagingFolder = await folder.make(`input-${limit}`);
    const places = { stagingFolder, rejectsPath: join(stagingFolder, inputRejectsName) };
    const limited = { ...prepared, input: { ...prepared.input, limit: Math.min(limit, job.input.limit ?? limit) } };
    const { plan: planned } = await orAborted(signal, openJob(ports, limited, places));
    // Rows whose predictions are known would measure the look-up.
    const { dedupe: _dedupe, cache: _cache, ...plan } = planned;
    if (plan.rowCount === 0)
      throw new AppError('USAGE', `job ${job.name} has no rows to measure on`, { hint: 'see `nightshift plan`' });
    return { job, plan, devices, repeats: 1, folder: folder.path, signal };
  };
  let limit = rows === 'auto' ? firstRows : rows;
  let former = 0;
  for (;;) {
    const bench = await benchOf(limit);
    const first = await measureSetting(ports, bench, presentOf(job.execution));
    const { rowCount } = bench.plan;
    const isAll = rowCount < limit || rowCount === former || limit >= rowsAtMost;
    former = rowCount;
    if (rows !== 'auto' || isAll || first.seconds >= wanted / 2) {
      const repeats = Math.min(repeatsAtMost, Math.max(1, Math.ceil(wanted / first.seconds)));
      yield { type: 'sampled', rows: rowCount, repeats };
      return { bench: { ...bench, repeats }, first };
    }
    const times = Math.min(50, Math.max(2, wanted / first.seconds));
    limit = Math.min(rowsAtMost, Math.round(limit * times));
  }
}
