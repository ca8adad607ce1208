import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Leftovers } from '../checkpoint/contract.ts';
import { cleanOutput } from '../run/clean-output.ts';
import { runAction } from './action.ts';
import { aligned, bytesText, pluralText } from './aligned.ts';
import { withHelp } from './help-text.ts';

interface CleanFlags {
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

interface Cleaned {
  readonly output: string;
  readonly isDryRun: boolean;
}

export function addCleanCommand(program: Command): void {
  const command = program
    .command('clean')
    .summary('remove what unfinished runs left in an output')
    .description(
      `Removes what dead, unfinished runs left in an output: their shards, plans and temporary files.
Also what a killed \`tune\` left beside it. What is published stays, and so do its versions. Without \`clean\`, the same job goes on with its unfinished run.`,
    )
    .argument('<output>', 'the folder that output.path of a job names')
    .option('-n, --dry-run', 'show what would be removed')
    .option('--json', 'print one JSON document')
    .action((given: string, flags: CleanFlags) =>
      runAction(flags, async (io) => {
        const { newPorts } = await import('./context.ts');
        const cleaned = { output: resolve(given), isDryRun: flags.dryRun === true };
        const leftovers = await cleanOutput(newPorts(), cleaned);
        io.out(
          flags.json === true
            ? `${JSON.stringify(cleanJson(leftovers, cleaned), undefined, 2)}\n`
            : cleanText(leftovers, cleaned),
        );
        return 0;
      }),
    );
  withHelp(command, {
    examples: [
      ['nightshift clean out/late-flights --dry-run', 'what would go, and how many bytes'],
      ['nightshift clean out/late-flights', 'let it go'],
    ],
  });
}

function cleanJson({ items, freedBytes, kept }: Leftovers, { output, isDryRun }: Cleaned): object {
  const removed = items.map(({ path, what, sizeBytes }) => ({ path, what, bytes: sizeBytes }));
  return { v: 1, output, dryRun: isDryRun, bytes: freedBytes, removed, kept };
}

function cleanText({ items, freedBytes, kept }: Leftovers, { output, isDryRun }: Cleaned): string {
  const done = `${isDryRun ? 'would remove' : 'removed'} ${pluralText(items.length, 'leftover')}, ${bytesText(freedBytes)}`;
  const lines = [
    ...items.map(({ path, what, sizeBytes }) => [path, bytesText(sizeBytes), what]),
    ...kept.map(({ runId, reason }) => [`run ${runId}`, 'stays', reason]),
  ];
  return `${output}: ${items.length === 0 ? 'nothing to clean' : done}\n${aligned(lines, { indent: 2 })}`;
}
