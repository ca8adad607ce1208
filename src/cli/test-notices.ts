import { AppError } from '../core/errors.ts';
import type { Delivery, JobFacts, MissedNotice, RunNotice } from '../telemetry/contract.ts';
import { aligned } from './aligned.ts';
import { chooseJobs } from './choose-jobs.ts';
import { newNotifier } from './context.ts';
import { Interruption } from './interruption.ts';
import type { Io } from './io.ts';
import { jobFacts } from './open-notices.ts';
import { openSpec } from './open-spec.ts';

export interface NotifyTestFlags {
  readonly event: 'failure' | 'success' | 'missed';
  readonly json?: boolean;
}

export interface TestRequest {
  readonly spec: string;
  readonly name: string;
  readonly flags: NotifyTestFlags;
}

/** @returns the exit code: 4 when a target did not take it */
export async function testNotices(io: Io, { spec: path, name, flags }: TestRequest): Promise<number> {
  const spec = await openSpec({ spec: path, names: [name], flags: {} });
  using interruption = new Interruption();
  const { signal } = interruption;
  const [job] = chooseJobs(spec, [name]);
  if (job?.notify === undefined) throw nobodyToTell(name, flags);
  const notifier = await newNotifier(job.notify, { signal, folder: job.baseDir, onOutput: io.err });
  const facts = jobFacts(spec, job);
  const deliveries =
    flags.event === 'missed'
      ? await notifier.missed(missedNotice(facts))
      : await notifier.ended(runNotice(facts, flags.event));
  signal.throwIfAborted();
  if (deliveries.length === 0) throw nobodyToTell(name, flags);
  io.out(flags.json === true ? deliveriesJson(name, deliveries) : deliveriesText(io, deliveries));
  return deliveries.every(({ isDelivered }) => isDelivered) ? 0 : 4;
}

function nobodyToTell(job: string, { event }: NotifyTestFlags): AppError {
  const key = { failure: 'onFailure', success: 'onSuccess', missed: 'onMissed' }[event];
  return new AppError('USAGE', `job ${job} tells nobody of this: it has no notify.${key}`, {
    hint: `write for example \`notify: { ${key}: { command: ./alert.sh } }\` under it`,
  });
}

const testRows = { in: 0, out: 0, rejected: 0, filtered: 0 };
const exitCodeOfTest = 3;

function runNotice(facts: JobFacts, event: 'failure' | 'success'): RunNotice {
  const time = new Date().toISOString();
  const shared = { v: 1, test: true, ...facts, startedAt: time, endedAt: time, durationSeconds: 0 } as const;
  if (event === 'success') return { type: 'run-succeeded', ...shared, exitCode: 0, rows: testRows };
  const error = { code: 'SHARDS_FAILED', message: 'this is a test, nothing failed', hint: 'nothing is to be done' };
  return { type: 'run-failed', ...shared, exitCode: exitCodeOfTest, error };
}

function missedNotice({ job, specPath, outputPath, host, nightshiftVersion }: JobFacts): MissedNotice {
  const facts = { job, specPath, outputPath, host, nightshiftVersion };
  const ticks = [new Date().toISOString()];
  return { type: 'run-missed', v: 1, test: true, ...facts, ticks, reason: 'this is a test, nothing was missed' };
}

function deliveriesJson(job: string, deliveries: readonly Delivery[]): string {
  const targets = deliveries.map(({ target, notice, isDelivered, answer }) => ({
    target,
    notice,
    delivered: isDelivered,
    answer,
  }));
  return `${JSON.stringify({ v: 1, job, test: true, targets }, undefined, 2)}\n`;
}

function deliveriesText(io: Io, deliveries: readonly Delivery[]): string {
  const { paintOut } = io;
  return aligned(
    deliveries.map(({ target, isDelivered, answer }) => [
      isDelivered ? paintOut('green', 'ok') : paintOut('red', 'FAILED'),
      target,
      answer,
    ]),
    { indent: 0 },
  );
}
