import { environment } from '../core/host.ts';
import { knownMachineZone } from '../core/zoned-date.ts';
import type { JobSpec } from '../spec/job-spec.ts';
import type { Io } from './io.ts';

/** A zone that is mistyped in TZ is UTC without a word: jobs that say none of their own would run at other times. */
export function warnOfZone(io: Io, jobs: readonly Pick<JobSpec, 'schedule'>[]): void {
  const written = environment()['TZ'] ?? '';
  if (written === '' || knownMachineZone() !== undefined) return;
  if (jobs.every(({ schedule }) => schedule?.timeZone !== undefined)) return;
  const shown = JSON.stringify(written);
  io.err(`${io.paintErr('yellow', 'warning:')} TZ is ${shown}, which names no time zone; UTC is taken\n`);
}
