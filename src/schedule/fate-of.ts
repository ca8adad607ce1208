import type { RunEnd } from './launcher.ts';
import type { TickOutcome } from './tick-ledger.ts';

/** Why a run was stopped, and by whom. */
export interface Stopped {
  readonly by: 'signal' | 'deadline' | 'newer';
  readonly reason: string;
}

/** What is written of a tick whose run has ended; or why it is as due as before. */
export function fateOf(end: RunEnd, stopped: Stopped | undefined): Pick<TickOutcome, 'runId' | 'reason'> | string {
  const { state, runId, exitCode, message } = end;
  if (state === 'published' || state === 'skipped') return { runId, reason: state };
  if (stopped !== undefined && stopped.by !== 'signal') return { runId, reason: stopped.reason };
  if (state === 'interrupted') return 'its run was interrupted';
  if (exitCode === 75) return 'its output was held';
  return { runId, reason: `exit code ${exitCode}${message === undefined ? '' : `: ${message}`}` };
}
