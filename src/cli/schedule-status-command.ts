import type { Command } from 'commander';
import { runAction } from './action.ts';
import { withHelp } from './help-text.ts';
import type { StatusFlags } from './schedule-status.ts';
import { addSpecArguments, stateFolderOption } from './spec-options.ts';

export function addScheduleStatusCommand(group: Command): void {
  const command = group
    .command('status')
    .summary('show what became of the last ticks of jobs, and what comes next')
    .description('Shows of each job what became of its last ticks, whether it is paused, and when it is due next.');
  addSpecArguments(command)
    .option('-n, --count <n>', 'how many ticks of each job', '7')
    .option('--json', 'print one JSON document')
    .addOption(stateFolderOption())
    .action((spec: string, names: readonly string[], flags: StatusFlags) =>
      runAction(flags, async (io) => {
        const { showScheduleStatus } = await import('./schedule-status.ts');
        return showScheduleStatus(io, { spec, names, flags });
      }),
    );
  withHelp(command, {
    examples: [
      ['nightshift schedule status', 'all jobs of jobs.yaml that have a schedule'],
      ['nightshift schedule status jobs.yaml late-flights -n 30', 'a month of one job'],
    ],
  });
}
