import { AppError } from '../core/errors.ts';
import type { Device, ExecutorEvent, Slot } from '../executor/contract.ts';
import type { Commit } from '../plan/commit.ts';
import type { RunPlan } from '../plan/run-plan.ts';
import { splitShards } from '../plan/split-shards.ts';
import { sumTimings } from '../plan/sum-timings.ts';
import type { Setting } from '../plan/tune-grid.ts';
import type { JobSpec } from '../spec/job-spec.ts';
import { newRunId } from './open-run.ts';
import type { Ports } from './ports.ts';
import { readsAhead } from './reads-ahead.ts';

/** What a setting did with the sample. */
export interface Measurement {
  readonly rowsPerSecond: number;
  /** From the first shard's start to the last one's end, with every worker up before. */
  readonly seconds: number;
  /** Of all workers at their peaks. */
  readonly peakBytes: number;
  readonly batchRows: number;
  readonly workers: number;
  readonly timings: Commit['timings'];
}

/** Where settings are measured. */
export interface Bench {
  readonly job: JobSpec;
  readonly plan: RunPlan;
  readonly devices: readonly Device[];
  /** How often the sample is scored, where it is too short to tell settings apart. */
  readonly repeats: number;
  /** For parts that nobody will read. */
  readonly folder: string;
  readonly signal: AbortSignal;
}

/** What a setting comes to on this machine. */
export interface ResolvedSetting {
  readonly slots: readonly Slot[];
  readonly prefetch: boolean;
  readonly plan: RunPlan;
}

export function resolveSetting(ports: Ports, { plan, devices }: Bench, setting: Setting): ResolvedSetting {
  const slots = ports.planSlots({ ...setting, devices, modelBytes: plan.model.sizeBytes });
  const { graphOptimization: _former, ...rest } = plan;
  const { graphOptimization } = setting;
  return {
    slots,
    prefetch: readsAhead(ports, { ...setting, slots, plan }),
    plan: graphOptimization === 'all' ? rest : { ...rest, graphOptimization },
  };
}

/**
 * Scores the sample with a setting as a run would: workers, reading, the session, parts and commits on the disk.
 * @throws AppError what the run would fail with
 */
export async function measureSetting(ports: Ports, bench: Bench, setting: Setting): Promise<Measurement> {
  const { job, folder, repeats, signal } = bench;
  const { slots, prefetch, plan } = resolveSetting(ports, bench, setting);
  const { execution } = job;
  const batchRows = setting.batchSize === 'auto' ? undefined : setting.batchSize;
  const once = splitShards(plan.shards, piecesFor(plan.rowCount, slots.length, batchRows));
  const again = Array.from({ length: repeats }, () => once).flat();
  const shards = again.map(({ ranges }, index) => ({ index, ranges }));
  const runId = newRunId(ports);
  await ports.store.create(folder, runId);
  await using executor = ports.newExecutor();
  const stream = executor.execute({
    plan: { ...plan, shards },
    slots,
    shards,
    outputFolder: folder,
    runId,
    batch: batchRows === undefined ? undefined : { batchRows },
    prefetch,
    warmupBatches: 1,
    profile: false,
    fallback: execution.fallback,
    maxWorkerMemoryBytes: undefined,
    batchTimeoutMs: execution.batchTimeoutMs,
    retry: { ...job.retry, maxAttempts: 1 },
    maxFailedShards: 0,
    startsTogether: true,
    signal,
  });
  const measured = await watched(stream, plan.rowCount * repeats);
  signal.throwIfAborted();
  await ports.store.remove(folder, runId);
  return measured;
}

/** Two a worker, so that one that is disturbed does not hold up the others; one where a batch would not fit. */
function piecesFor(rows: number, workers: number, batchRows = 1): number {
  return rows / (2 * workers) >= batchRows ? 2 * workers : workers;
}

async function watched(stream: AsyncIterable<ExecutorEvent>, rows: number): Promise<Measurement> {
  const commits: Commit[] = [];
  const peaks = new Map<number, number>();
  let [startedMs, endedMs] = [0, 0];
  for await (const event of stream) {
    if (event.type === 'shard-failed') throw event.error;
    if (event.type === 'worker-lost') throw event.error;
    if (event.type === 'shard-started') startedMs ||= performance.now();
    if (event.type !== 'shard-done') continue;
    endedMs = performance.now();
    commits.push(event.commit);
    peaks.set(event.slot.index, event.peakRssBytes);
  }
  const [first] = commits;
  if (first === undefined) throw new AppError('INTERRUPTED', 'no shard was scored');
  const seconds = Math.max(0.001, (endedMs - startedMs) / 1000);
  return {
    rowsPerSecond: rows / seconds,
    seconds,
    peakBytes: [...peaks.values()].reduce((sum, bytes) => sum + bytes, 0),
    batchRows: first.batchRows,
    workers: peaks.size,
    timings: sumTimings(commits),
  };
}
