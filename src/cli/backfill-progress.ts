import { dateText } from '../run/date-job.ts';
import type { BackfillEvent } from '../schedule/backfill.ts';
import { countText } from './aligned.ts';
import { barPieces, fitted, type LineFrame, piece } from './bar-line.ts';
import { etaText } from './duration-text.ts';

const barWidth = 24;

/** How far a backfill is. */
export interface BackfillProgress {
  readonly toRun: number;
  readonly ended: number;
  readonly failed: number;
  /** Dates whose runs go on, as texts. */
  readonly goingOn: readonly string[];
  readonly startedMs: number;
}

export function backfillStarted(nowMs: number): BackfillProgress {
  return { toRun: 0, ended: 0, failed: 0, goingOn: [], startedMs: nowMs };
}

export function backfillAfter(state: BackfillProgress, event: BackfillEvent): BackfillProgress {
  switch (event.type) {
    case 'backfill-planned':
      return { ...state, toRun: event.toRun };
    case 'partition-started':
      return { ...state, goingOn: [...state.goingOn, dateText(event.partition.logicalDate)] };
    case 'partition-ended': {
      const date = dateText(event.partition.logicalDate);
      const failed = state.failed + (event.end.state === 'failed' ? 1 : 0);
      return { ...state, ended: state.ended + 1, failed, goingOn: state.goingOn.filter((other) => other !== date) };
    }
    default:
      return state;
  }
}

/** One line; the time left is told once a date is done. */
export function backfillBar(state: BackfillProgress, frame: LineFrame & { readonly nowMs: number }): string {
  const { toRun, ended, failed, goingOn, startedMs } = state;
  const fraction = toRun === 0 ? 0 : ended / toRun;
  const secondsLeft = ended === 0 ? undefined : ((frame.nowMs - startedMs) / 1000 / ended) * (toRun - ended);
  return fitted(
    [
      ...barPieces(fraction, barWidth),
      piece(`${countText(ended)} of ${countText(toRun)} dates`),
      piece(etaText(secondsLeft)),
      ...(failed === 0 ? [] : [piece(`${countText(failed)} failed`, 'yellow')]),
      piece(goingOn.join(', '), 'dim'),
    ],
    frame,
  );
}
