import { resolve } from 'node:path';
import { AppError } from '../core/errors.ts';
import { nearest } from '../core/suggest.ts';
import type { DatasetFormat } from '../dataset/contract.ts';
import { type Labels, resolveOutputColumns } from '../model/output-expression.ts';
import type { JobSpec } from '../spec/job-spec.ts';
import { checkColumns } from './check-columns.ts';
import { cutShards } from './cut-shards.ts';
import { fingerprintOf, inputFiles, labelFiles, type RunIdentity } from './fingerprint.ts';
import { mapFeatures } from './map-features.ts';
import { outputTable } from './output-table.ts';
import { placedExpressionError } from './place-expression.ts';
import type { PlanInput } from './plan-input.ts';
import { refuseVariable } from './refuse-variable.ts';
import { type RunPlan, recordVersion, type Shard, shardRowCount } from './run-plan.ts';
import { autoShardRows } from './shard-size.ts';

/**
 * Decides a run: features, outputs, shards and fingerprint. Pure: no clock, no random, no files.
 * @throws AppError COLUMN_MISSING, MODEL_INPUT_MISMATCH, MODEL_OUTPUT_MISMATCH with the place in the spec
 */
export function planRun(input: PlanInput): RunPlan {
  const identity = runIdentity({
    job: input.job,
    modelSha256: input.model.sha256,
    format: input.dataset.format,
    files: input.dataset.files,
    columns: input.dataset.columns,
    labels: input.labels,
    imageDecoder: input.imageDecoder,
    tokenizers: input.tokenizers,
  });
  const { job, dataset, model } = input;
  const { features, images, fixedBatchRows } = mapFeatures(input);
  const keep = keptColumns(input);
  const signature = model.facts.signature;
  const outputs = resolveOutputs(input);
  refuseVariable(input, features);
  for (const { name } of outputs) {
    if (!keep.includes(name)) continue;
    throw new AppError(
      'MODEL_OUTPUT_MISMATCH',
      `${input.locate(['output', 'keep'])}: ${name} is both a kept column and a prediction`,
      {
        hint: `rename the prediction: output: { columns: { ${name}_predicted: ${name} } }`,
      },
    );
  }
  const shardRows =
    job.execution.shardRows === 'auto'
      ? autoShardRows({
          rowCount: dataset.rowCount,
          modelBytes: model.sizeBytes,
          predictionBytes: predictionBytes(outputs),
          images: images.length,
        })
      : job.execution.shardRows;
  const shards = input.shards ?? cutShards(dataset.files, shardRows, input.cut);
  const plan: RunPlan = {
    v: recordVersion,
    job: job.name,
    logicalDate: input.logicalDate,
    fingerprint: fingerprintOf(identity),
    identity,
    model: {
      path: model.path,
      sha256: model.sha256,
      sizeBytes: model.sizeBytes,
      signature,
      unzippedOutputs: model.facts.unzippedOutputs,
    },
    dataset: {
      format: dataset.format,
      files: dataset.files.map(({ path, source, rowCount, sizeBytes, mtimeMs }) => ({
        path,
        source,
        rowCount,
        sizeBytes,
        mtimeMs,
        ...digestOf(input, source),
      })),
      columns: dataset.columns,
      hasPartitions: dataset.hasPartitions,
      where: job.input.where,
      rejectedLines: input.rejectedLines,
      firstRejectedLine: input.firstRejectedLine,
    },
    features,
    ...(images.length === 0 ? {} : { images }),
    outputColumns: job.output.columns,
    labels: input.labels,
    keep,
    nonFinite: job.output.nonFinite,
    part: { format: job.output.format, compression: job.output.compression },
    fixedBatchRows,
    ...graphOptimizationOf(job),
    shards,
    rowCount: shards.reduce((sum: number, shard: Shard) => sum + shardRowCount(shard), 0),
  };
  return withPublishing(plan, input);
}

function digestOf({ digests }: PlanInput, source: string): { readonly sha256?: string } {
  const sha256 = digests?.get(source);
  return sha256 === undefined ? {} : { sha256 };
}

/**
 * A plan with what its job says now about publishing and about rows that repeat, which may have changed since the plan
 * was made.
 * @throws AppError COLUMN_MISSING, SPEC_INVALID for a check that does not fit the output, or a cache that lies in it
 */
export function withPublishing(planned: RunPlan, { job, locate }: Pick<PlanInput, 'job' | 'locate'>): RunPlan {
  const { dedupe: _dedupe, cache: _cache, ...rest } = planned;
  const plan: RunPlan = { ...rest, ...savingsOf({ job, locate }) };
  checkColumns(outputTable(plan), { checks: job.checks, locate });
  const { mode, keepVersions } = job.output;
  return { ...plan, publishing: { mode, keepVersions, maxRejected: job.errors.maxRejected }, checks: job.checks };
}

export interface IdentityInput {
  readonly job: JobSpec;
  readonly modelSha256: string;
  readonly format: DatasetFormat;
  readonly files: readonly { readonly source: string; readonly sizeBytes: number; readonly mtimeMs: number }[];
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly labels?: Labels | undefined;
  /** Versions of what decodes images, where the job has any. */
  readonly imageDecoder?: string | undefined;
  /** Of the job's texts, by the names of their features. */
  readonly tokenizers?: ReadonlyMap<string, { readonly sha256: string; readonly library: string }> | undefined;
}

/** What a run's predictions depend on, by names that a person would use; how it is executed is not in it. */
export function runIdentity(input: IdentityInput): RunIdentity {
  const { job, modelSha256, format, files, columns, labels, imageDecoder, tokenizers = new Map() } = input;
  const ofTexts = [...tokenizers].flatMap(([name, { sha256, library }]) => [
    [`tokenizer.sha256 of ${name}`, sha256],
    [`tokenizer library of ${name}`, library],
  ]);
  return {
    ...Object.fromEntries(ofTexts),
    'record version': recordVersion,
    job: job.name,
    'model.sha256': modelSha256,
    [inputFiles]: files.map(({ source, sizeBytes, mtimeMs }) => ({ source, sizeBytes, mtimeMs })),
    'input columns': columns.map(({ name, type }) => ({ name, type })),
    'input.format': format,
    'input.csv': job.input.csv,
    'input.where': job.input.where ?? null,
    'input.limit': job.input.limit ?? null,
    features: job.features ?? null,
    ...(imageDecoder === undefined ? {} : { 'image decoder': imageDecoder }),
    'output.format': job.output.format,
    'output.compression': job.output.compression,
    'output.keep': job.output.keep,
    'output.columns': job.output.columns ?? null,
    // Without labels a run is the one that earlier versions saw, and is gone on with.
    ...(labels === undefined ? {} : { [labelFiles]: digestsOf(labels) }),
    'output.nonFinite': job.output.nonFinite,
    'execution.shardRows': job.execution.shardRows,
    // Other kernels give other last bits, and a table must not have both.
    ...Object.fromEntries(
      Object.entries(graphOptimizationOf(job)).map(([name, value]) => [`execution.${name}`, value]),
    ),
  };
}

/** SHA-256 of what each file says, however it is written. */
function digestsOf(labels: Labels): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(labels).map(([file, texts]) => [file, fingerprintOf(texts)]));
}

/** What keeps rows from being scored. */
function savingsOf({ job, locate }: Pick<PlanInput, 'job' | 'locate'>): Pick<RunPlan, 'dedupe' | 'cache'> {
  const { dedupe, cache, baseDir } = job;
  const folder = cache === undefined ? undefined : resolve(baseDir, cache.path);
  if (folder !== undefined && `${folder}/`.startsWith(`${resolve(baseDir, job.output.path)}/`)) {
    const problem = `${cache?.path} lies in the output folder, where readers would take it for a table`;
    throw new AppError('SPEC_INVALID', `${locate(['cache', 'path'])}: ${problem}`, {
      hint: 'choose a folder of its own',
    });
  }
  return {
    ...(dedupe ? { dedupe } : {}),
    ...(cache === undefined || folder === undefined ? {} : { cache: { folder, maxSizeBytes: cache.maxSizeBytes } }),
  };
}

/** Left out for the usual level, so that the runs of older versions can be gone on with. */
function graphOptimizationOf({ execution }: JobSpec): Pick<RunPlan, 'graphOptimization'> {
  const { graphOptimization } = execution;
  return graphOptimization === 'all' ? {} : { graphOptimization };
}

function keptColumns({ job, dataset, locate }: PlanInput): readonly string[] {
  const names = dataset.columns.map((column) => column.name);
  if (job.output.keep === '*') return names;
  for (const [index, name] of job.output.keep.entries()) {
    if (names.includes(name)) continue;
    const near = nearest(name, names);
    throw new AppError('COLUMN_MISSING', `${locate(['output', 'keep', index])}: column ${name} is not in the dataset`, {
      hint: near === undefined ? `choose from ${names.slice(0, 12).join(', ')}` : `did you mean ${near}?`,
      details: { column: name, columns: names },
    });
  }
  return job.output.keep;
}

function resolveOutputs({ job, model, locate }: PlanInput) {
  try {
    return resolveOutputColumns({ columns: job.output.columns, signature: model.facts.signature });
  } catch (error) {
    throw placedExpressionError(error, { job, locate });
  }
}

/** Bytes of one row's predictions; a free dimension counts as 64, strings as 16. */
export function predictionBytes(outputs: ReturnType<typeof resolveOutputColumns>): number {
  const bytes: Readonly<Record<string, number>> = { float64: 8, int64: 8, uint64: 8, string: 16 };
  return outputs.reduce(
    (sum, output) =>
      sum +
      (bytes[output.type] ?? 4) *
        output.innerShape.reduce<number>((product, dim) => product * (typeof dim === 'number' ? dim : 64), 1),
    0,
  );
}
