import type { Command } from 'commander';
import { withHelp } from './help-text.ts';
import { addScheduleNextCommand } from './schedule-next-command.ts';
import { addSchedulePauseCommand } from './schedule-pause-command.ts';
import { addScheduleRunDueCommand } from './schedule-run-due-command.ts';
import { addScheduleSimulateCommand } from './schedule-simulate-command.ts';
import { addScheduleStatusCommand } from './schedule-status-command.ts';

/** The group; each of its commands has a file of its own. */
export function addScheduleCommand(program: Command): void {
  const group = program
    .command('schedule')
    .summary('see when the jobs of a spec are due')
    .description('Works with the schedules of a spec: when its jobs are due, and what would be done then.');
  addScheduleNextCommand(group);
  addScheduleSimulateCommand(group);
  addScheduleStatusCommand(group);
  addSchedulePauseCommand(group, 'pause');
  addSchedulePauseCommand(group, 'resume');
  addScheduleRunDueCommand(group);
  withHelp(group, {
    examples: [
      ['nightshift schedule next', 'when the jobs of jobs.yaml are due'],
      ['nightshift schedule simulate --from 2026-10-24 --to 2026-10-27', 'what happens as the clocks change'],
    ],
  });
}
