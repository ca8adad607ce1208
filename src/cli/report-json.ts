import type { Io } from './io.ts';
import type { Reporter } from './reporter.ts';

/** Events as NDJSON on stdout, and nothing else there. */
export function newJsonReporter(io: Io): Reporter {
  return {
    report: (event) => io.out(`${JSON.stringify(event)}\n`),
    note: (text) => io.err(`${text}\n`),
    [Symbol.dispose]: () => undefined,
  };
}
