import { type Display, newDisplay, type Terminal, widthOf } from './display.ts';
import type { Io } from './io.ts';
import { progressLines } from './progress-text.ts';
import { isShown, type Reporter, type Verbosity } from './reporter.ts';
import { noProgress, progressAfter, type RunProgress } from './run-progress.ts';
import { runLines } from './run-text.ts';

export interface BarOptions {
  readonly stream: Terminal;
  readonly verbosity: Verbosity;
  readonly folder: string;
}

/** A display that moves at the foot of the terminal while what happens scrolls by above it. */
export function newBarReporter(io: Io, { stream, verbosity, folder }: BarOptions): Reporter {
  let state: RunProgress = noProgress;
  let display: Display | undefined;
  const show = (text: string) => {
    if (display === undefined) io.err(`${text}\n`);
    else display.log(text);
  };
  const end = () => {
    display?.end();
    display = undefined;
  };
  return {
    report: (event) => {
      state = progressAfter(state, event);
      if (event.type === 'run-published' || event.type === 'run-skipped') end();
      for (const line of runLines(event, { paint: io.paintErr, folder }))
        if (isShown(line.level, verbosity)) show(line.text);
      if (event.type === 'run-started') display = newDisplay(stream, () => linesNow(state, stream, io));
    },
    note: show,
    [Symbol.dispose]: end,
  };
}

function linesNow(state: RunProgress, stream: Terminal, io: Io): readonly string[] {
  return progressLines(state, { nowMs: Date.now(), width: widthOf(stream), paint: io.paintErr });
}
