import { systemCode } from '../core/files.ts';

/** What shells report for a process that SIGPIPE ended: 128 + 13. Node ignores the signal, so this keeps its word. */
export const lostReaderExitCode = 141;

let onLost: () => void = () => process.exit(lostReaderExitCode);

/**
 * Lets `nightshift … | head -1` end in silence: whoever closed stdout wants nothing more.
 * A stderr that goes away is no reason to stop: predictions do not depend on who watches.
 */
export function watchStreams(): void {
  process.stdout.on('error', (error) => {
    if (systemCode(error) !== 'EPIPE') throw error;
    onLost();
  });
  process.stderr.on('error', () => undefined);
}

/** What to do instead of leaving at once when nobody reads stdout any more, until it is disposed of. */
export function onLostReader(stop: () => void): Disposable {
  const before = onLost;
  onLost = stop;
  return {
    [Symbol.dispose]: () => {
      onLost = before;
    },
  };
}
