/** What a run is asked for by a timer or a backfill. */
export interface LaunchRequest {
  /** Absolute. */
  readonly specPath: string;
  readonly job: string;
  /** ISO 8601 with offset. */
  readonly logicalDate: string;
  readonly trigger: 'schedule' | 'backfill';
  /** More of the command line of `run`, such as `--set`. */
  readonly options: readonly string[];
}

/** How a run ended, as its events told. */
export interface RunEnd {
  readonly exitCode: number;
  readonly state: 'published' | 'skipped' | 'failed' | 'interrupted';
  /** Absent when it did not come to one. */
  readonly runId?: string | undefined;
  readonly rows?: { readonly in: number; readonly out: number; readonly rejected: number; readonly filtered: number };
  readonly seconds: number;
  readonly code?: string | undefined;
  readonly message?: string | undefined;
}

/** SIGALRM is for a run whose time is up: it is not gone on with by itself, so somebody is told. */
export type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP' | 'SIGALRM';

export interface LaunchedRun {
  /** Never rejects. */
  readonly ended: Promise<RunEnd>;
  /** Ends it well: it finishes its batches, and the same run goes on another time. With SIGTERM, if nobody says. */
  stop(signal?: StopSignal): void;
  kill(): void;
}

/** Starts runs, each a process of its own that a crash of another does not touch. */
export interface Launcher {
  launch(request: LaunchRequest): LaunchedRun;
}
