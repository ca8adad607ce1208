import type { BatchSize } from '../plan/batch-size.ts';
import type { CheckResult } from '../plan/check-result.ts';
import type { Commit } from '../plan/commit.ts';
import type { RunPlan } from '../plan/run-plan.ts';
import type { Manifest, PublishedPart, PublishedRun } from './manifest.ts';

export type { Manifest, PublishedPart, PublishedRun };

export type WriteMode = 'error' | 'overwrite' | 'append' | 'ignore';

export interface StoredRun {
  readonly runId: string;
  readonly plan: RunPlan;
}

export interface WantedRun {
  readonly job: string;
  readonly fingerprint: string;
  readonly identity: RunPlan['identity'];
  /** An unfinished run that differs in its input files only does not stand in the way. */
  readonly isByContent?: boolean;
}

export interface TakeoverRequest {
  readonly plan: RunPlan;
  /** The run that takes over; undefined when there is none yet. */
  readonly runId: string | undefined;
  readonly previous: Manifest | undefined;
  readonly mode: WriteMode;
  /** How large session calls are that the run is bound to. */
  readonly batch: BatchSize | undefined;
  /** Shards that need none. */
  readonly done: ReadonlySet<number>;
}

/** A shard that an earlier run has scored. */
export interface Takeover {
  /** Its index in the new plan. */
  readonly shard: number;
  readonly runId: string;
  readonly commit: Commit;
  /** Where its part lies. */
  readonly part: string;
}

export interface PublishRequest {
  readonly outputFolder: string;
  readonly plan: RunPlan;
  readonly mode: WriteMode;
  /** One a shard of the plan, in shard order. */
  readonly commits: readonly Commit[];
  readonly previous: Manifest | undefined;
  readonly run: PublishedRun;
  /** How many versions stay, this one counted; 1 keeps none beside what is published. */
  readonly keepVersions: number;
}

/** Something that a dead run left. */
export interface Leftover {
  /** Relative to the output folder. */
  readonly path: string;
  readonly what: string;
  readonly sizeBytes: number;
}

export interface KeptRun {
  readonly runId: string;
  readonly reason: string;
}

export interface Leftovers {
  readonly items: readonly Leftover[];
  /** What the disk has back without them: parts that a version has too are no gain. */
  readonly freedBytes: number;
  /** Unfinished runs that what is published may need. */
  readonly kept: readonly KeptRun[];
}

/** Runs and what they published, in one output folder each. */
export interface OutputStore {
  /** @throws AppError LOCKED while another live run holds the folder */
  lock(outputFolder: string, since: string): Promise<AsyncDisposable>;
  /** Ends when the lock may have been left, or after a while; throws the signal's reason. */
  lockChange(outputFolder: string, options: { readonly maxMs: number; readonly signal: AbortSignal }): Promise<void>;
  /**
   * The manifest as it lies there.
   * @throws AppError VERIFY_FAILED when it cannot be read
   */
  readManifest(outputFolder: string): Promise<Manifest | undefined>;
  /** What counts as published for the next run: without a last run whose publish was cut off. */
  readPublished(outputFolder: string): Promise<Manifest | undefined>;
  /**
   * Refuses to write where it would mix with, or remove, what is there.
   * @throws AppError OUTPUT_EXISTS, OUTPUT_UNWRITABLE
   */
  check(outputFolder: string, mode: WriteMode, previous: Manifest | undefined): Promise<'go' | 'skip'>;
  /**
   * Looks only; a run of something else that has nothing committed has nothing to protect, and is passed over.
   * @throws AppError FINGERPRINT_CHANGED when an unfinished run of the job was planned for something else
   */
  findResumable(
    outputFolder: string,
    wanted: WantedRun,
    previous: Manifest | undefined,
  ): Promise<StoredRun | undefined>;
  /** @throws AppError USAGE when the run is not unfinished there, FINGERPRINT_CHANGED when it was planned for something else */
  findRequested(
    outputFolder: string,
    wanted: WantedRun & { readonly runId: string },
    previous: Manifest | undefined,
  ): Promise<StoredRun>;
  /** Removes the job's unfinished runs of other fingerprints that have nothing committed. */
  discardEmpty(outputFolder: string, wanted: WantedRun, previous: Manifest | undefined): Promise<void>;
  /** Removes the job's other unfinished runs that differ in their input files at most. */
  discardOthers(outputFolder: string, run: StoredRun, previous: Manifest | undefined): Promise<void>;
  /** Runs of a job whose shards may be taken over: unfinished ones, newest first, then the one that is published. */
  earlierRuns(outputFolder: string, job: string, previous: Manifest | undefined): Promise<readonly StoredRun[]>;
  /** Shards that an earlier run has scored from the same content, their parts whole; in shard order. */
  findTakeovers(outputFolder: string, request: TakeoverRequest): Promise<readonly Takeover[]>;
  /** Makes the parts of an earlier run those of this one. @throws AppError OUTPUT_UNWRITABLE, DISK_FULL */
  takeOver(outputFolder: string, run: StoredRun, takeovers: readonly Takeover[]): Promise<readonly Commit[]>;
  /** Removes the job's unfinished runs, and what they had begun to publish. */
  discardUnfinished(outputFolder: string, job: string, previous: Manifest | undefined): Promise<void>;
  create(outputFolder: string, runId: string): Promise<void>;
  writePlan(outputFolder: string, run: StoredRun): Promise<void>;
  /** A run by its id, published or not; undefined when its plan is gone or of another version. */
  readRun(outputFolder: string, runId: string): Promise<StoredRun | undefined>;
  /** The job that a run was made for, as text. */
  readJob(outputFolder: string, runId: string): Promise<string | undefined>;
  writeJob(outputFolder: string, runId: string, text: string): Promise<void>;
  /** What a run's commits say, by shard, without a look at the parts. */
  readCommits(outputFolder: string, runId: string): Promise<ReadonlyMap<number, Commit>>;
  /** Flushes a part and its rejects that lie where a run has them, and makes the commit that says so. */
  commit(outputFolder: string, runId: string, commit: Commit): Promise<void>;
  /** Copies the rejects of the input itself from one run to another. */
  takeOverInputRejects(outputFolder: string, runs: { readonly from: string; readonly to: string }): Promise<void>;
  /** Commits whose parts are there and whole, by shard. */
  validCommits(
    outputFolder: string,
    run: StoredRun,
    publish: { readonly mode: WriteMode; readonly previous: Manifest | undefined },
  ): Promise<ReadonlyMap<number, Commit>>;
  /** Versions that were published and are kept, newest first. */
  versions(outputFolder: string): Promise<readonly Manifest[]>;
  /** The version that a rollback brings back when nobody says which; one that was cut off is gone on with. */
  previousVersion(outputFolder: string): Promise<string | undefined>;
  /**
   * Publishes a version anew; what was published until then stays a version.
   * @throws AppError VERIFY_FAILED when the version is not whole, OUTPUT_UNWRITABLE, DISK_FULL
   */
  rollback(outputFolder: string, runId: string): Promise<Manifest>;
  /** Brings a rollback that was cut off to its end, if there is one. */
  finishRollback(outputFolder: string): Promise<void>;
  /** What may go, for whoever holds the lock. */
  findLeftovers(outputFolder: string): Promise<Leftovers>;
  /** What killed measurements left beside an output, which need not be there. */
  findAbandoned(outputFolder: string): Promise<Leftovers>;
  removeLeftovers(outputFolder: string, leftovers: Leftovers): Promise<void>;
  readBatch(outputFolder: string, runId: string): Promise<BatchSize | undefined>;
  writeBatch(outputFolder: string, runId: string, batch: BatchSize): Promise<void>;
  /** Runs with a plan that are not published, oldest first. */
  findUnfinished(outputFolder: string, previous: Manifest | undefined): Promise<readonly StoredRun[]>;
  /** Where the parts of commits are staged, in their order; undefined once publishing them has begun. */
  stagedParts(outputFolder: string, runId: string, commits: readonly Commit[]): Promise<readonly string[] | undefined>;
  /** A folder on the output's disk that goes, with all in it, when it is disposed of. */
  auditFolder(outputFolder: string, runId: string): Promise<AsyncDisposable & { readonly path: string }>;
  /** What the run's checks found when they were last evaluated. */
  readChecks(outputFolder: string, runId: string): Promise<readonly CheckResult[] | undefined>;
  writeChecks(outputFolder: string, runId: string, checks: readonly CheckResult[]): Promise<void>;
  publish(request: PublishRequest): Promise<Manifest>;
  remove(outputFolder: string, runId: string): Promise<void>;
}
