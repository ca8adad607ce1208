import { resolve } from 'node:path';
import type { Command } from 'commander';
import { type Replay, replayOutput } from '../run/replay-output.ts';
import { runAction } from './action.ts';
import { countText, pluralText } from './aligned.ts';
import { withHelp } from './help-text.ts';
import { shownPath } from './shown-path.ts';

interface ReplayFlags {
  readonly fix?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export function addReplayCommand(program: Command): void {
  const command = program
    .command('replay')
    .summary('score the rejected rows of an output again, and put them into their places')
    .description(
      `Scores the rejected rows of a published output again, after they or the model were mended, and publishes them in
their places as a new version. No other row is scored again. What is rejected once more stays in the rejects.`,
    )
    .argument('<output>', 'the folder that output.path of a job names')
    .option(
      '--fix <file>',
      'Parquet with mended rows: row_number (and file, where there are several) as in the rejects, and the columns that changed',
    )
    .option('-n, --dry-run', 'tell how many rows would be scored, and score none')
    .option('--json', 'print one JSON document')
    .action((output: string, flags: ReplayFlags) =>
      runAction(flags, async (io) => {
        const { newPorts } = await import('./context.ts');
        const { Interruption } = await import('./interruption.ts');
        using interruption = new Interruption();
        const replay = await replayOutput(newPorts(), {
          outputFolder: resolve(output),
          fix: flags.fix === undefined ? undefined : resolve(flags.fix),
          dryRun: flags.dryRun === true,
          signal: interruption.signal,
        });
        io.out(
          flags.json === true ? `${JSON.stringify({ v: 1, ...replay }, undefined, 2)}\n` : replayText(replay, flags),
        );
        return 0;
      }),
    );
  withHelp(command, {
    examples: [
      ['nightshift replay out/late-flights --dry-run', 'how many rejected rows could be scored'],
      ['nightshift replay out/late-flights', 'score them, after the model was mended'],
      ['nightshift replay out/late-flights --fix fixed.parquet', 'score them as a table of mended rows has them'],
    ],
  });
}

function replayText({ output, rejected, replayable, left, placed, runId, rows }: Replay, flags: ReplayFlags): string {
  const place = shownPath(output, process.cwd());
  if (rejected === 0) return `${place} has no rejected rows\n`;
  const of = `${countText(replayable)} of ${pluralText(rejected, 'rejected row')}`;
  if (flags.dryRun === true) return `would score ${of} of ${place}\n`;
  if (replayable === 0)
    return `none of ${pluralText(rejected, 'rejected row')} of ${place} holds values that can be scored\n`;
  const filtered = rejected - left - placed;
  const found = [`${countText(placed)} put into their places`, `${countText(left)} left`];
  if (filtered > 0) found.splice(1, 0, `${countText(filtered)} filtered`);
  const outcome = `scored ${of} of ${place}: ${found.join(', ')}\n`;
  if (runId === undefined) return `${outcome}nothing was published, since nothing changed\n`;
  return `${outcome}published ${pluralText(rows.out, 'row')} as run ${runId}\n`;
}
