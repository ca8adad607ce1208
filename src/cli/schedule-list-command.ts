import type { Command } from 'commander';
import { runAction } from './action.ts';
import { withHelp } from './help-text.ts';

export function addScheduleListCommand(schedule: Command): void {
  const command = schedule
    .command('list')
    .summary('list the timers that are installed, and what they no longer agree with')
    .description('Lists the timers that nightshift installed for you, as they really are in systemd and the crontab.')
    .option('--json', 'print one JSON document')
    .action((flags: { readonly json?: boolean }) =>
      runAction(flags, async (io) => {
        const { scheduleList } = await import('./schedule-list.ts');
        return scheduleList(io, flags);
      }),
    );
  withHelp(command, {
    examples: [
      ['nightshift schedule list', 'job, spec, target, schedule, next run'],
      ['nightshift schedule list --json | jq .timers', 'the same for a script'],
    ],
  });
}
