import type { Locate } from '../plan/plan-input.ts';
import type { Shard } from '../plan/run-plan.ts';
import type { JobSpec } from '../spec/job-spec.ts';
import type { RunDate } from './date-job.ts';

/** A job and where it stands, so that messages can point at its lines. */
export interface JobRequest {
  readonly job: JobSpec;
  readonly baseDir: string;
  readonly locate: Locate;
  /** What the run is for; left out where nobody says. */
  readonly date?: RunDate;
  /** The id that a new run must have. */
  readonly runId?: string;
  /** Shards to cut as another run of the same input did. */
  readonly shards?: readonly Shard[];
  /** Gives up reading the input. */
  readonly signal?: AbortSignal;
}
