import type { RunEvent } from '../run/events.ts';
import type { Level } from './run-text.ts';

/** Shows events of runs, one run after the other, as they happen. Disposing of it leaves the terminal as it was. */
export interface Reporter extends Disposable {
  readonly report: (event: RunEvent) => void;
  /** A line about the command rather than a run. */
  readonly note: (text: string) => void;
}

/** The least level that is shown. */
export type Verbosity = 'quiet' | 'normal' | 'verbose';

export function isShown(level: Level, verbosity: Verbosity): boolean {
  if (level === 'warning') return true;
  return level === 'info' ? verbosity !== 'quiet' : verbosity === 'verbose';
}
