import type { Io } from './io.ts';
import { newBarReporter } from './report-bar.ts';
import { newJsonReporter } from './report-json.ts';
import { newLineReporter } from './report-lines.ts';
import type { Reporter, Verbosity } from './reporter.ts';

export interface ReporterFlags {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
}

/** What shows a run: events for programs, a bar where somebody watches, else lines. */
export function chooseReporter(io: Io, flags: ReporterFlags): Reporter {
  if (flags.json === true) return newJsonReporter(io);
  const verbosity: Verbosity = flags.quiet === true ? 'quiet' : flags.verbose === true ? 'verbose' : 'normal';
  const options = { verbosity, folder: process.cwd() };
  if (!io.isWatched || verbosity === 'quiet') return newLineReporter(io, options);
  return newBarReporter(io, { ...options, stream: process.stderr });
}
