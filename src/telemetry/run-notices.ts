import { AppError, exitCodeOf } from '../core/errors.ts';
import { signalExitCode } from '../core/host.ts';
import type { RunEvent } from '../run/events.ts';
import type { JobFacts, Notifier, RunNotice, RunNotices } from './contract.ts';

/** What a run's events have told so far. */
interface Seen {
  readonly runId?: string;
  readonly outputPath?: string;
  readonly skipped?: string;
  readonly model?: NonNullable<RunNotice['model']>;
  /** Of a run that goes on: the one that it began with. */
  readonly logicalDate?: string;
  readonly rows?: NonNullable<RunNotice['rows']>;
}

export interface RunNoticesOptions {
  readonly facts: JobFacts;
  readonly notifier: Notifier;
  readonly now: () => Date;
}

export function newRunNotices({ facts, notifier, now }: RunNoticesOptions): RunNotices {
  const startedAt = now();
  let seen: Seen = {};
  return {
    see: (event) => {
      seen = seenAfter(seen, event);
      if (event.type === 'run-started') notifier.started({ runId: event.runId, job: event.job });
    },
    end: async (failure) => {
      // Another run is at it, which will tell how it ended; a timer that comes too early is no failure.
      if (failure?.error instanceof AppError && failure.error.code === 'LOCKED') return [];
      if (goesOnByItself(failure?.error, facts.trigger)) return [];
      return notifier.ended(noticeOf({ facts, seen, startedAt, endedAt: now() }, failure));
    },
  };
}

const timeIsUp = signalExitCode('SIGALRM');

/** A tick that was interrupted is as due as before, and a backfill is finished by the same command. */
function goesOnByItself(error: unknown, trigger: string | undefined): boolean {
  const isCutOff = error instanceof AppError && error.code === 'INTERRUPTED' && error.exitCode !== timeIsUp;
  return isCutOff && (trigger === 'schedule' || trigger === 'backfill');
}

function seenAfter(seen: Seen, event: RunEvent): Seen {
  switch (event.type) {
    case 'run-started':
      return {
        ...seen,
        runId: event.runId,
        outputPath: event.output,
        model: event.model,
        ...(event.logicalDate === undefined ? {} : { logicalDate: event.logicalDate }),
      };
    case 'run-skipped':
      return { ...seen, ...(event.runId === '' ? {} : { runId: event.runId }), skipped: event.reason };
    case 'shard-done':
      return { ...seen, rows: seen.rows === undefined ? event.rows : sumOf(seen.rows, event.rows) };
    case 'run-published':
      return { ...seen, rows: { ...event.rows, ...savedRows(event) } };
    default:
      return seen;
  }
}

type Rows = NonNullable<RunNotice['rows']>;

function sumOf(a: Rows, b: Rows): Rows {
  return {
    in: a.in + b.in,
    out: a.out + b.out,
    rejected: a.rejected + b.rejected,
    filtered: a.filtered + b.filtered,
  };
}

function savedRows({ repeatedRows, cachedRows }: Extract<RunEvent, { type: 'run-published' }>): Partial<Rows> {
  return {
    ...(repeatedRows === undefined ? {} : { repeated: repeatedRows }),
    ...(cachedRows === undefined ? {} : { cached: cachedRows }),
  };
}

interface Ended {
  readonly facts: JobFacts;
  readonly seen: Seen;
  readonly startedAt: Date;
  readonly endedAt: Date;
}

function noticeOf({ facts, seen, startedAt, endedAt }: Ended, failure: { readonly error: unknown } | undefined) {
  const { skipped, ...known } = seen;
  const shared = {
    v: 1,
    ...facts,
    ...known,
    startedAt: startedAt.toISOString(),
    endedAt: endedAt.toISOString(),
    durationSeconds: (endedAt.getTime() - startedAt.getTime()) / 1000,
  } as const;
  const notice: RunNotice =
    failure === undefined
      ? { type: 'run-succeeded', ...shared, exitCode: 0, ...(skipped === undefined ? {} : { skipped }) }
      : { type: 'run-failed', ...shared, exitCode: exitCodeOf(failure.error), error: errorOf(failure.error) };
  return notice;
}

function errorOf(error: unknown) {
  if (!(error instanceof AppError)) return { code: 'INTERNAL', message: String(error) };
  const { code, message, hint } = error;
  return hint === undefined ? { code, message } : { code, message, hint };
}
