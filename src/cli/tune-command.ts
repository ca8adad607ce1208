import { type Command, Option } from 'commander';
import { tunedKeys } from '../plan/tune-grid.ts';
import { runAction } from './action.ts';
import { withHelp } from './help-text.ts';
import { addSetOption, addSpecArguments, dateOption } from './spec-options.ts';
import type { TuneFlags } from './tune.ts';

export function addTuneCommand(program: Command): void {
  const command = program
    .command('tune')
    .summary('measure which execution settings score a job fastest')
    .description(
      `Measures workers and threads, batch size or tokens, read-ahead and graph optimisation on the first rows of a job, with real
workers that write to a folder beside its output and then remove it. What is published and recorded stays untouched.
Nothing is called better that is within the noise.`,
    );
  addSetOption(addSpecArguments(command))
    .option('--rows <rows>', 'rows of the sample; auto takes as many as tell settings apart', 'auto')
    .option('--budget <duration>', 'how long to measure (30s, 5m)', '2m')
    .addOption(new Option('--only <setting...>', 'change only these; threads change with workers').choices(tunedKeys))
    .option('-w, --write', 'write what is better into the spec; its comments stay')
    .option('-n, --dry-run', 'show what --write would change')
    .addOption(dateOption())
    .option('--json', 'print one JSON document')
    .option('-q, --quiet', 'show no progress')
    .action((spec: string, names: readonly string[], flags: TuneFlags) =>
      runAction(flags, async (io) => {
        const { tune } = await import('./tune.ts');
        return tune(io, { spec, names, flags });
      }),
    );
  withHelp(command, {
    examples: [
      ['nightshift tune jobs.yaml late-flights', 'what would be faster, and by how much'],
      ['nightshift tune jobs.yaml late-flights --budget 5m --write', 'with more patience, and into the spec'],
      ['nightshift tune --only batchSize readAhead', 'of these two settings'],
      ['nightshift tune --rows 2000 --budget 3s --dry-run', 'a quick look, and the change as a diff'],
    ],
  });
}
