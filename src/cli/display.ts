import cliProgress from 'cli-progress';

const framesPerSecond = 10;
const usualWidth = 80;
/** Bars must not wrap, text must; and a line of text is written over an old bar. */
const wrapOn = '\u001B[?7h';
const wrapOff = '\u001B[?7l';
const clearRest = '\u001B[K';

/** A terminal that lines can be moved in. */
export type Terminal = NodeJS.WritableStream & { readonly columns?: number };

/** Some terminals say 0 columns until they are sized. */
export function widthOf({ columns }: Terminal): number {
  return columns === undefined || columns === 0 ? usualWidth : columns;
}

/** Lines that change at the foot of a terminal while text scrolls by above them. */
export interface Display {
  readonly log: (text: string) => void;
  /** Takes the lines away and gives the cursor back. */
  readonly end: () => void;
}

export function newDisplay(stream: Terminal, lines: () => readonly string[]): Display {
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
