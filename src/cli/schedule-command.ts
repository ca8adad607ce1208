import type { Command } from 'commander';
import { withHelp } from './help-text.ts';
import { addScheduleInstallCommand } from './schedule-install-command.ts';
import { addScheduleListCommand } from './schedule-list-command.ts';
import { addScheduleNextCommand } from './schedule-next-command.ts';
import { addSchedulePauseCommand } from './schedule-pause-command.ts';
import { addScheduleRemoveCommand } from './schedule-remove-command.ts';
import { addScheduleRunDueCommand } from './schedule-run-due-command.ts';
import { addScheduleSimulateCommand } from './schedule-simulate-command.ts';
import { addScheduleStatusCommand } from './schedule-status-command.ts';

/** The group; each of its commands has a file of its own. */
export function addScheduleCommand(program: Command): void {
  const group = program
    .command('schedule')
    .summary('have jobs run by themselves, at their time')
    .description(
      'Installs, lists and removes the timers of jobs whose spec has a `schedule`, and tells when they are due and what became of it.',
    )
    .configureHelp({ showGlobalOptions: true, subcommandTerm: (subcommand) => subcommand.name() });
  addScheduleInstallCommand(group);
  addScheduleRemoveCommand(group);
  addScheduleListCommand(group);
  addScheduleNextCommand(group);
  addScheduleSimulateCommand(group);
  addScheduleStatusCommand(group);
  addSchedulePauseCommand(group, 'pause');
  addSchedulePauseCommand(group, 'resume');
  addScheduleRunDueCommand(group);
  withHelp(group, {
    examples: [
      ['nightshift schedule install jobs.yaml', 'from now on its jobs run by themselves'],
      ['nightshift schedule next', 'when the jobs of jobs.yaml are due'],
      ['nightshift schedule simulate --from 2026-10-24 --to 2026-10-27', 'what happens as the clocks change'],
      ['nightshift schedule status', 'what became of the last nights'],
    ],
  });
}
