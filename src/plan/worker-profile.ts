import { z } from 'zod';
import { recordVersion } from './run-plan.ts';

/** What a profiled worker was at until the end of its first shard; its trace lies beside it, as ONNX Runtime wrote it. */
export const workerProfileSchema = z
  .strictObject({
    v: z.literal(recordVersion),
    /** Seconds of wall clock: from the start message to the loaded session, and in session calls that are profiled. */
    seconds: z.strictObject({ load: z.number(), session: z.number() }).readonly(),
    batches: z.number().int().nonnegative(),
    /** Name of the file for chrome://tracing or Perfetto. */
    trace: z.string(),
    /** The file has the first events only. */
    isCut: z.boolean(),
    /** The longest first. */
    operators: z
      .array(
        z
          .strictObject({ operator: z.string(), provider: z.string(), calls: z.number().int(), seconds: z.number() })
          .readonly(),
      )
      .readonly(),
  })
  .readonly();
export type WorkerProfile = z.infer<typeof workerProfileSchema>;
