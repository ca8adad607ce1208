import { AppError, exitCodeOf, messageOf } from '../core/errors.ts';
import type { ProcessIdentity } from '../core/host.ts';
import type { StartedBy } from '../core/started-by.ts';
import type { History, RunEnd, RunLog, RunStart, Trigger } from '../history/contract.ts';
import type { RunEvent } from '../run/events.ts';
import { errorLine } from './show-error.ts';

/** What is recorded of a job before it runs. */
export interface RecordedJob {
  readonly job: string;
  /** Absolute. */
  readonly specPath: string;
  /** Absolute; unknown where the spec could not be read. */
  readonly outputPath?: string | undefined;
  readonly modelPath?: string | undefined;
  /** ISO 8601 with the offset of the job's zone. */
  readonly logicalDate?: string | undefined;
}

export interface RecorderOptions {
  readonly openHistory: () => Promise<History>;
  /** What is known of this process. */
  readonly process: ProcessIdentity & { readonly startedBy: StartedBy; readonly nightshiftVersion: string };
  readonly trigger: Trigger;
  readonly nowMs: () => number;
  /** For what fails before it has an id. */
  readonly newRunId: () => string;
  /** Is told once, of the first thing that cannot be recorded; after that nothing is. */
  readonly onFailure: (error: AppError, where: Where) => void;
}

type Where = { readonly job: string; readonly runId: string };

/** Keeps runs in the history as they happen. Whatever goes wrong with that, runs go on. */
export class RunRecorder implements AsyncDisposable {
  readonly #options: RecorderOptions;
  #history: Promise<History> | undefined;
  #isBroken = false;
  #isTold = false;

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const history = await this.#history?.catch(() => undefined);
    history?.[Symbol.dispose]();
  }

  begin(job: RecordedJob): JobRecorder {
    return new JobRecorder(this.#options, job, this);
  }

  /** The database is opened when there is something to record, while workers start. */
  async attempt(where: Where, body: (history: History) => void): Promise<void> {
    if (this.#isBroken) return;
    try {
      this.#history ??= this.#options.openHistory();
      body(await this.#history);
    } catch (error) {
      this.#isBroken = true;
      this.tell(error, where);
    }
  }

  tell(error: unknown, where: Where): void {
    if (!this.#isTold) this.#options.onFailure(asUnavailable(error), where);
    this.#isTold = true;
  }
}

/** The record of one job in one process. */
export class JobRecorder {
  readonly #options: RecorderOptions;
  readonly #job: RecordedJob;
  readonly #recorder: RunRecorder;
  readonly #startedAtMs: number;
  #open: { readonly record: number; readonly runId: string } | undefined;
  #log: RunLog | undefined;
  /** What was told before the run had an id. */
  readonly #early: string[] = [];
  #ledger: Ledger = {};

  constructor(options: RecorderOptions, job: RecordedJob, recorder: RunRecorder) {
    this.#options = options;
    this.#job = job;
    this.#recorder = recorder;
    this.#startedAtMs = options.nowMs();
  }

  async see(event: RunEvent): Promise<void> {
    // Most of the events, and none that anybody looks for later.
    if (event.type === 'shard-progress') return;
    this.#ledger = ledgerAfter(this.#ledger, event);
    const line = JSON.stringify(event);
    if (event.runId === '') {
      this.#early.push(line);
      return;
    }
    await this.#attempt(event.runId, (history) => {
      this.#begin(history, event.runId, event);
      this.#write(line);
      if (event.type === 'run-published') this.#end(history, { state: 'published', exitCode: 0 });
      if (event.type === 'run-skipped') this.#end(history, { state: 'skipped', exitCode: 0 });
    });
  }

  /** Everything was told; with an error, when that is how it ended. */
  async end(failure?: { readonly error: unknown }): Promise<void> {
    const runId = this.#open?.runId ?? this.#options.newRunId();
    if (failure !== undefined)
      await this.#attempt(runId, (history) => {
        this.#begin(history, runId);
        this.#write(errorLine(failure.error, { job: this.#job.job }));
        this.#end(history, endOf(failure.error));
      });
    this.#log?.[Symbol.dispose]();
    this.#log = undefined;
  }

  #attempt(runId: string, body: (history: History) => void): Promise<void> {
    return this.#recorder.attempt({ job: this.#job.job, runId }, body);
  }

  #begin(history: History, runId: string, event?: RunEvent): void {
    if (this.#open !== undefined) return;
    const { process, trigger } = this.#options;
    const started = event?.type === 'run-started' ? event : undefined;
    // A run that goes on keeps the date that it began with.
    const logicalDate = started?.logicalDate ?? this.#job.logicalDate;
    const run: RunStart = {
      ...this.#job,
      ...process,
      runId,
      trigger,
      startedAtMs: this.#startedAtMs,
      resumed: started?.resumes === true,
      modelPath: started?.model.path ?? this.#job.modelPath,
      modelSha256: started?.model.sha256,
      logicalDate,
      logicalDateMs: logicalDate === undefined ? undefined : Date.parse(logicalDate),
      logPath: history.logPath(runId),
    };
    this.#open = { record: history.beginRun(run), runId };
    this.#logging(() => {
      this.#log = history.openLog(runId);
    });
    for (const line of this.#early) this.#write(line);
  }

  #write(line: string): void {
    this.#logging(() => this.#log?.write(line));
  }

  /** A record without a log is better than none. */
  #logging(body: () => void): void {
    try {
      body();
    } catch (error) {
      this.#log?.[Symbol.dispose]();
      this.#log = undefined;
      this.#recorder.tell(error, { job: this.#job.job, runId: this.#open?.runId ?? '' });
    }
  }

  #end(history: History, end: Omit<RunEnd, 'endedAtMs'>): void {
    if (this.#open === undefined) return;
    history.endRun(this.#open.record, { ...this.#ledger, ...end, endedAtMs: this.#options.nowMs() });
  }
}

type Ledger = Pick<
  RunEnd,
  'rowsIn' | 'rowsOut' | 'rejectedRows' | 'filteredRows' | 'repeatedRows' | 'cachedRows' | 'shards'
>;

/** Counts of what this process scored; of the whole run once it is published. */
function ledgerAfter(ledger: Ledger, event: RunEvent): Ledger {
  if (event.type === 'run-planned') return { ...ledger, shards: event.shards };
  if (event.type !== 'run-published' && event.type !== 'shard-done') return ledger;
  const { rows } = event;
  const { rowsIn = 0, rowsOut = 0, rejectedRows = 0, filteredRows = 0 } = event.type === 'shard-done' ? ledger : {};
  return {
    ...ledger,
    rowsIn: rowsIn + rows.in,
    rowsOut: rowsOut + rows.out,
    rejectedRows: rejectedRows + rows.rejected,
    filteredRows: filteredRows + rows.filtered,
    ...(event.type === 'run-published' ? savedRows(event) : {}),
  };
}

function savedRows({ repeatedRows, cachedRows }: Extract<RunEvent, { type: 'run-published' }>): Ledger {
  return {
    ...(repeatedRows === undefined ? {} : { repeatedRows }),
    ...(cachedRows === undefined ? {} : { cachedRows }),
  };
}

function endOf(error: unknown): Omit<RunEnd, 'endedAtMs'> {
  const code = error instanceof AppError ? error.code : 'INTERNAL';
  return {
    state: code === 'INTERRUPTED' ? 'interrupted' : 'failed',
    exitCode: exitCodeOf(error),
    errorCode: code,
    errorMessage: messageOf(error),
  };
}

function asUnavailable(error: unknown): AppError {
  if (error instanceof AppError) return error;
  return new AppError('HISTORY_UNAVAILABLE', `the run cannot be recorded: ${messageOf(error)}`, { cause: error });
}
