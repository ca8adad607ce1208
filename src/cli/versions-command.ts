import { resolve } from 'node:path';
import type { Command } from 'commander';
import { listVersions, type TableVersion } from '../run/list-versions.ts';
import { runAction } from './action.ts';
import { aligned, pluralText } from './aligned.ts';
import type { Paint } from './colour.ts';
import { withHelp } from './help-text.ts';

export function addVersionsCommand(program: Command): void {
  const command = program
    .command('versions')
    .description('list the versions of a published output, newest first')
    .argument('<output>', 'the folder that output.path of a job names')
    .option('--json', 'print one JSON document')
    .action((given: string, flags: { readonly json?: boolean }) =>
      runAction(flags, async (io) => {
        const { newPorts } = await import('./context.ts');
        const output = resolve(given);
        const versions = await listVersions(newPorts(), output);
        io.out(
          flags.json === true
            ? `${JSON.stringify({ v: 1, output, versions: versions.map(versionJson) }, undefined, 2)}\n`
            : versionsText(output, versions, io.paintOut),
        );
        return 0;
      }),
    );
  withHelp(command, {
    examples: [
      ['nightshift versions out/late-flights', 'what `rollback` can bring back'],
      ['nightshift versions out/late-flights --json', 'the same for a script, with the folder of each version'],
    ],
  });
}

export function versionJson({ runId, publishedAt, rowCount, partCount, model, path, isCurrent }: TableVersion): object {
  return { runId, publishedAt, rows: rowCount, parts: partCount, model, path, current: isCurrent };
}

function versionsText(output: string, versions: readonly TableVersion[], paint: Paint): string {
  const lines = versions.map((version) => [
    ...versionCells(version),
    version.isCurrent ? paint('green', 'current') : '',
  ]);
  return `${output}: ${pluralText(versions.length, 'version')}\n${aligned(lines, { indent: 2 })}`;
}

const shortShaLength = 12;

export function versionCells({ runId, publishedAt, rowCount, partCount, model }: TableVersion): readonly string[] {
  return [
    runId,
    publishedAt.replace('T', ' ').replace(/\.\d+Z$/, 'Z'),
    pluralText(rowCount, 'row'),
    pluralText(partCount, 'part'),
    `model ${model?.sha256.slice(0, shortShaLength) ?? 'unknown'}`,
  ];
}
