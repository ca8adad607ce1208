import type { Command } from 'commander';
import { runAction } from './action.ts';
import { withHelp } from './help-text.ts';
import type { NextFlags } from './show-next.ts';
import { addSetOption, addSpecArguments } from './spec-options.ts';

export function addScheduleNextCommand(group: Command): void {
  const command = group
    .command('next')
    .summary('show when jobs are due next')
    .description(
      `Shows when jobs are due next, in each job's zone, and what the change of the clocks does to it.
Without a job, all that have a schedule.`,
    );
  addSetOption(addSpecArguments(command))
    .option('-n, --count <n>', 'how many for each job', '10')
    .option('--from <date>', "from this date or instant on, in the job's zone; now if left out")
    .option('--json', 'print one JSON document')
    .action((spec: string, names: readonly string[], flags: NextFlags) =>
      runAction(flags, async (io) => {
        const { showNext } = await import('./show-next.ts');
        return showNext(io, { spec, names, flags });
      }),
    );
  withHelp(command, {
    examples: [
      ['nightshift schedule next', 'all jobs of jobs.yaml that have a schedule'],
      ['nightshift schedule next jobs.yaml late-flights -n 3', 'three dates of one job'],
      ['nightshift schedule next --from 2026-03-28', 'as the clocks change'],
      ['nightshift schedule next --set schedule.cron="0 4 * * MON-FRI"', 'with another schedule'],
      ['nightshift schedule next --json | jq .jobs[0].ticks[0].time', 'the next date, for a program'],
    ],
  });
}
