import { z } from 'zod';
import { elementTypes, type ScanRequest } from '../dataset/contract.ts';
import { checkSchema } from '../spec/check.ts';

/** Version of plan.json, commits and manifest; it goes into every fingerprint. */
export const recordVersion = 1;

const wholeNumber = z.number().int().nonnegative();

const rowRangeSchema = z.strictObject({ file: wholeNumber, rowStart: wholeNumber, rowEnd: wholeNumber }).readonly();

/** Rows `[rowStart, rowEnd)` of one file, or several small files whole. */
export const shardSchema = z
  .strictObject({ index: wholeNumber, ranges: z.array(rowRangeSchema).readonly() })
  .readonly();
export type Shard = z.infer<typeof shardSchema>;

const columnSchema = z
  .strictObject({
    name: z.string(),
    type: z.string(),
    widened: z.boolean(),
    origin: z.enum(['file', 'partition']),
    nullCount: z.number().optional(),
    range: z.strictObject({ min: z.number(), max: z.number() }).readonly().optional(),
  })
  .readonly();

const planFileSchema = z
  .strictObject({
    path: z.string(),
    source: z.string(),
    rowCount: wholeNumber,
    sizeBytes: wholeNumber,
    mtimeMs: z.number(),
    /** Of the input itself, where runs are compared by content. */
    sha256: z.string().optional(),
  })
  .readonly();

const nullPolicySchema = z.union([
  z.enum(['reject', 'nan']),
  z.strictObject({ value: z.union([z.string(), z.number(), z.boolean()]) }).readonly(),
]);

const tokenInputSchema = z.strictObject({ name: z.string(), element: z.enum(['int64', 'int32']) }).readonly();

/** How the texts of a feature become token ids. */
const textSchema = z
  .strictObject({
    tokenizer: z
      .strictObject({
        path: z.string(),
        sha256: z.string(),
        kind: z.string(),
        vocabularySize: wholeNumber,
        library: z.string(),
        /** Tokens at which it would cut by itself. */
        maxLength: wholeNumber.optional(),
      })
      .readonly(),
    maxLength: wholeNumber,
    fixedLength: wholeNumber.optional(),
    truncation: z.boolean(),
    template: z
      .array(z.union([z.string(), wholeNumber]))
      .readonly()
      .optional(),
    ids: tokenInputSchema,
    mask: tokenInputSchema.optional(),
    types: tokenInputSchema.optional(),
  })
  .readonly();
export type TextPlan = z.infer<typeof textSchema>;

const featureSchema = z
  .strictObject({
    input: z.string(),
    columns: z
      .array(
        z.strictObject({ name: z.string(), type: z.string(), nullFree: z.boolean(), fits: z.boolean() }).readonly(),
      )
      .readonly(),
    element: z.enum(elementTypes),
    innerShape: z.array(wholeNumber).readonly(),
    nulls: nullPolicySchema,
    /** The feature is no model input but a text, whose tokens fill some. */
    text: textSchema.optional(),
  })
  .readonly();

/** A model input that is filled with the pixels of images. */
const imageSchema = z
  .strictObject({
    input: z.string(),
    /** Images as bytes, or as paths of files. */
    raw: z.enum(['bytes', 'text']),
    column: z.strictObject({ name: z.string(), type: z.string(), nullFree: z.boolean() }).readonly(),
    /** The folder that relative paths start at. */
    root: z.string().optional(),
    element: z.enum(['float32', 'float16', 'uint8']),
    layout: z.enum(['nchw', 'nhwc']),
    innerShape: z.array(wholeNumber).readonly(),
    height: wholeNumber,
    width: wholeNumber,
    colour: z.enum(['rgb', 'bgr', 'grey']),
    /** Height and width, or the shorter side. */
    resize: z.union([wholeNumber, z.array(wholeNumber).readonly()]).optional(),
    fit: z.enum(['cover', 'contain', 'fill']),
    isCropped: z.boolean(),
    kernel: z.enum(['bilinear', 'bicubic', 'lanczos']),
    scale: z.number(),
    /** One a channel, in the order that the model gets them. */
    mean: z.array(z.number()).readonly(),
    std: z.array(z.number()).readonly(),
  })
  .readonly();

const dimsSchema = z.array(z.union([z.number(), z.string()])).readonly();
const valueSignatureSchema = z.discriminatedUnion('kind', [
  z
    .strictObject({ kind: z.literal('tensor'), name: z.string(), type: z.enum(elementTypes), shape: dimsSchema })
    .readonly(),
  z.strictObject({ kind: z.literal('other'), name: z.string(), type: z.string() }).readonly(),
]);
const signatureSchema = z
  .strictObject({ inputs: z.array(valueSignatureSchema).readonly(), outputs: z.array(valueSignatureSchema).readonly() })
  .readonly();

const publishingSchema = z
  .strictObject({
    mode: z.enum(['error', 'overwrite', 'append', 'ignore']),
    keepVersions: wholeNumber,
    maxRejected: z.union([
      z.strictObject({ rows: wholeNumber }).readonly(),
      z.strictObject({ fraction: z.number() }).readonly(),
    ]),
  })
  .readonly();

/** Everything that a worker must know, and all of it decided before the first row is read. */
export const runPlanSchema = z
  .strictObject({
    v: z.literal(recordVersion),
    job: z.string(),
    /** What the run is for, ISO 8601 with an offset; predictions depend on it only where a template has it filled in. */
    logicalDate: z.string().optional(),
    fingerprint: z.string(),
    /** What the fingerprint is the hash of, to say later what changed. */
    identity: z.record(z.string(), z.unknown()),
    model: z
      .strictObject({
        path: z.string(),
        sha256: z.string(),
        sizeBytes: wholeNumber,
        signature: signatureSchema,
        /** Outputs that a ZipMap hid; the worker rewrites the graph to expose them. */
        unzippedOutputs: z.array(z.string()).readonly(),
      })
      .readonly(),
    dataset: z
      .strictObject({
        format: z.enum(['parquet', 'csv', 'jsonl', 'arrow']),
        files: z.array(planFileSchema).readonly(),
        columns: z.array(columnSchema).readonly(),
        hasPartitions: z.boolean(),
        where: z.string().optional(),
        /** Lines of the input that could not be parsed; their rejects are the run's first. */
        rejectedLines: wholeNumber,
        /** File, line and reason of the first of them. */
        firstRejectedLine: z.string().optional(),
      })
      .readonly(),
    features: z.array(featureSchema).readonly(),
    images: z.array(imageSchema).readonly().optional(),
    /** Output column → expression over model outputs; undefined publishes every output. */
    outputColumns: z.record(z.string(), z.string()).optional(),
    /** What the expressions take from files of labels, by the files as they name them: index → text. */
    labels: z.record(z.string(), z.record(z.string(), z.string())).optional(),
    keep: z.array(z.string()).readonly(),
    /** What becomes of a row whose prediction is NaN or infinite. */
    nonFinite: z.enum(['reject', 'allow']),
    part: z
      .strictObject({
        format: z.enum(['parquet', 'csv', 'jsonl', 'arrow']),
        compression: z.enum(['zstd', 'snappy', 'gzip', 'none']),
      })
      .readonly(),
    /** How much the session rewrites the graph; all of it where nothing is said. */
    graphOptimization: z.enum(['extended', 'basic', 'off']).optional(),
    /** Rows of the same features are scored once in a shard. */
    dedupe: z.literal(true).optional(),
    /** Where predictions are kept across runs. */
    cache: z.strictObject({ folder: z.string(), maxSizeBytes: wholeNumber }).readonly().optional(),
    /** Rows of a session call when the model fixes them. */
    fixedBatchRows: wholeNumber.optional(),
    shards: z.array(shardSchema).readonly(),
    /** Rows of all shards. */
    rowCount: wholeNumber,
    /** How the run is to be published; predictions do not depend on it. */
    publishing: publishingSchema.optional(),
    /** What must hold of the parts before they are published. */
    checks: z.array(checkSchema).readonly().optional(),
  })
  .readonly();
export type RunPlan = z.infer<typeof runPlanSchema>;
export type PlanFeature = RunPlan['features'][number];
export type PlanImage = NonNullable<RunPlan['images']>[number];

/** All that is read of a row, features first. */
export function scanRequests(plan: RunPlan): readonly ScanRequest[] {
  return [...plan.features, ...(plan.images ?? [])];
}

/** Whether its columns fill a model input as they are. */
export function isPlain({ text }: PlanFeature): boolean {
  return text === undefined;
}

export function shardRowCount(shard: Shard): number {
  return shard.ranges.reduce((sum, range) => sum + range.rowEnd - range.rowStart, 0);
}
