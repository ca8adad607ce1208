import type { Command } from 'commander';
import { runAction } from './action.ts';
import { withHelp } from './help-text.ts';
import type { SimulateFlags } from './show-simulation.ts';
import { addSetOption, addSpecArguments, collect } from './spec-options.ts';

export function addScheduleSimulateCommand(group: Command): void {
  const command = group
    .command('simulate')
    .summary('show what would be done at each date, and why')
    .description(
      `Walks through time and shows what would be done at each date that a job is due, and why: across the change of
the clocks, while the machine is down, and where a run takes longer than the gap to the next. Nothing is run.`,
    );
  addSetOption(addSpecArguments(command))
    .option('--from <date>', "begin with this date or instant, in the job's zone; now if left out")
    .option('--to <date>', 'end with this date or instant; the tenth date if left out')
    .option('--duration <duration>', 'how long each run takes (30s, 45m, 2h)', '1m')
    .option('--down <from..to>', 'the machine is off or asleep; can be given several times', collect)
    .option('--json', 'print one JSON document')
    .action((spec: string, names: readonly string[], flags: SimulateFlags) =>
      runAction(flags, async (io) => {
        const { showSimulation } = await import('./show-simulation.ts');
        return showSimulation(io, { spec, names, flags });
      }),
    );
  withHelp(command, {
    examples: [
      ['nightshift schedule simulate', 'the next ten dates of each job'],
      ['nightshift schedule simulate jobs.yaml late-flights --from 2026-03-28 --to 2026-03-31', 'as the clocks change'],
      ['nightshift schedule simulate --down 2026-11-23..2026-11-26T08:00', 'what is made up for afterwards'],
      ['nightshift schedule simulate --duration 26h', 'when a run takes longer than a day'],
    ],
  });
}
