import { resolve } from 'node:path';
import { ownIdentity, ownStarter } from '../core/host.ts';
import { hasSqlite } from '../core/sqlite.ts';
import type { DatedJob } from '../run/date-job.ts';
import { eventVersion } from '../run/events.ts';
import { newRunId } from '../run/open-run.ts';
import type { LoadedSpec } from '../spec/load-spec.ts';
import { newPorts, openHistory } from './context.ts';
import { packageVersion } from './package-version.ts';
import type { Reporter } from './reporter.ts';
import type { RunFlags } from './run-flags.ts';
import { type RecordedJob, RunRecorder } from './run-recorder.ts';

/** A run waits so long, once, for another process that writes; such a thing takes milliseconds. */
const busyTimeoutMs = 2000;

/** What records the runs of this process; nothing does with `--no-history`, or where Node has no SQLite. */
export function newRecorder(flags: RunFlags, reporter: Reporter): RunRecorder | undefined {
  if (flags.history === false || !hasSqlite()) return undefined;
  return new RunRecorder({
    openHistory: () => openHistory(resolve(flags.stateDir), { busyTimeoutMs, leavesJournal: true }),
    process: { ...ownIdentity(), startedBy: ownStarter(), nightshiftVersion: packageVersion() },
    trigger: flags.trigger ?? 'manual',
    nowMs: Date.now,
    newRunId: () => newRunId(newPorts()),
    onFailure: ({ code, message }, where) =>
      reporter.report({
        v: eventVersion,
        time: new Date().toISOString(),
        ...where,
        type: 'warning',
        code,
        message: `${message}; the run goes on without being recorded`,
      }),
  });
}

export function recordedJob({ path, baseDir }: LoadedSpec, { job, date }: DatedJob): RecordedJob {
  return {
    job: job.name,
    specPath: resolve(path),
    outputPath: resolve(baseDir, job.output.path),
    modelPath: resolve(baseDir, job.model.path),
    logicalDate: date.logicalDate,
  };
}
