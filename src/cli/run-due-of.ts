import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { AppError } from '../core/errors.ts';
import type { History } from '../history/contract.ts';
import { type DueDecision, decideDue } from '../schedule/due.ts';
import type { DueEvent } from '../schedule/due-event.ts';
import { type LedgerOptions, newHistoryLedger, readTicks } from '../schedule/history-ledger.ts';
import { runDue } from '../schedule/run-due.ts';
import { tickDigest } from '../schedule/tick-digest.ts';
import type { JobSpec, ScheduleSpec } from '../spec/job-spec.ts';
import type { LoadedSpec } from '../spec/load-spec.ts';
import type { Delivery } from '../telemetry/contract.ts';
import { findHistory, holdTimer, newNotifier, newRunLauncher, openHistory } from './context.ts';
import { Interruption } from './interruption.ts';
import type { Io } from './io.ts';
import { newRecorder } from './new-recorder.ts';
import { jobFacts } from './open-notices.ts';
import { openSpec } from './open-spec.ts';
import { parseDuration } from './parse-duration.ts';
import { Patience } from './patience.ts';
import { dueEventJson, dueLine } from './run-due-text.ts';
import { type ScheduledJob, scheduledJobs } from './scheduled-jobs.ts';
import { tellSpecFailure } from './tell-spec-failure.ts';
import { warnOfZone } from './warn-of-zone.ts';

export interface RunDueFlags {
  readonly jitter?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
  readonly stateDir: string;
}

interface RunDueRequest {
  readonly spec: string;
  readonly name: string;
  readonly flags: RunDueFlags;
}

/** What a timer calls. @returns the exit code: that of the last run that failed */
export async function runDueOf(io: Io, { spec: path, name, flags }: RunDueRequest): Promise<number> {
  const jitterMs = flags.jitter === undefined ? 0 : parseDuration('--jitter', flags.jitter);
  const stateFolder = resolve(flags.stateDir);
  const key = { specPath: resolve(path), job: name };
  const { spec, job } = await openJob(io, { spec: path, name, flags });
  const { schedule, rule } = job;
  warnOfZone(io, [job]);
  const look = { job: name, timeZone: rule.timeZone };
  const tell = (event: DueEvent) => {
    if (flags.json === true) io.out(`${JSON.stringify(dueEventJson(event, look))}\n`);
    else io.err(`${dueLine(event, { ...look, paint: io.paintErr })}\n`);
  };
  const ticksOf = { key, rule, digest: tickDigest(schedule) };
  if (flags.dryRun === true) {
    // Who looks leaves nothing behind, and may look while another goes on.
    using found = await findHistory(stateFolder);
    return showDue({ schedule, jitterMs, history: found, ticksOf, tell });
  }
  using hold = holdTimer(stateFolder, key);
  if (hold === undefined) {
    io.err(`${name}: another \`schedule run-due\` of it goes on, and sees to what is due\n`);
    return 0;
  }
  using history = await openHistory(stateFolder);
  const ledger = newHistoryLedger(history, ticksOf);
  using interruption = new Interruption({ hint: 'the timer goes on with it, or the same command' });
  const ports = {
    ledger,
    launcher: await newRunLauncher('inherit'),
    nowMs: Date.now,
    elapsedMs: () => performance.now(),
  };
  const { signal } = interruption;
  const machine = hostname();
  const options = ['--state-dir', stateFolder];
  const missed: DueDecision[] = [];
  let exitCode = 0;
  try {
    for await (const event of runDue(ports, { ...key, schedule, jitterMs, machine, signal, options })) {
      if (event.type === 'run-ended' && isFailure(event)) exitCode = event.end.exitCode;
      if (event.type === 'tick-decided' && event.action === 'missed') missed.push(event);
      tell(event);
    }
  } finally {
    await tellMissed(io, { spec, job, missed, signal });
  }
  return exitCode;
}

/** One that gave way to a newer run did what concurrencyPolicy asks for. */
function isFailure({ end, stopped }: Extract<DueEvent, { readonly type: 'run-ended' }>): boolean {
  return end.exitCode !== 0 && stopped?.by !== 'newer';
}

interface OpenedJob {
  readonly spec: LoadedSpec;
  readonly job: ScheduledJob;
}

/** A spec that was broken since the timer was installed is a run that failed: the history shows it. */
async function openJob(io: Io, { spec: path, name, flags }: RunDueRequest): Promise<OpenedJob> {
  try {
    const spec = await openSpec({ spec: path, names: [name], flags: {} });
    const [job] = scheduledJobs(spec, [name]);
    if (job === undefined) throw new AppError('USAGE', `${path} has no job ${name}`);
    return { spec, job };
  } catch (error) {
    // Who looks leaves nothing behind, and tells nobody.
    if (flags.dryRun === true) throw error;
    const reporter = {
      report: () => undefined,
      note: (text: string) => io.err(`${text}\n`),
      [Symbol.dispose]: () => undefined,
    };
    const recorder = newRecorder({ stateDir: flags.stateDir, trigger: 'schedule' }, reporter);
    await recorder?.begin({ job: name, specPath: resolve(path) }).end({ error });
    const trigger = 'schedule';
    showUndelivered(io, name, await tellSpecFailure(io, { spec: path, job: name, flags: { trigger }, error }));
    throw error;
  }
}

interface Look {
  readonly schedule: ScheduleSpec;
  readonly jitterMs: number;
  readonly history: History | undefined;
  readonly ticksOf: LedgerOptions;
  readonly tell: (event: DueEvent) => void;
}

/** What would be done now; nothing is decided by it. */
function showDue({ schedule, jitterMs, history, ticksOf, tell }: Look): number {
  const nowMs = Date.now();
  const { sinceMs, settled, isPaused, notes } = readTicks(history, ticksOf, nowMs);
  const due = decideDue({
    schedule: { ...schedule, jitterMs: Math.max(schedule.jitterMs, jitterMs) },
    ...{ nowMs, sinceMs, decided: settled, isPaused, running: [] },
  });
  for (const message of [...notes, ...due.warnings]) tell({ type: 'note', message });
  if (due.more !== undefined) tell({ type: 'ticks-decided', ...due.more });
  for (const decision of due.decisions) tell({ type: 'tick-decided', ...decision });
  if (due.decisions.length === 0) tell({ type: 'nothing-due', nextTickMs: due.nextTickMs });
  return 0;
}

interface Missed {
  readonly spec: LoadedSpec;
  readonly job: JobSpec;
  readonly missed: readonly DueDecision[];
  readonly signal: AbortSignal;
}

async function tellMissed(io: Io, { spec, job, missed, signal }: Missed): Promise<void> {
  const [first] = missed;
  if (first === undefined || job.notify === undefined) return;
  using patience = new Patience(signal);
  patience.begin();
  const notifier = await newNotifier(job.notify, { signal: patience.signal, folder: job.baseDir, onOutput: undefined });
  const ticks = missed.map(({ logicalDate }) => logicalDate);
  const notice = { v: 1, type: 'run-missed', ...jobFacts(spec, job), ticks, reason: first.reason } as const;
  showUndelivered(io, job.name, await notifier.missed(notice));
}

function showUndelivered(io: Io, job: string, deliveries: readonly Delivery[]): void {
  for (const { isDelivered, target, answer } of deliveries)
    if (!isDelivered) io.err(`${job}  ${io.paintErr('yellow', 'warning:')} no notice to ${target}: ${answer}\n`);
}
