import { join } from 'node:path';
import { AppError } from '../core/errors.ts';
import { inputRejectsName } from '../plan/layout.ts';
import { idleKey, type Setting, type TunedKey } from '../plan/tune-grid.ts';
import type { JobSpec } from '../spec/job-spec.ts';
import { type Bench, type Measurement, measureLineUp } from './measure-setting.ts';
import { orAborted } from './or-aborted.ts';
import { rejectsAllowed } from './outcome.ts';
import type { Ports, TemporaryFolder } from './ports.ts';
import { openJob, type PreparedJob } from './prepare-job.ts';

export interface Sampling extends Pick<Bench, 'devices' | 'signal' | 'job'> {
  readonly folder: TemporaryFolder;
  readonly prepared: PreparedJob;
  readonly present: Setting;
  /** Auto is as many as take a while. */
  readonly rows: number | 'auto';
  readonly budgetMs: number;
  readonly only: readonly TunedKey[] | undefined;
}

export interface Sample {
  readonly bench: Bench;
  /** How often the sample is scored for a short look. */
  readonly repeats: number;
  /** Of a short look at the present setting. */
  readonly lookSeconds: number;
  /** Of starting and warming its workers. */
  readonly startSeconds: number;
}

const firstRows = 1000;
const rowsAtMost = 5_000_000;
const repeatsAtMost = 50;
/** Of the budget, for one look; processes come and go beside it. */
const budgetShare = 1 / 200;
const secondsAtLeast = 0.25;
const secondsAtMost = 1.5;

/**
 * Takes so many rows that a look lasts long enough to tell settings apart, and not longer: the sample is scored several
 * times only where there are no more, since each of its pieces costs as much to begin as a shard does.
 * @throws AppError USAGE where there are no rows, or where what is to change says nothing of the job; REJECTS_OVER_LIMIT
 *   where all rows are rejected, as of a run; what the present setting fails with
 */
export async function sampleJob(ports: Ports, sampling: Sampling): Promise<Sample> {
  const { present, rows, budgetMs, job } = sampling;
  const wanted = Math.min(secondsAtMost, Math.max(secondsAtLeast, (budgetMs / 1000) * budgetShare));
  let limit = rows === 'auto' ? firstRows : rows;
  let former = 0;
  for (;;) {
    const bench = await benchOf(ports, sampling, limit);
    const before = performance.now();
    const [[first] = []] = await measureLineUp(ports, bench, { settings: [present], rounds: 1, repeats: 1 });
    if (first === undefined) throw noRows(job);
    const { rowCount } = bench.plan;
    const isAll = rowCount < limit || rowCount === former || limit >= rowsAtMost;
    former = rowCount;
    if (rows !== 'auto' || isAll || first.seconds >= 0.7 * wanted) {
      if (first.rowsOut === 0) throw nothingScored(job, { ...first, isAll });
      const repeats = Math.min(repeatsAtMost, Math.max(1, Math.round(wanted / first.seconds)));
      return {
        bench: { ...bench, auto: first.batch },
        repeats,
        lookSeconds: first.seconds * repeats,
        startSeconds: (performance.now() - before) / 1000 - first.seconds,
      };
    }
    limit = Math.min(rowsAtMost, Math.round(limit * Math.min(50, Math.max(2, wanted / first.seconds))));
  }
}

function noRows({ name }: JobSpec): AppError {
  return new AppError('USAGE', `job ${name} has no rows to measure on`, { hint: 'see `nightshift plan`' });
}

/** Where a run may reject all that, it has nothing to be measured on all the same. */
function nothingScored(
  job: JobSpec,
  { rejectedRows, firstReject, isAll }: Pick<Measurement, 'rejectedRows' | 'firstReject'> & { readonly isAll: boolean },
): AppError {
  if (rejectedRows === 0) return noRows(job);
  const isTooMany = rejectedRows > rejectsAllowed(job.errors.maxRejected, rejectedRows);
  return new AppError(
    isTooMany ? 'REJECTS_OVER_LIMIT' : 'USAGE',
    `no row of job ${job.name} could be scored: all of the first ${rejectedRows} rows were rejected; the first: ${firstReject ?? 'not told'}`,
    { hint: `mend the job or its input${isAll ? '' : '; or take more rows into the sample with --rows'}` },
  );
}

async function benchOf(ports: Ports, sampling: Sampling, limit: number): Promise<Bench> {
  const { job, prepared, folder, signal, devices } = sampling;
  const stagingFolder = await folder.make(`input-${limit}`);
  const places = { stagingFolder, rejectsPath: join(stagingFolder, inputRejectsName) };
  const limited = { ...prepared, input: { ...prepared.input, limit: Math.min(limit, job.input.limit ?? limit) } };
  const { plan: planned } = await orAborted(signal, openJob(ports, limited, places));
  // Rows whose predictions are known would measure the look-up.
  const { dedupe: _dedupe, cache: _cache, ...plan } = planned;
  if (plan.rowCount === 0) throw noRows(job);
  const idle = idleKey(plan, sampling.only);
  if (idle !== undefined)
    throw new AppError('USAGE', `--only ${idle.key}: does not apply to job ${job.name}: ${idle.reason}`, {
      hint: `leave ${idle.key} out`,
    });
  return { job, plan, devices, auto: undefined, folder: folder.path, signal };
}
