import { resolve } from 'node:path';
import type { Command } from 'commander';
import { type Rollback, rollbackOutput } from '../run/rollback-output.ts';
import { runAction } from './action.ts';
import { aligned } from './aligned.ts';
import type { Paint } from './colour.ts';
import { withHelp } from './help-text.ts';
import { versionCells, versionJson } from './versions-command.ts';

interface RollbackFlags {
  readonly to?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export function addRollbackCommand(program: Command): void {
  const command = program
    .command('rollback')
    .summary('publish the previous version of an output again')
    .description(
      `Publishes the previous version of an output again, or the one that --to names.
What was published until then stays a version, so that one can go forward again with --to.`,
    )
    .argument('<output>', 'the folder that output.path of a job names')
    .option('--to <run>', 'bring back the version of this run')
    .option('-n, --dry-run', 'show what would be brought back')
    .option('--json', 'print one JSON document')
    .action((given: string, flags: RollbackFlags) =>
      runAction(flags, async (io) => {
        const { newPorts } = await import('./context.ts');
        const output = resolve(given);
        const isDryRun = flags.dryRun === true;
        const rollback = await rollbackOutput(newPorts(), { output, to: flags.to, isDryRun });
        io.out(
          flags.json === true
            ? `${JSON.stringify(rollbackJson(rollback, { output, isDryRun }), undefined, 2)}\n`
            : rollbackText(rollback, { output, isDryRun, paint: io.paintOut }),
        );
        return 0;
      }),
    );
  withHelp(command, {
    examples: [
      ['nightshift rollback out/late-flights', 'back to what the last run replaced'],
      ['nightshift rollback out/late-flights --to 20261124T023000Z-1f9c2a', 'to a version that `versions` lists'],
      ['nightshift rollback out/late-flights --dry-run', 'only say which that would be'],
    ],
  });
}

function rollbackJson(
  { from, to }: Rollback,
  { output, isDryRun }: { readonly output: string; readonly isDryRun: boolean },
): object {
  return {
    v: 1,
    output,
    dryRun: isDryRun,
    from: from === undefined ? null : versionJson({ ...from, isCurrent: isDryRun || from.runId === to.runId }),
    to: versionJson({ ...to, isCurrent: !isDryRun || from?.runId === to.runId }),
  };
}

function rollbackText(
  { from, to }: Rollback,
  { output, isDryRun, paint }: { readonly output: string; readonly isDryRun: boolean; readonly paint: Paint },
): string {
  const title = isDryRun ? 'would be rolled back' : paint('green', 'rolled back');
  const lines = [
    ['from', ...(from === undefined ? ['a publish that was cut off'] : versionCells(from))],
    ['to', ...versionCells(to)],
  ];
  return `${output}: ${title}\n${aligned(lines, { indent: 2 })}`;
}
