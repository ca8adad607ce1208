import cliProgress from 'cli-progress';
import type { Io } from './io.ts';
import { progressLines } from './progress-text.ts';
import { isShown, type Reporter, type Verbosity } from './reporter.ts';
import { noProgress, progressAfter, type RunProgress } from './run-progress.ts';
import { runLines } from './run-text.ts';

const framesPerSecond = 10;
const usualWidth = 80;
/** Bars must not wrap, text must; and a line of text is written over an old bar. */
const wrapOn = '\u001B[?7h';
const wrapOff = '\u001B[?7l';
const clearRest = '\u001B[K';

/** A terminal that lines can be moved in. */
type Terminal = NodeJS.WritableStream & { readonly columns?: number };

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
  // Some terminals say 0 columns until they are sized.
  const width = stream.columns === undefined || stream.columns === 0 ? usualWidth : stream.columns;
  return progressLines(state, { nowMs: Date.now(), width, paint: io.paintErr });
}

interface Display {
  readonly log: (text: string) => void;
  /** Takes the lines away and gives the cursor back. */
  readonly end: () => void;
}

function newDisplay(stream: Terminal, lines: () => readonly string[]): Display {
  const bars = new cliProgress.MultiBar({
    stream,
    fps: framesPerSecond,
    hideCursor: true,
    clearOnComplete: true,
    linewrap: false,
    // A log line moves the bars down, where nothing is drawn yet.
    forceRedraw: true,
    format: (_options, _params, payload: { readonly line: number }) => lines()[payload.line] ?? '',
  });
  const shown: cliProgress.SingleBar[] = [];
  const grow = () => {
    while (shown.length < lines().length) shown.push(bars.create(1, 0, { line: shown.length }));
  };
  grow();
  bars.on('update-pre', grow);
  // However the process ends, the cursor has to come back.
  const stop = () => bars.stop();
  process.once('exit', stop);
  return {
    log: (text) => bars.log(`${wrapOn}${text}${clearRest}\n${wrapOff}`),
    end: () => {
      bars.update();
      process.off('exit', stop);
      stop();
    },
  };
}
