import { type Command, Option } from 'commander';
import { defaultStateFolder } from '../core/host.ts';
import type { WrittenOverride } from '../spec/override.ts';

/** What `run`, `plan` and `validate` understand alike. */
export interface SpecFlags {
  readonly set?: readonly string[];
  readonly workers?: string;
  readonly batchSize?: string;
  readonly batchTokens?: string;
  readonly limit?: string;
  readonly maxRejected?: string;
  readonly json?: boolean;
}

export function addSpecArguments(command: Command): Command {
  return command
    .argument('[spec]', 'the job spec', 'jobs.yaml')
    .argument('[jobs...]', 'jobs of the spec; all, in order, when none is named');
}

/** Options that change what the spec says; each is a setting of the same name with a shorter path. */
export function addSpecOptions(command: Command): Command {
  return addSetOption(command)
    .option('--workers <n>', 'worker processes on each device (execution.workersPerDevice)')
    .option('--batch-size <rows>', 'rows of one session call, or auto (execution.batchSize)')
    .option('--batch-tokens <n>', 'tokens of one session call on texts, or auto (execution.batchTokens)')
    .option('--limit <rows>', 'score only the first rows (input.limit)')
    .option('--max-rejected <n|p%>', 'publish although so many rows were rejected (errors.maxRejected)');
}

export function dateOption(): Option {
  return new Option(
    '--date <date>',
    "what the run is for, in the job's zone: 2026-11-23, 2026-11-23T02:30, today, yesterday; now if left out",
  );
}

export function addSetOption(command: Command): Command {
  return command.option(
    '--set <path=value>',
    'override a setting of the spec: a map is merged into what is there, all else replaces it; can be given several times',
    collect,
  );
}

export function stateFolderOption(): Option {
  return new Option(
    '--state-dir <folder>',
    'folder for run history; what a run needs to go on lies beside its output, not here',
  ).default(defaultStateFolder(), '$XDG_STATE_HOME/nightshift');
}

/** The overrides that the options stand for; an option of its own wins over `--set`. */
export function overridesOf(flags: SpecFlags): readonly WrittenOverride[] {
  const shorthands = [
    ['--workers', 'execution.workersPerDevice', flags.workers],
    ['--batch-size', 'execution.batchSize', flags.batchSize],
    ['--batch-tokens', 'execution.batchTokens', flags.batchTokens],
    ['--limit', 'input.limit', flags.limit],
    ['--max-rejected', 'errors.maxRejected', flags.maxRejected],
  ] as const;
  return [
    ...(flags.set ?? []),
    ...shorthands.flatMap(([option, path, value]) =>
      value === undefined ? [] : [{ option, assignment: `${path}=${value}` }],
    ),
  ];
}

export function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}
