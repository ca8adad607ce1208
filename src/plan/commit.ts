import { z } from 'zod';
import { recordVersion } from './run-plan.ts';

const count = z.number().int().nonnegative();

/**
 * Where the time of a shard went, in seconds of wall clock on the worker's thread: ONNX Runtime, between rows and
 * tensors, waiting for rows, writing the part. Older commits count packing with the session.
 */
const timingsSchema = z
  .strictObject({
    total: z.number(),
    session: z.number(),
    pack: z.number().optional(),
    read: z.number(),
    write: z.number(),
  })
  .readonly();

export const failedAttemptSchema = z.strictObject({ attempt: count, code: z.string(), message: z.string() }).readonly();
export type FailedAttempt = z.infer<typeof failedAttemptSchema>;

/**
 * The record that says a part is whole. The ledger: `rowsIn = rowsOut + rejectedRows + filteredRows`.
 * A part counts only when its commit is there and its size and digest agree.
 */
export const commitSchema = z
  .strictObject({
    v: z.literal(recordVersion),
    shard: count,
    attempt: z.number().int().positive(),
    /** Attempts of the run that came to nothing before this one, and why. */
    failedAttempts: z.array(failedAttemptSchema).readonly().optional(),
    /** No attempt scored it, and the job lets some shards fail: all its rows are rejects. */
    isGivenUp: z.literal(true).optional(),
    part: z.string(),
    sizeBytes: count,
    sha256: z.string(),
    rowsIn: count,
    rowsOut: count,
    rejectedRows: count,
    filteredRows: count,
    /** File name of the shard's rejects, when it has any. */
    rejects: z.string().optional(),
    firstReject: z.string().optional(),
    /** Execution providers that ran nodes of the model, as the session's own profile tells. */
    providers: z.array(z.string()).readonly(),
    batchRows: z.number().int().positive(),
    /** Where rows are texts. */
    batchTokens: z.number().int().positive().optional(),
    /** Rows whose prediction is that of a row of the same features. */
    repeatedRows: count.optional(),
    /** Rows whose prediction earlier runs had made. */
    cachedRows: count.optional(),
    /** Why the cache was not used any more from this shard on. */
    cacheError: z.string().optional(),
    timings: timingsSchema,
    /** The run that scored it, when its part was taken over. */
    takenFrom: z.string().optional(),
  })
  .readonly();
export type Commit = z.infer<typeof commitSchema>;
