import { type Command, Option } from 'commander';
import { targetNames } from '../schedule/timer-target.ts';
import { runAction } from './action.ts';
import { withHelp } from './help-text.ts';
import type { ScheduleInstallFlags } from './schedule-install.ts';
import { addSpecArguments, stateFolderOption } from './spec-options.ts';

export function addScheduleInstallCommand(schedule: Command): void {
  const command = schedule
    .command('install')
    .summary('install the timers of a spec, so that its jobs run by themselves')
    .description(
      `Installs a timer for each job that has a schedule, or brings it up to date; a second time it changes nothing.
Each job has one timer: installed into another target, it is removed from the one before.`,
    );
  addSpecArguments(command)
    .addOption(
      new Option(
        '--target <target>',
        'systemd of your user, systemd of the system (root), or your crontab; auto: the first that is there',
      )
        .choices(['auto', ...targetNames])
        .default('auto'),
    )
    .option('-n, --dry-run', 'print what would change as a diff, and change nothing')
    .option('--json', 'print one JSON document')
    .addOption(stateFolderOption())
    .action((spec: string, names: readonly string[], flags: ScheduleInstallFlags) =>
      runAction(flags, async (io) => {
        const { scheduleInstall } = await import('./schedule-install.ts');
        return scheduleInstall(io, { spec, names, flags });
      }),
    );
  withHelp(command, {
    examples: [
      ['nightshift schedule install jobs.yaml', 'every job of the spec that has a schedule'],
      ['nightshift schedule install jobs.yaml late-flights --dry-run', 'the diff for one of them'],
      ['nightshift schedule install jobs.yaml --target cron', 'into the crontab'],
    ],
  });
}
