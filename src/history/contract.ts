import { z } from 'zod';
import type { isAlive, ProcessIdentity } from '../core/host.ts';
import { starters } from '../core/started-by.ts';

const ms = z.int();
const count = z.int().min(0);

const runStates = ['running', 'published', 'skipped', 'failed', 'interrupted'] as const;
export const triggers = ['manual', 'schedule', 'backfill'] as const;
export type Trigger = (typeof triggers)[number];
/** As a record is shown: whoever ran it may have died without a word. */
export const shownStates = [...runStates, 'died'] as const;
export type ShownState = (typeof shownStates)[number];

/** Which job of which file; both together are the key of a schedule. */
export const jobKeySchema = z.object({
  /** Absolute. */
  specPath: z.string(),
  job: z.string(),
});
export type JobKey = Readonly<z.infer<typeof jobKeySchema>>;

const runStartSchema = jobKeySchema.extend({
  /** Not unique: a run that goes on has its id again, and a record for each time. */
  runId: z.string(),
  /** Absolute; undefined where the spec could not be read. */
  outputPath: z.string().optional(),
  logicalDateMs: ms.optional(),
  /** The same with the offset of the job's zone; undefined in records of before there was one. */
  logicalDate: z.string().optional(),
  startedAtMs: ms,
  resumed: z.union([z.boolean(), z.literal([0, 1])]).transform(Boolean),
  modelPath: z.string().optional(),
  modelSha256: z.string().optional(),
  modelVersion: z.string().optional(),
  startedBy: z.enum(starters),
  trigger: z.enum(triggers),
  host: z.string(),
  pid: z.int(),
  bootId: z.string(),
  startTicks: z.string(),
  nightshiftVersion: z.string(),
  logPath: z.string().optional(),
});
/** What is known as a run begins. */
export type RunStart = Readonly<z.output<typeof runStartSchema>>;

const runEndSchema = z.object({
  state: z.enum(runStates),
  exitCode: z.int().optional(),
  errorCode: z.string().optional(),
  errorMessage: z.string().optional(),
  endedAtMs: ms.optional(),
  rowsIn: count.optional(),
  rowsOut: count.optional(),
  rejectedRows: count.optional(),
  filteredRows: count.optional(),
  /** Of a published run, where there are any: rows that were not scored, since others of this run or earlier ones were. */
  repeatedRows: count.optional(),
  cachedRows: count.optional(),
  shards: count.optional(),
});
/** What is known as it ends. */
export type RunEnd = Readonly<z.infer<typeof runEndSchema>> & { readonly endedAtMs: number };

/** A stored one; SQLite has null where a record has nothing. */
export const runRecordSchema = runStartSchema.extend(runEndSchema.shape).extend({
  /** Which one it is, in the order in which they began. */
  record: z.int(),
});
export type RunRecord = Readonly<z.output<typeof runRecordSchema>>;

export const tickSchema = jobKeySchema.extend({
  tickMs: ms,
  decision: z.enum(['run', 'missed', 'skipped']),
  runId: z.string().optional(),
  reason: z.string().optional(),
  decidedAtMs: ms,
});
/** What became of an instant at which a job was due. */
export type TickRecord = Readonly<z.infer<typeof tickSchema>>;

export const scheduleRecordSchema = jobKeySchema.extend({
  installedAtMs: ms,
  /** What calls: `systemd`, `crontab`. */
  target: z.string(),
  pausedAtMs: ms.optional(),
  /** Of the schedule as it was installed, to tell when the spec says something else. */
  digest: z.string(),
  updatedAtMs: ms,
});
export type ScheduleRecord = Readonly<z.infer<typeof scheduleRecordSchema>>;

/** The last line of the log of a run that failed; the others are its events. */
export const loggedErrorSchema = z.object({
  type: z.literal('error'),
  code: z.string(),
  message: z.string(),
  hint: z.string().optional(),
});

export interface LogicalDates {
  /** From the first on, up to the second, which does not count. */
  readonly fromMs: number;
  readonly toMs: number;
  /** How the local time of the job begins, as in `2026-11-23`; then instants count for records without one only. */
  readonly local?: string;
}

export interface RunFilter {
  readonly specPath?: string | undefined;
  readonly job?: string | undefined;
  readonly state?: ShownState | undefined;
  /** First instant that counts. */
  readonly sinceMs?: number | undefined;
  /** First instant that does not count any more. */
  readonly untilMs?: number | undefined;
  readonly logicalDates?: LogicalDates | undefined;
  readonly limit?: number | undefined;
}

/** Instants from the first on; the second does not count any more. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface PruneOptions {
  /** Records that ended before, or died without having ended. */
  readonly beforeMs: number;
  /** The newest records of each job that stay all the same. */
  readonly keep: number;
  readonly dryRun: boolean;
}

/** Where the events of a run are kept, a line of JSON each. */
export interface RunLog extends Disposable {
  readonly write: (line: string) => void;
}

/**
 * What ran, and what became of each tick. Lists of runs are newest first: by start, then by id, then by record.
 * Everything throws AppError HISTORY_UNAVAILABLE when the database cannot be used.
 */
export interface History extends Disposable {
  /** @returns the record, which `endRun` is told */
  readonly beginRun: (run: RunStart) => number;
  readonly endRun: (record: number, end: RunEnd) => void;
  /** The records of the run with this id; or else the latest record of each run whose id begins so, at most a few. */
  readonly findRun: (idOrPrefix: string) => readonly RunRecord[];
  readonly listRuns: (filter: RunFilter) => readonly RunRecord[];
  /** The newest record of each job, by spec and job. */
  readonly latestRuns: (of?: Partial<JobKey>) => readonly RunRecord[];
  readonly runsFor: (key: JobKey) => readonly RunRecord[];
  /** All records of a job for any of these logical dates, from an index. */
  readonly runsOf: (of: JobKey & { readonly logicalDates: readonly number[] }) => readonly RunRecord[];
  /** Ended or dead records that are old, and the logs that are nobody's then. @returns what goes */
  readonly prune: (options: PruneOptions) => readonly RunRecord[];
  readonly logPath: (runId: string) => string;
  /** @throws AppError HISTORY_UNAVAILABLE when it cannot be written, as `write` does */
  readonly openLog: (runId: string) => RunLog;

  /** The first to decide decides, of all processes. @returns whether that was this call */
  readonly decideTick: (tick: TickRecord) => boolean;
  /** Names the run of a tick, which is not known when it is decided to run. */
  readonly nameTickRun: (key: JobKey & { readonly tickMs: number }, runId: string) => void;
  /** Newest first. */
  readonly lastTicks: (key: JobKey, count: number) => readonly TickRecord[];
  /** The newest tick up to an instant among those that were decided up to another. */
  readonly lastTickBy: (
    key: JobKey,
    by: { readonly tickMs: number; readonly decidedAtMs: number },
  ) => number | undefined;
  /** By time. */
  readonly ticks: (key: JobKey, span: Span) => readonly TickRecord[];
  /** As if they had never been decided. @returns how many */
  readonly forgetTicks: (key: JobKey, span: Span) => number;

  readonly schedule: (key: JobKey) => ScheduleRecord | undefined;
  /** Installs it, or replaces what was installed. */
  readonly saveSchedule: (schedule: ScheduleRecord) => void;
  readonly schedules: () => readonly ScheduleRecord[];
  readonly removeSchedule: (key: JobKey) => boolean;
  /** @returns whether there is such a schedule */
  readonly pause: (key: JobKey, atMs: number) => boolean;
  readonly resume: (key: JobKey, atMs: number) => boolean;
}

/** A record says `running` for ever when its process was killed. */
export function shownState(
  { state, ...record }: Pick<RunRecord, 'state'> & ProcessIdentity,
  alive: typeof isAlive,
): ShownState {
  return state === 'running' && alive(record) === false ? 'died' : state;
}
