import { batchBound, type Setting, type TunedKey, tunedKeys, tuneGrid } from '../plan/tune-grid.ts';
import { type Found, search } from '../plan/tune-search.ts';
import type { JobRequest } from './job-request.ts';
import { type Measurement, resolveSetting, workersKey } from './measure-setting.ts';
import { Measurer, type SettingMeasured } from './measure-wanted.ts';
import { orAborted } from './or-aborted.ts';
import type { Ports } from './ports.ts';
import { prepareJob } from './prepare-job.ts';
import { type Sample, sampleJob } from './sample-job.ts';

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
  | SettingMeasured
  | ({ readonly type: 'tuned' } & Tuned);

export interface Tuned {
  readonly found: Found;
  /** Of one look. */
  readonly rows: number;
  readonly seconds: number;
  /** The last measurement of each setting that was tried, by `keyOf`. */
  readonly measurements: ReadonlyMap<string, Measurement>;
  readonly keyOf: (setting: Setting) => string;
  readonly sample: Sample;
  /** Every setting that there was to choose from. */
  readonly grid: ReturnType<typeof tuneGrid>;
}

/**
 * Measures settings of a job's execution on a sample of its rows, in a folder beside its output that goes afterwards.
 * @throws AppError what a run would begin with; what the present setting fails with; the signal's reason
 */
export async function* tuneJob(ports: Ports, options: TuneOptions): AsyncGenerator<TuneEvent> {
  const { job, signal, rows, budgetMs, only } = options;
  const started = performance.now();
  const present = presentOf(job.execution);
  const devices = await ports.findDevices(job.execution.devices);
  const prepared = await orAborted(signal, prepareJob(ports, options));
  const { outputFolder } = prepared;
  await ports.store.removeLeftovers(outputFolder, await ports.store.findAbandoned(outputFolder));
  await using folder = await ports.temporaryFolder(outputFolder);
  const sample = await sampleJob(ports, { job, prepared, devices, folder, present, rows, budgetMs, only, signal });
  const { bench, repeats } = sample;
  yield { type: 'sampled', rows: bench.plan.rowCount, repeats };
  const { slots } = resolveSetting(ports, bench, present);
  const grid = tuneGrid({
    cores: ports.cores,
    only,
    hasGpu: slots.some(({ device }) => device.kind === 'cuda'),
    batchRowsAtMost: bench.plan.rowCount / slots.length,
    batchBound: batchBound(bench.plan, present, only),
  });
  const keyOf = (setting: Setting) => {
    const resolved = resolveSetting(ports, bench, setting);
    return JSON.stringify([workersKey(resolved), resolved.batch]);
  };
  const measurer = new Measurer(ports, sample, { ms: budgetMs, started });
  const steps = search({ present, grid, keyOf, costOf: (settings, isShort) => measurer.costOf(settings, isShort) });
  const measurements = new Map<string, Measurement>();
  let step = steps.next();
  while (step.done !== true) {
    const measuring = measurer.measure(step.value);
    let next = await measuring.next();
    for (; next.done !== true; next = await measuring.next()) {
      const { setting, measurement } = next.value;
      if (measurement !== undefined)
        measurements.set(keyOf(setting), lastOf(measurements.get(keyOf(setting)), measurement));
      yield next.value;
    }
    step = steps.next(next.value);
  }
  const seconds = (performance.now() - started) / 1000;
  const of = { rows: bench.plan.rowCount * repeats, seconds, measurements, keyOf, sample, grid };
  yield { type: 'tuned', found: step.value, ...of };
}

/** The last measurement, with the memory of one that had its workers for itself where there was one. */
function lastOf(former: Measurement | undefined, last: Measurement): Measurement {
  const { peakBytes, isPeakShared } = former?.isPeakShared === false && last.isPeakShared ? former : last;
  return { ...last, peakBytes, isPeakShared };
}

function presentOf(execution: Setting): Setting {
  const { workersPerDevice, intraOpThreads, batchSize, batchTokens, readAhead, graphOptimization } = execution;
  return { workersPerDevice, intraOpThreads, batchSize, batchTokens, readAhead, graphOptimization };
}

/** The tuned keys in which two settings differ, with what they are in the first. */
export function changesTo(setting: Setting, from: Setting): Partial<Setting> {
  return Object.fromEntries(tunedKeys.flatMap((key) => (setting[key] === from[key] ? [] : [[key, setting[key]]])));
}
