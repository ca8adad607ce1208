import type { Command } from 'commander';
import { runAction } from './action.ts';
import { exitCodesHelp, withHelp } from './help-text.ts';
import type { RunDueFlags } from './run-due-of.ts';
import { stateFolderOption } from './spec-options.ts';

export function addScheduleRunDueCommand(group: Command): void {
  const command = group
    .command('run-due')
    .summary('run what is due of a job; installed timers call this')
    .description(
      `Runs what is due of a job, and what becomes due while that goes on. Installed timers call this; it may be called
at any time, since the history knows what ran: where nothing is due it does nothing.`,
    )
    .argument('<spec>', 'the job spec')
    .argument('<job>', 'the job')
    .option('--jitter <duration>', 'begin up to so much later, the same for each tick, so that machines spread')
    .option('-n, --dry-run', 'show what would be done')
    .option('--json', 'print events as NDJSON on stdout')
    .addOption(stateFolderOption())
    .action((spec: string, name: string, flags: RunDueFlags) =>
      runAction(flags, async (io) => {
        const { runDueOf } = await import('./run-due-of.ts');
        return runDueOf(io, { spec, name, flags });
      }),
    );
  withHelp(command, {
    examples: [
      ['nightshift schedule run-due jobs.yaml late-flights', 'what the timer does'],
      ['nightshift schedule run-due jobs.yaml late-flights --dry-run', 'what it would do now, and why'],
    ],
    more: exitCodesHelp,
  });
}
