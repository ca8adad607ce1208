import { z } from 'zod';
import { commitSchema, failedAttemptSchema } from '../plan/commit.ts';
import { runPlanSchema } from '../plan/run-plan.ts';

/** Raised whenever a message changes; a worker of another version is refused. */
export const protocolVersion = 6;

const count = z.number().int().nonnegative();

const startSchema = z.strictObject({
  type: z.literal('start'),
  protocol: z.literal(protocolVersion),
  plan: runPlanSchema,
  /** Absolute path of the output folder. */
  outputFolder: z.string(),
  runId: z.string(),
  provider: z.enum(['cpu', 'cuda']),
  fallback: z.enum(['fail', 'cpu']),
  intraOpThreads: count,
  /** Read the next rows while the session computes. */
  prefetch: z.boolean(),
  /** Batches to score before the first shard, unless the worker measured on one. */
  warmupBatches: count,
  /** Keep the session's profile of the first shard. */
  profile: z.boolean(),
  /** The model as it was digested: a session of another one would be of another run. */
  modelFiles: z
    .array(z.strictObject({ path: z.string(), stamp: z.string() }).readonly())
    .readonly()
    .optional(),
  /** Absolute path of the folder of optimised models, where the job keeps its model's. */
  optimizedModels: z.string().optional(),
});
const measureSchema = z.strictObject({ type: z.literal('measure'), shard: count });
const scoreSchema = z.strictObject({
  type: z.literal('score'),
  shard: count,
  attempt: count,
  failedAttempts: z.array(failedAttemptSchema).readonly(),
  /** Do not try again: reject all its rows, for what the last attempt failed with. */
  giveUp: z.boolean(),
  batchRows: count,
  batchTokens: count.optional(),
});
const cancelSchema = z.strictObject({ type: z.literal('cancel') });
const stopSchema = z.strictObject({ type: z.literal('stop') });

/** Control and counts only: rows never cross. */
export const toWorkerSchema = z.discriminatedUnion('type', [
  startSchema,
  measureSchema,
  scoreSchema,
  cancelSchema,
  stopSchema,
]);
export type ToWorker = z.infer<typeof toWorkerSchema>;
export type StartMessage = z.infer<typeof startSchema>;

/** An AppError on its way between processes; a code of another kind is a bug in the worker. */
export const wireErrorSchema = z.strictObject({
  code: z.string(),
  message: z.string(),
  hint: z.string().optional(),
  stack: z.string().optional(),
});
export type WireError = z.infer<typeof wireErrorSchema>;

const readySchema = z.strictObject({
  type: z.literal('ready'),
  protocol: z.literal(protocolVersion),
  providers: z.array(z.string()),
  /** What became of the optimised model, where it is kept; and why it is not. */
  optimizedModel: z.enum(['kept', 'loaded']).optional(),
  optimizedModelError: z.string().optional(),
  rssBytes: count,
});
const measuredSchema = z.strictObject({ type: z.literal('measured'), batchRows: count, batchTokens: count.optional() });
const progressSchema = z.strictObject({ type: z.literal('progress'), shard: count, rows: count });
/** A batch found too little memory: the rest of the shard's have so many rows and tokens. */
const reducedSchema = z.strictObject({
  type: z.literal('reduced'),
  batchRows: count,
  batchTokens: count.optional(),
});
/** The worker's thread is free: no batch has it. */
const aliveSchema = z.strictObject({ type: z.literal('alive') });
const doneSchema = z.strictObject({
  type: z.literal('done'),
  commit: commitSchema,
  rssBytes: count,
  /** The most that the process ever had. */
  peakRssBytes: count,
});
const failedSchema = z.strictObject({ type: z.literal('failed'), shard: count.optional(), error: wireErrorSchema });

export const fromWorkerSchema = z.discriminatedUnion('type', [
  readySchema,
  measuredSchema,
  aliveSchema,
  progressSchema,
  reducedSchema,
  doneSchema,
  failedSchema,
]);
export type FromWorker = z.infer<typeof fromWorkerSchema>;
