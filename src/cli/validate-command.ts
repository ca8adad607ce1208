import type { Command } from 'commander';
import { runAction } from './action.ts';
import { withHelp } from './help-text.ts';
import { addSpecArguments, addSpecOptions, type SpecFlags } from './spec-options.ts';

export function addValidateCommand(program: Command): void {
  const command = program
    .command('validate')
    .summary('check a spec against its models and data, without scoring')
    .description(
      `Checks a spec, and how its jobs fit their models and data, without scoring a row; for CI.
All jobs are checked; the exit code is that of the first that is wrong.`,
    );
  addSpecOptions(addSpecArguments(command))
    .option('--json', 'print one JSON document')
    .action((spec: string, names: readonly string[], flags: SpecFlags) =>
      runAction(flags, async (io) => {
        const { validateJobs } = await import('./validate-jobs.ts');
        return validateJobs(io, { spec, names, flags });
      }),
    );
  withHelp(command, {
    examples: [
      ['nightshift validate', 'all jobs of jobs.yaml'],
      ['nightshift validate nightly.yaml digits', 'one job of another spec'],
      ['nightshift validate --json', 'one JSON document, for a program'],
    ],
  });
}
