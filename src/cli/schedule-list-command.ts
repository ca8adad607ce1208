import type { Command } from 'commander';
import { runAction } from './action.ts';
import { withHelp } from './help-text.ts';
import type { ScheduleListFlags } from './schedule-list.ts';
import { stateFolderOption } from './spec-options.ts';

export function addScheduleListCommand(schedule: Command): void {
  const command = schedule
    .command('list')
    .summary('list the timers that are installed, and what they no longer agree with')
    .description('Lists the timers that nightshift installed for you, as they really are in systemd and the crontab.')
    .option('--json', 'print one JSON document')
    .addOption(stateFolderOption())
    .action((flags: ScheduleListFlags) =>
      runAction(flags, async (io) => {
        const { scheduleList } = await import('./schedule-list.ts');
        return scheduleList(io, flags);
      }),
    );
  withHelp(command, {
    examples: [
      ['nightshift schedule list', 'job, spec, target, schedule, next and last run'],
      ['nightshift schedule list --json | jq .timers', 'the same for a script'],
    ],
  });
}
