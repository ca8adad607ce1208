import type { LaunchedRun, Launcher, RunEnd, StopSignal } from './launcher.ts';

/** One logical date of a backfill, and where its predictions go. */
export interface Partition {
  readonly dateMs: number;
  /** ISO 8601 with offset. */
  readonly logicalDate: string;
  /** Absolute. */
  readonly output: string;
}

/** Damaged is what was published, and is not whole any more. */
export type PartitionState = 'published' | 'missing' | 'damaged' | 'failed' | 'interrupted';
/** Which partitions are run: those not published, those of them whose last run failed or was cut off, or all. */
export type BackfillChoice = 'missing' | 'failed' | 'all';

export interface BackfillRequest {
  /** Absolute. */
  readonly specPath: string;
  readonly job: string;
  /** In the order in which they are run. */
  readonly partitions: readonly Partition[];
  readonly choice: BackfillChoice;
  readonly maxParallel: number;
  readonly signal: AbortSignal;
  /** What the runs are told when that is aborted; SIGTERM, if nobody says. */
  readonly stopSignal?: () => StopSignal | undefined;
  /** More of the command line of `run`. */
  readonly options: readonly string[];
}

export interface BackfillPorts {
  readonly launcher: Launcher;
  /** What is known of a partition before it is run: what is published counts, then the history. */
  readonly find: (partition: Partition) => Promise<{ readonly state: PartitionState }>;
}

export type BackfillEvent =
  | { readonly type: 'backfill-planned'; readonly partitions: number; readonly toRun: number; readonly leftOut: number }
  | { readonly type: 'partition-passed'; readonly partition: Partition; readonly state: PartitionState }
  | { readonly type: 'partition-started'; readonly partition: Partition }
  | { readonly type: 'partition-ended'; readonly partition: Partition; readonly end: RunEnd }
  /** It was stopped before this one's turn. */
  | { readonly type: 'partition-left'; readonly partition: Partition };

export function isChosen(choice: BackfillChoice, state: PartitionState): boolean {
  if (choice === 'all') return true;
  return choice === 'failed' ? state === 'failed' || state === 'interrupted' : state !== 'published';
}

/** Neither published nor run: what did not fail, where only what failed is run. */
export function isLeftOut(choice: BackfillChoice, state: PartitionState): boolean {
  return state !== 'published' && !isChosen(choice, state);
}

interface Active {
  readonly partition: Partition;
  readonly run: LaunchedRun;
  readonly ended: Promise<Active>;
  end: RunEnd | undefined;
}

/**
 * Runs a job for many logical dates, a few at a time, each a run that can be gone on with by itself.
 * @throws the reason of the signal, once the runs that it stopped have ended
 */
export async function* backfill(ports: BackfillPorts, request: BackfillRequest): AsyncGenerator<BackfillEvent> {
  const { partitions, choice, maxParallel, signal } = request;
  const states: PartitionState[] = [];
  for (const partition of partitions) {
    signal.throwIfAborted();
    states.push((await ports.find(partition)).state);
  }
  const waiting = partitions.filter((_, index) => isChosen(choice, states[index] ?? 'missing'));
  const leftOut = states.filter((state) => isLeftOut(choice, state)).length;
  yield { type: 'backfill-planned', partitions: partitions.length, toRun: waiting.length, leftOut };
  for (const [index, partition] of partitions.entries()) {
    const state = states[index] ?? 'missing';
    if (!isChosen(choice, state)) yield { type: 'partition-passed', partition, state };
  }
  const active = new Set<Active>();
  const stop = () => {
    for (const { run } of active) run.stop(request.stopSignal?.());
  };
  signal.addEventListener('abort', stop, { once: true });
  try {
    while (active.size > 0 || (waiting.length > 0 && !signal.aborted)) {
      while (active.size < maxParallel && !signal.aborted) {
        const partition = waiting.shift();
        if (partition === undefined) break;
        active.add(start(ports.launcher, request, partition));
        yield { type: 'partition-started', partition };
      }
      await Promise.race([...active].map(({ ended }) => ended));
      for (const done of [...active]) {
        if (done.end === undefined) continue;
        active.delete(done);
        yield { type: 'partition-ended', partition: done.partition, end: done.end };
      }
    }
    for (const partition of waiting) yield { type: 'partition-left', partition };
  } finally {
    signal.removeEventListener('abort', stop);
    stop();
    // They have ended, but where nobody listens any more.
    await Promise.all([...active].map(({ ended }) => ended));
  }
  signal.throwIfAborted();
}

function start(launcher: Launcher, { specPath, job, options }: BackfillRequest, partition: Partition): Active {
  const { logicalDate } = partition;
  const run = launcher.launch({ specPath, job, logicalDate, trigger: 'backfill', options });
  const ended = run.ended.then((end) => Object.assign(active, { end }));
  const active: Active = { partition, run, ended, end: undefined };
  return active;
}
