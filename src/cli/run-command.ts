import { type Command, Option } from 'commander';
import type { Trigger } from '../history/contract.ts';
import { runAction } from './action.ts';
import { exitCodesHelp, withHelp } from './help-text.ts';
import type { RunFlags } from './run-flags.ts';
import { addSpecArguments, addSpecOptions, dateOption, stateFolderOption } from './spec-options.ts';

const triggers = ['manual', 'schedule', 'backfill'] as const satisfies Trigger[];

export function addRunCommand(program: Command): void {
  const command = program
    .command('run')
    .summary('score the jobs of a spec and publish their predictions')
    .description(
      `Scores the jobs of a spec, one after the other, and publishes their predictions.
A run that was stopped or killed goes on where it was when the same command runs again.`,
    );
  addSpecOptions(addSpecArguments(command))
    .option('-n, --dry-run', 'show what would be done, like `plan`')
    .option('--restart', 'discard an unfinished run and score everything anew')
    .addOption(
      new Option('--resume <run>', 'go on with this unfinished run, or fail; for one job').conflicts('restart'),
    )
    .addOption(dateOption())
    .option('--wait <duration>', 'wait so long (30s, 10m, 1h) for each output that another run holds')
    .option('-k, --keep-going', 'when a job fails, go on with the next; the exit code is that of the first')
    .option('--no-notify', 'tell nobody how the runs end (notify)')
    .option('--json', 'print events as NDJSON on stdout')
    .option('-q, --quiet', 'print errors and warnings only')
    .option('-v, --verbose', 'print every shard and worker')
    .addOption(stateFolderOption())
    .option('--no-history', 'do not record the run in the history')
    // For what runs jobs on its own; a person has no use for it.
    .addOption(new Option('--share <n>', 'of how many runs at a time this is one').hideHelp())
    .addOption(new Option('--trigger <trigger>', 'why the run is begun').choices(triggers).hideHelp())
    .action((spec: string, names: readonly string[], flags: RunFlags) =>
      runAction(flags, async (io) => {
        if (flags.dryRun === true) {
          const { showPlans } = await import('./show-plans.ts');
          return showPlans(io, { spec, names, flags });
        }
        const { runJobs } = await import('./run-jobs.ts');
        return runJobs(io, { spec, names, flags });
      }),
    );
  withHelp(command, {
    examples: [
      ['nightshift run', 'all jobs of jobs.yaml'],
      ['nightshift run jobs.yaml late-flights', 'one of them'],
      ['nightshift run --limit 1000 --dry-run', 'what a run of the first rows would do'],
      ['nightshift run --set execution.shardRows=50000', 'with another setting'],
      ['nightshift run jobs.yaml late-flights --resume 20261124T023000Z-1f9c2a', 'that unfinished run, or an error'],
      ['nightshift run --date yesterday', 'for the day before: templates of the spec are filled with that date'],
      ['nightshift run --wait 10m', 'rather wait than exit 75 while another run holds an output'],
      ['nightshift run --json | jq .type', 'events for a program'],
    ],
    more: exitCodesHelp,
  });
}
