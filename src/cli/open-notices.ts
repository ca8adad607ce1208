import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { ownStarter } from '../core/host.ts';
import type { DatedJob } from '../run/date-job.ts';
import { eventVersion, type RunEvent } from '../run/events.ts';
import type { JobSpec } from '../spec/job-spec.ts';
import type { LoadedSpec } from '../spec/load-spec.ts';
import type { Delivery, JobFacts, RunNotices } from '../telemetry/contract.ts';
import { newNotifier, newRunNotices } from './context.ts';
import type { Io } from './io.ts';
import { packageVersion } from './package-version.ts';
import { Patience } from './patience.ts';
import type { Reporter } from './reporter.ts';
import type { RunFlags } from './run-flags.ts';

export interface NoticesOf {
  readonly spec: LoadedSpec;
  readonly dated: DatedJob;
  readonly flags: Pick<RunFlags, 'notify' | 'verbose' | 'trigger'>;
  readonly reporter: Reporter;
  /** The interruption of the command. */
  readonly signal: AbortSignal;
}

/** Shows a run's events, and tells the job's targets how it went. */
export interface OpenNotices extends Disposable {
  readonly see: RunNotices['see'];
  readonly end: (failure: { readonly error: unknown } | undefined) => Promise<void>;
}

export async function openNotices(io: Io, { spec, dated, flags, reporter, signal }: NoticesOf): Promise<OpenNotices> {
  const { job } = dated;
  const { report } = reporter;
  if (job.notify === undefined || flags.notify === false)
    return { see: report, end: () => Promise.resolve(), [Symbol.dispose]: () => undefined };
  const patience = new Patience(signal);
  const onOutput = flags.verbose === true ? io.err : undefined;
  const notifier = await newNotifier(job.notify, { signal: patience.signal, folder: job.baseDir, onOutput });
  const notices = await newRunNotices(notifier, factsOf({ spec, dated, flags }));
  let runId = '';
  return {
    see: (event) => {
      runId = event.runId;
      report(event);
      notices.see(event);
    },
    end: async (failure) => {
      patience.begin();
      for (const delivery of await notices.end(failure)) {
        if (delivery.isDelivered) continue;
        report(failedNotice(delivery, { job: job.name, runId }));
      }
    },
    [Symbol.dispose]: () => patience[Symbol.dispose](),
  };
}

/** The event of a notice that did not arrive. */
export function failedNotice(
  { target, notice, answer }: Delivery,
  of: { readonly job: string; readonly runId: string },
): RunEvent {
  const base = { v: eventVersion, time: new Date().toISOString(), ...of } as const;
  return { ...base, type: 'notice-failed', target, notice, message: answer };
}

function factsOf({ spec, dated, flags }: Pick<NoticesOf, 'spec' | 'dated' | 'flags'>): JobFacts {
  const { logicalDate } = dated.date;
  const how = { logicalDate, startedBy: ownStarter(), trigger: flags.trigger ?? 'manual' };
  return { ...jobFacts(spec, dated.job), ...how };
}

/** What every notice of a job says. */
export function jobFacts(spec: LoadedSpec, job: JobSpec): JobFacts {
  return {
    job: job.name,
    specPath: resolve(spec.path),
    outputPath: resolve(job.baseDir, job.output.path),
    host: hostname(),
    nightshiftVersion: packageVersion(),
  };
}
