import type { Command } from 'commander';
import { runAction } from './action.ts';
import { withHelp } from './help-text.ts';
import type { PlanFlags } from './show-plans.ts';
import { addSpecArguments, addSpecOptions, dateOption } from './spec-options.ts';

export function addPlanCommand(program: Command): void {
  const command = program
    .command('plan')
    .summary('show what a run would do, touching nothing')
    .description(
      `Shows what a run would do, touching nothing: inputs, shards, model, features, output, workers and memory.
Of each shard it says whether it would run, and why: what an unfinished run has committed is not scored again.
Ends with the error and exit code that a run would meet before its first batch, if any.`,
    );
  addSpecOptions(addSpecArguments(command))
    .addOption(dateOption())
    .option('--json', 'print one JSON document')
    .option('-v, --verbose', 'tell of every shard whether it would run, and why')
    .action((spec: string, names: readonly string[], flags: PlanFlags) =>
      runAction(flags, async (io) => {
        const { showPlans } = await import('./show-plans.ts');
        return showPlans(io, { spec, names, flags });
      }),
    );
  withHelp(command, {
    examples: [
      ['nightshift plan', 'all jobs of jobs.yaml'],
      ['nightshift plan jobs.yaml late-flights', 'one of them'],
      ['nightshift plan --verbose', 'with a line for each shard: does it run, and why'],
      ['nightshift plan --date 2026-11-23', 'what a run for that day would read and write'],
      ['nightshift plan --json | jq .jobs[0].shards', 'a part of it, for a program'],
    ],
  });
}
