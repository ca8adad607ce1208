import { AppError } from '../core/errors.ts';
import type { Device, ExecutorEvent, Round, Slot } from '../executor/contract.ts';
import { type BatchSize, batchIn, chosenBatch } from '../plan/batch-size.ts';
import type { Commit } from '../plan/commit.ts';
import { type RunPlan, type Shard, shardRowCount } from '../plan/run-plan.ts';
import { splitShards } from '../plan/split-shards.ts';
import { sumTimings } from '../plan/sum-timings.ts';
import type { Setting } from '../plan/tune-grid.ts';
import type { JobSpec } from '../spec/job-spec.ts';
import { newRunId } from './open-run.ts';
import type { Ports } from './ports.ts';
import { readsAhead } from './reads-ahead.ts';

/** What a setting did with the sample. */
export interface Measurement {
  /** Of rows that could be scored. */
  readonly rowsPerSecond: number;
  readonly rowsOut: number;
  readonly rejectedRows: number;
  readonly firstReject: string | undefined;
  /** From the first shard's start to the last one's end, with every worker up and warm before. */
  readonly seconds: number;
  /** Of all workers at their peaks, until then. */
  readonly peakBytes: number;
  /** Those workers scored in other settings, too, which may have taken more. */
  readonly isPeakShared: boolean;
  readonly batch: BatchSize;
  readonly workers: number;
  readonly timings: Commit['timings'];
}

/** Where settings are measured. */
export interface Bench {
  readonly job: JobSpec;
  readonly plan: RunPlan;
  readonly devices: readonly Device[];
  /** What `auto` comes to; undefined where it is still to be measured. */
  readonly auto: BatchSize | undefined;
  /** For parts that nobody will read. */
  readonly folder: string;
  readonly signal: AbortSignal;
}

/** What a setting comes to on this machine. */
export interface ResolvedSetting {
  readonly slots: readonly Slot[];
  readonly prefetch: boolean;
  readonly plan: RunPlan;
  readonly batch: BatchSize | undefined;
}

export function resolveSetting(ports: Ports, { plan, devices, auto }: Bench, setting: Setting): ResolvedSetting {
  const slots = ports.planSlots({ ...setting, devices, modelBytes: plan.model.sizeBytes });
  const { graphOptimization: _former, ...rest } = plan;
  const { graphOptimization, batchSize } = setting;
  return {
    slots,
    prefetch: readsAhead(ports, { ...setting, slots, plan }),
    plan: graphOptimization === 'all' ? rest : { ...rest, graphOptimization },
    batch: chosenBatch(plan, setting, batchSize === 'auto' ? auto : undefined),
  };
}

/** Settings of one key differ in nothing that their workers would have to be started again for. */
export function workersKey({ slots, prefetch, plan }: ResolvedSetting): string {
  const places = slots.map(({ device, intraOpThreads }) => `${device.name}×${intraOpThreads}`);
  return JSON.stringify([places, prefetch, plan.graphOptimization]);
}

/** Settings that have the same workers, and how often each is measured. */
export interface LineUp {
  readonly settings: readonly Setting[];
  readonly rounds: number;
  /** How often the sample is scored in each, where it is too short to tell settings apart. */
  readonly repeats: number;
}

/** One part of so many of the sample is scored before it counts, where a batch fits into that. */
const warmShare = 4;

/** Some of the rows in batches of one setting, one time. */
interface Lap {
  readonly setting: number;
  readonly batch: BatchSize | undefined;
  readonly ranges: readonly Shard['ranges'][];
}

/**
 * Scores the sample with each setting in turn as a run would: workers, reading, the session, parts and commits on the
 * disk. The workers stay for all of them, and score some rows with each before it counts.
 * @returns of each setting, a measurement a round
 * @throws AppError what the run would fail with
 */
export async function measureLineUp(
  ports: Ports,
  bench: Bench,
  lineUp: LineUp,
): Promise<readonly (readonly Measurement[])[]> {
  const { job, folder, signal } = bench;
  const [resolved] = lineUp.settings.map((setting) => resolveSetting(ports, bench, setting));
  if (resolved === undefined) return [];
  const { slots, prefetch, plan } = resolved;
  const laps = lapsOf(ports, bench, lineUp);
  const shards = laps.flatMap(({ ranges }) => ranges).map((ranges, index) => ({ index, ranges }));
  const runId = newRunId(ports);
  await ports.store.create(folder, runId);
  await using executor = ports.newExecutor();
  const stream = executor.execute({
    plan: { ...plan, shards },
    slots,
    shards,
    outputFolder: folder,
    runId,
    batch: undefined,
    prefetch,
    warmupBatches: 0,
    profile: false,
    fallback: job.execution.fallback,
    maxWorkerMemoryBytes: undefined,
    batchTimeoutMs: job.execution.batchTimeoutMs,
    retry: { ...job.retry, maxAttempts: 1 },
    maxFailedShards: 0,
    rounds: roundsOf(laps),
    signal,
  });
  const watching = { laps, isPeakShared: lineUp.settings.length > 1 };
  // What is stopped says so in its own words, or ends too soon.
  const measured = await watched(stream, watching).catch((error: unknown) => Promise.reject(signal.reason ?? error));
  signal.throwIfAborted();
  await ports.store.remove(folder, runId);
  const count = lineUp.settings.length;
  return lineUp.settings.map((_, index) =>
    measured.filter((_measurement, lap) => lap >= count && laps[lap]?.setting === index),
  );
}

/** First some rows of each, smaller batches before larger ones, so that memory is there; then forth and back. */
function lapsOf(ports: Ports, bench: Bench, { settings, rounds, repeats }: LineUp): readonly Lap[] {
  const { shards, rowCount } = bench.plan;
  const laps = settings.map((setting, index) => {
    const { slots, batch } = resolveSetting(ports, bench, setting);
    const pieces = (count: number) => splitShards(shards, count).map(({ ranges }) => ranges);
    const once = pieces(slots.length);
    const hasRoom = rowCount / (warmShare * slots.length) >= (batch?.batchRows ?? rowCount);
    return {
      warm: { setting: index, batch, ranges: hasRoom ? pieces(warmShare * slots.length).slice(0, slots.length) : once },
      timed: { setting: index, batch, ranges: Array.from({ length: repeats }, () => once).flat() },
    };
  });
  const size = ({ batch }: Lap) => batch?.batchTokens ?? batch?.batchRows ?? 0;
  const timed = laps.map((lap) => lap.timed);
  return [
    ...laps.map(({ warm }) => warm).toSorted((a, b) => size(a) - size(b)),
    ...Array.from({ length: rounds }, (_, round) => (round % 2 === 0 ? timed : timed.toReversed())).flat(),
  ];
}

function roundsOf(laps: readonly Lap[]): readonly Round[] {
  let first = 0;
  return laps.map(({ batch, ranges }) => {
    const start = first;
    first += ranges.length;
    return { batch, shards: ranges.map((_, index) => start + index) };
  });
}

/** A measurement a lap. */
async function watched(
  stream: AsyncIterable<ExecutorEvent>,
  { laps, isPeakShared }: { readonly laps: readonly Lap[] } & Pick<Measurement, 'isPeakShared'>,
): Promise<readonly Measurement[]> {
  const measured: Measurement[] = [];
  const peaks = new Map<number, number>();
  let [startedMs, endedMs] = [0, 0];
  let commits: Commit[] = [];
  for await (const event of stream) {
    if (event.type === 'shard-failed') throw event.error;
    if (event.type === 'worker-lost') throw event.error;
    if (event.type === 'shard-started') startedMs ||= performance.now();
    if (event.type !== 'shard-done') continue;
    endedMs = performance.now();
    commits.push(event.commit);
    peaks.set(event.slot.index, event.peakRssBytes);
    const { ranges = [] } = laps[measured.length] ?? {};
    if (commits.length < ranges.length) continue;
    measured.push(measurementOf({ commits, ranges, peaks, isPeakShared, seconds: (endedMs - startedMs) / 1000 }));
    [startedMs, commits] = [0, []];
  }
  if (measured.length < laps.length) throw new AppError('INTERRUPTED', 'not all shards were scored');
  return measured;
}

interface Scored {
  readonly commits: readonly Commit[];
  readonly ranges: Lap['ranges'];
  readonly peaks: ReadonlyMap<number, number>;
  readonly isPeakShared: boolean;
  readonly seconds: number;
}

function measurementOf({ commits, ranges, peaks, isPeakShared, seconds }: Scored): Measurement {
  const rows = ranges.reduce((sum, piece) => sum + shardRowCount({ index: 0, ranges: piece }), 0);
  const rejectedRows = commits.reduce((sum, commit) => sum + commit.rejectedRows, 0);
  return {
    rowsPerSecond: (rows - rejectedRows) / Math.max(0.001, seconds),
    rowsOut: commits.reduce((sum, commit) => sum + commit.rowsOut, 0),
    rejectedRows,
    firstReject: commits.toSorted((a, b) => a.shard - b.shard).find(({ firstReject }) => firstReject !== undefined)
      ?.firstReject,
    seconds: Math.max(0.001, seconds),
    peakBytes: [...peaks.values()].reduce((sum, bytes) => sum + bytes, 0),
    isPeakShared,
    batch: batchIn(commits[0] ?? { batchRows: 0 }),
    workers: peaks.size,
    timings: sumTimings(commits),
  };
}
