import { type Command, Option } from 'commander';
import { partitionUnits } from '../schedule/partition-dates.ts';
import { runAction } from './action.ts';
import type { BackfillFlags } from './backfill-flags.ts';
import { exitCodesHelp, withHelp } from './help-text.ts';
import { addSetOption, stateFolderOption } from './spec-options.ts';

export function addBackfillCommand(program: Command): void {
  const command = program
    .command('backfill')
    .summary('run a job for each day, hour or month of a range')
    .description(
      `Runs a job once for each day, hour or month of a range, both ends counted; each is a run that can be gone on with.
What is published already is passed over, so a backfill that was stopped is finished by the same command.`,
    )
    .argument('[spec]', 'the job spec; may be left out where it is jobs.yaml', 'jobs.yaml')
    .argument('[job]', 'the job; may be left out where the spec has one')
    .option('--from <date>', "the first date, like 2026-09-01 or 2026-09, in the job's zone")
    .option('--to <date>', 'the last date, which counts')
    .addOption(new Option('--every <unit>', 'what a run is for').choices(partitionUnits).default('day'))
    .option('--max-parallel <n>', 'runs at a time, which share the cores', '2')
    .addOption(new Option('--only-missing', 'run what is not published, the default').conflicts(['failed', 'all']))
    .addOption(new Option('--failed', 'run what is not published and failed last time').conflicts('all'))
    .option('--all', 'run what is published, too, and replace it')
    .option('--reverse', 'begin with the last date')
    .option('-n, --dry-run', 'show what would be run')
    .option('--max-rejected <n|p%>', 'publish although so many rows were rejected (errors.maxRejected)')
    .option('--no-notify', 'send no notices')
    .option('--json', 'print events as NDJSON on stdout')
    .option('-q, --quiet', 'print the table and errors only')
    .addOption(stateFolderOption());
  addSetOption(command).action((spec: string, job: string | undefined, flags: BackfillFlags) =>
    runAction(flags, async (io) => {
      const { backfillJob } = await import('./backfill-job.ts');
      return backfillJob(io, { spec, job, flags });
    }),
  );
  withHelp(command, {
    examples: [
      ['nightshift backfill late-flights --from 2026-09-01 --to 2026-11-29', 'ninety days of a job of jobs.yaml'],
      ['nightshift backfill jobs.yaml late-flights --from 2026-11 --to 2026-11 --dry-run', 'what a month would take'],
      ['nightshift backfill late-flights --from 2026-11-01 --to yesterday --failed', 'what failed, once more'],
      ['nightshift backfill late-flights --from 2026-01 --to 2026-06 --every month --all', 'scored again and replaced'],
    ],
    more: exitCodesHelp,
  });
}
