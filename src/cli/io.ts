import { environment } from '../core/host.ts';
import { newPaint, type Paint, wantsColour } from './colour.ts';

/** Where a command writes: results on stdout, everything else on stderr. */
export interface Io {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Whether somebody watches stderr, so that a bar may move. */
  readonly isWatched: boolean;
  /** Whether stdout is a terminal, too. */
  readonly isOutWatched: boolean;
  /** Colours for stdout, where they are wanted. */
  readonly paintOut: Paint;
  /** Colours for stderr, where they are wanted. */
  readonly paintErr: Paint;
}

export function processIo(): Io {
  const env = environment();
  const isTerminal = (stream: NodeJS.WriteStream) => stream.isTTY === true && env['TERM'] !== 'dumb';
  const paintFor = (stream: NodeJS.WriteStream) =>
    newPaint(wantsColour({ args: process.argv, env, isTerminal: isTerminal(stream) }));
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    isWatched: isTerminal(process.stderr),
    isOutWatched: isTerminal(process.stdout),
    paintOut: paintFor(process.stdout),
    paintErr: paintFor(process.stderr),
  };
}
