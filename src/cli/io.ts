import { environment } from '../core/host.ts';

/** Where a command writes: results on stdout, everything else on stderr. */
export interface Io {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Whether somebody watches stderr, so that a bar may move and colours help. */
  readonly isWatched: boolean;
}

export function processIo(): Io {
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    isWatched: process.stderr.isTTY === true && environment()['TERM'] !== 'dumb',
  };
}
