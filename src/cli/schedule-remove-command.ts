import { Argument, type Command } from 'commander';
import { runAction } from './action.ts';
import { withHelp } from './help-text.ts';
import type { ScheduleRemoveFlags } from './schedule-remove.ts';
import { stateFolderOption } from './spec-options.ts';

export function addScheduleRemoveCommand(schedule: Command): void {
  const command = schedule
    .command('remove')
    .summary('remove the timers of a spec')
    .description(
      `Removes the timers of a spec, or of some of its jobs, wherever they are installed; the spec need not be there
any more. A run that goes on is not stopped, and what was published stays.`,
    )
    .addArgument(new Argument('[spec]', 'the job spec, as it was installed').default('jobs.yaml'))
    .argument('[jobs...]', 'jobs of the spec; all when none is named')
    .option('--all', 'remove every timer that nightshift installed for you, of whatever spec')
    .option('-n, --dry-run', 'print what would change as a diff, and change nothing')
    .option('--json', 'print one JSON document')
    .addOption(stateFolderOption())
    .action((spec: string, names: readonly string[], flags: ScheduleRemoveFlags) =>
      runAction(flags, async (io) => {
        const { scheduleRemove } = await import('./schedule-remove.ts');
        return scheduleRemove(io, { spec, names, flags, isNamed: command.args.length > 0 });
      }),
    );
  withHelp(command, {
    examples: [
      ['nightshift schedule remove jobs.yaml', 'all timers of a spec'],
      ['nightshift schedule remove jobs.yaml late-flights', 'that of one job'],
      ['nightshift schedule remove --all', 'everything that nightshift installed for you'],
    ],
  });
}
