import type { Command } from 'commander';
import { runAction } from './action.ts';
import { withHelp } from './help-text.ts';
import type { RerunFlags } from './rerun.ts';

export function addRerunCommand(program: Command): void {
  const command = program
    .command('rerun')
    .summary('score the published run of an output once more, and compare')
    .description(
      `Repeats the run that an output publishes, from the job, the shards and the batch rows that it keeps, and says
whether every part has the sha256 that it had. Refuses where the model or the input is not what it was.`,
    )
    .argument('<output>', 'the folder that output.path of a job names')
    .option('--into <folder>', 'publish into this folder, and leave the output as it is')
    .option('-n, --dry-run', 'only say whether the run could be repeated')
    .option('--json', 'print one JSON document')
    .action((output: string, flags: RerunFlags) =>
      runAction(flags, async (io) => {
        const { rerun } = await import('./rerun.ts');
        return rerun(io, output, flags);
      }),
    );
  withHelp(command, {
    examples: [
      ['nightshift rerun out/late-flights --dry-run', 'whether model and input are what they were'],
      ['nightshift rerun out/late-flights --into /tmp/again', 'score it again elsewhere, and compare'],
      ['nightshift rerun out/late-flights --json', 'into the output itself, for a script'],
    ],
    more: `Exit codes:
  0    every part has the sha256 that it had, or could be scored again (--dry-run)
  2    the output holds several runs, or --into names one that is published already
  3    it was published, and some part differs; or it was not published, as a run would not be
  4    the model or the input is not what it was; or nothing is published there`,
  });
}
