import { hasTokens } from '../plan/batch-size.ts';
import { inputWarnings } from '../plan/input-warnings.ts';
import { predictedColumns } from '../plan/predicted-columns.ts';
import { shardRowCount } from '../plan/run-plan.ts';
import type { JobPlan } from '../run/plan-job.ts';
import type { RunStart } from '../run/run-start.ts';
import { errorRecord } from './show-error.ts';

/** What a run would do, for programs; fields are only ever added. */
export function planRecord(job: JobPlan): Record<string, unknown> {
  const { request, plan, slots } = job;
  const types = new Map(plan.dataset.columns.map((column) => [column.name, column.type]));
  return {
    job: request.job.name,
    logicalDate: plan.logicalDate,
    fingerprint: plan.fingerprint,
    input: {
      format: plan.dataset.format,
      files: plan.dataset.files.map(({ source, rowCount, sizeBytes }) => ({ path: source, rowCount, sizeBytes })),
      rowCount: plan.dataset.files.reduce((sum, file) => sum + file.rowCount, 0),
      rejectedLines: plan.dataset.rejectedLines,
      where: plan.dataset.where,
      limit: request.job.input.limit,
    },
    rowCount: plan.rowCount,
    shards: plan.shards.map((shard, at) => ({
      shard: shard.index,
      rowCount: shardRowCount(shard),
      ranges: shard.ranges,
      ...job.shards[at],
    })),
    model: {
      path: plan.model.path,
      sha256: plan.model.sha256,
      sizeBytes: plan.model.sizeBytes,
      ...plan.model.signature,
    },
    features: plan.features.map(({ input, columns, element, innerShape, nulls, text }) => ({
      input,
      columns: columns.map(({ name, type, nullFree }) => ({ name, type, nullFree })),
      type: element,
      innerShape,
      nulls,
      ...(text === undefined ? {} : { text }),
    })),
    repeats: job.repeats,
    cache: job.cache,
    optimizedModel: job.modelKeeping,
    images: (plan.images ?? []).map(({ input, column, raw, root, element, innerShape, layout, ...how }) => ({
      input,
      column: { name: column.name, type: column.type, nullFree: column.nullFree },
      from: raw === 'bytes' ? 'bytes' : 'paths',
      root,
      type: element,
      innerShape,
      layout,
      colour: how.colour,
      resize: how.resize,
      fit: how.fit,
      crop: how.isCropped ? 'center' : 'none',
      kernel: how.kernel,
      scale: how.scale,
      mean: how.mean,
      std: how.std,
    })),
    imageDecoder: plan.identity['image decoder'],
    output: {
      path: job.outputFolder,
      ...plan.part,
      mode: request.job.output.mode,
      keep: plan.keep.map((name) => ({ name, type: types.get(name) })),
      columns: predictedColumns(plan).map(({ name, type, innerShape, source }) => ({ name, type, innerShape, source })),
    },
    checks: plan.checks ?? [],
    warnings: inputWarnings(plan, job.request.job.execution),
    start: startRecord(job.start),
    execution: {
      workers: slots.map(({ device, intraOpThreads }) => ({ device: device.name, intraOpThreads })),
      batchRows: job.batch?.batchRows ?? 'auto',
      ...(hasTokens(plan) ? { batchTokens: job.batch?.batchTokens ?? 'auto' } : {}),
      prefetch: job.prefetch,
      warmup: request.job.execution.warmup,
      profile: request.job.execution.profile,
      memory: job.memory,
    },
  };
}

function startRecord(start: RunStart): Record<string, unknown> {
  return start.state === 'refuse' ? { state: start.state, error: errorRecord(start.error) } : { ...start };
}
