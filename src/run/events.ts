import { assertNever, type ErrorCode } from '../core/errors.ts';
import type { ExecutorEvent, Slot } from '../executor/contract.ts';
import type { BatchSize } from '../plan/batch-size.ts';
import type { CheckResult } from '../plan/check-result.ts';

/** Version of the events that `--json` prints; fields are only ever added. */
export const eventVersion = 1;

interface Base {
  readonly v: typeof eventVersion;
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly job: string;
  /** Empty in `lock-waiting`, when it is not known yet. */
  readonly runId: string;
}

interface RowLedger {
  readonly in: number;
  readonly out: number;
  readonly rejected: number;
  readonly filtered: number;
}

interface Dated {
  /** What the run is for, ISO 8601 with the offset of the job's zone. */
  readonly logicalDate?: string | undefined;
  /** The job would be another one on another date, or this one was asked for. */
  readonly dated?: true;
}

type Body =
  | {
      /** Another run holds the output; told once. */
      readonly type: 'lock-waiting';
      readonly output: string;
      readonly maxSeconds: number;
      readonly message: string;
      /** The process that holds it, as far as the lock tells: pid, host, since. */
      readonly holder: Readonly<Record<string, unknown>>;
    }
  | ({
      readonly type: 'run-started';
      readonly output: string;
      readonly resumes: boolean;
      readonly model: { readonly path: string; readonly sha256: string };
    } & Dated)
  | ({ readonly type: 'run-skipped'; readonly output: string; readonly reason: string } & Dated)
  | {
      readonly type: 'input-staged';
      readonly format: string;
      readonly files: number;
      readonly rejectedLines: number;
      readonly seconds: number;
    }
  | {
      /** Shards whose input files have the content that earlier runs scored. */
      readonly type: 'shards-taken-over';
      readonly shards: number;
      readonly rows: number;
      /** The runs that had them. */
      readonly from: readonly string[];
    }
  | {
      readonly type: 'run-planned';
      readonly rows: number;
      readonly shards: number;
      readonly shardsDone: number;
      readonly rowsDone: number;
      readonly files: number;
      readonly workers: number;
      readonly devices: readonly string[];
      readonly intraOpThreads: number;
      readonly prefetch: boolean;
    }
  | {
      readonly type: 'worker-ready';
      readonly slot: number;
      readonly device: string;
      readonly pid: number;
      readonly providers: readonly string[];
      /** Where the job keeps its optimised model: whether this worker made it, or found it. */
      readonly optimizedModel?: 'kept' | 'loaded' | undefined;
    }
  | {
      /** The run goes on, but not as it was meant to. */
      readonly type: 'warning';
      readonly code: ErrorCode;
      readonly message: string;
    }
  | {
      /** A notice about this run that somebody did not get; the run itself is as it is. */
      readonly type: 'notice-failed';
      /** The target without what may be secret about it. */
      readonly target: string;
      readonly notice: 'run-started' | 'run-succeeded' | 'run-failed' | 'run-missed';
      readonly message: string;
    }
  | {
      readonly type: 'worker-lost';
      readonly slot: number;
      readonly device: string;
      readonly code: ErrorCode;
      readonly message: string;
    }
  | { readonly type: 'worker-recycled'; readonly slot: number; readonly device: string; readonly rssBytes: number }
  | ({ readonly type: 'batch-measured' } & BatchSize)
  | ({ readonly type: 'batch-reduced' } & BatchSize)
  | {
      readonly type: 'shard-started';
      readonly shard: number;
      readonly attempt: number;
      readonly slot: number;
      readonly device: string;
    }
  | {
      readonly type: 'shard-progress';
      readonly shard: number;
      readonly rows: number;
      readonly slot: number;
      readonly device: string;
    }
  | {
      readonly type: 'shard-done';
      readonly shard: number;
      readonly attempt: number;
      readonly slot: number;
      readonly device: string;
      readonly rows: RowLedger;
      readonly seconds: number;
      readonly sessionSeconds: number;
      readonly readSeconds: number;
      readonly writeSeconds: number;
    }
  | {
      readonly type: 'shard-failed';
      readonly shard: number;
      readonly attempt: number;
      readonly slot: number;
      readonly device: string;
      readonly willRetry: boolean;
      readonly retryAfterMs?: number | undefined;
      readonly code: ErrorCode;
      readonly message: string;
    }
  | {
      /** What the job's checks found of the predictions, before anything is published. */
      readonly type: 'checks-evaluated';
      readonly checks: readonly CheckResult[];
    }
  | ({
      readonly type: 'run-published';
      readonly output: string;
      readonly rows: RowLedger;
      readonly parts: number;
      readonly bytes: number;
      readonly seconds: number;
      /** Rows scored by this process, divided by its seconds. */
      readonly rowsPerSecond: number;
      readonly rejects: readonly string[];
      readonly providers: readonly string[];
      /** Folder of what profiled workers were at; absent where none was. */
      readonly profile?: string;
      readonly batchRows: number;
      /** Where rows are texts. */
      readonly batchTokens?: number | undefined;
      /** Rows that earlier runs scored; absent when there are none. */
      readonly takenOverRows?: number;
      /** Rows that were not scored, since rows of the same features were: in this run, and in earlier ones. */
      readonly repeatedRows?: number;
      readonly cachedRows?: number;
    } & Dated);

/** What happens in a run, in the order in which it happens; the reporter alone turns these into text. */
export type RunEvent = Base & Body;
export type RunEventBody = Body;

/** What an executor tells, as it is told on: slots become names, errors their code and message. */
export function bodyOf(happened: ExecutorEvent): RunEventBody {
  switch (happened.type) {
    case 'batch-measured':
    case 'batch-reduced':
      return happened;
    case 'worker-ready':
      return {
        type: 'worker-ready',
        ...place(happened),
        pid: happened.pid,
        providers: happened.providers,
        optimizedModel: happened.optimizedModel,
      };
    case 'worker-lost':
      return { type: 'worker-lost', ...place(happened), code: happened.error.code, message: happened.error.message };
    case 'worker-recycled':
      return { type: 'worker-recycled', ...place(happened), rssBytes: happened.rssBytes };
    case 'shard-started':
      return { type: 'shard-started', shard: happened.shard, attempt: happened.attempt, ...place(happened) };
    case 'shard-progress':
      return { type: 'shard-progress', shard: happened.shard, rows: happened.rows, ...place(happened) };
    case 'shard-failed': {
      const { shard, attempt, willRetry, retryAfterMs, error } = happened;
      return {
        type: 'shard-failed',
        shard,
        attempt,
        ...place(happened),
        willRetry,
        retryAfterMs,
        code: error.code,
        message: error.message,
      };
    }
    case 'shard-done': {
      const { commit } = happened;
      const rows = {
        in: commit.rowsIn,
        out: commit.rowsOut,
        rejected: commit.rejectedRows,
        filtered: commit.filteredRows,
      };
      const { total, session, read, write } = commit.timings;
      return {
        type: 'shard-done',
        shard: happened.shard,
        attempt: commit.attempt,
        ...place(happened),
        rows,
        seconds: total,
        sessionSeconds: session,
        readSeconds: read,
        writeSeconds: write,
      };
    }
    default:
      return assertNever(happened);
  }
}

/** What a person should hear about an event beside the event: a GPU that was asked for and is not used. */
export function warningOf(happened: ExecutorEvent): RunEventBody | undefined {
  if (happened.type === 'shard-done' && happened.commit.isGivenUp === true) {
    const message = `all ${happened.commit.rejectedRows} rows of shard ${happened.shard} are rejected, since it failed and errors.maxFailedShards allows that`;
    return { type: 'warning', code: 'SHARDS_FAILED', message };
  }
  if (happened.type === 'shard-done' && happened.commit.cacheError !== undefined) {
    const message = `predictions are not kept any more, and rows are scored: ${happened.commit.cacheError}`;
    return { type: 'warning', code: 'CACHE_UNAVAILABLE', message };
  }
  if (happened.type !== 'worker-ready') return undefined;
  if (happened.optimizedModelError !== undefined) {
    const message =
      happened.optimizedModel === 'kept'
        ? `the optimised model is kept, but others stay that should go: ${happened.optimizedModelError}`
        : `the optimised model is not kept, and the run goes on without it: ${happened.optimizedModelError}`;
    return { type: 'warning', code: 'CACHE_UNAVAILABLE', message };
  }
  const { device } = happened.slot;
  if (device.kind === 'cpu' || happened.providers.includes(device.kind)) return undefined;
  return {
    type: 'warning',
    code: 'PROVIDER_UNAVAILABLE',
    message: `the ${device.kind} execution provider cannot be used on ${device.name}; execution.fallback lets ${happened.providers.join(', ')} score instead`,
  };
}

function place({ slot }: { readonly slot: Slot }): { readonly slot: number; readonly device: string } {
  return { slot: slot.index, device: slot.device.name };
}
