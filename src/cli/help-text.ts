import type { Command } from 'commander';

export interface HelpText {
  /** Each a command line and what it does. */
  readonly examples: readonly (readonly [command: string, meaning: string])[];
  /** A section of its own, after the examples. */
  readonly more?: string;
}

export const exitCodesHelp = `Exit codes:
  0    all was done: predictions are published, the spec is valid
  1    a bug in nightshift
  2    the command line or the job spec is wrong
  3    it ran, but nothing was published: failed shards or checks, too many rejects
  4    the model, input, device, disk or a permission is not as it must be
  75   try again later: another run holds the output
  129, 130, 143
       stopped by SIGHUP, SIGINT (Ctrl-C), SIGTERM; the same command goes on
  142  stopped by its timer, after schedule.activeDeadline
  141  nobody reads the output any more (a closed pipe)`;

/** Adds examples, and what else there is to say, below a command's generated help. */
export function withHelp(command: Command, { examples, more }: HelpText): Command {
  const width = Math.max(...examples.map(([line]) => line.length));
  // A meaning that does not fit beside the longest command goes under its own.
  const isNarrow = width > 50;
  const lines = examples.map(([line, meaning]) =>
    isNarrow ? `  ${line}\n      ${meaning}` : `  ${line.padEnd(width)}  ${meaning}`,
  );
  const sections = ['', 'Examples:', ...lines, ...(more === undefined ? [] : ['', more])];
  return command.addHelpText('after', sections.join('\n'));
}
