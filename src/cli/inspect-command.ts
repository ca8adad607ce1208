import type { Command } from 'commander';
import type { DatasetFormat } from '../dataset/contract.ts';
import { runAction } from './action.ts';
import { formatOption, rowCountOption } from './data-options.ts';
import { withHelp } from './help-text.ts';

interface InspectFlags {
  readonly nulls?: boolean;
  readonly rows?: number;
  readonly format: DatasetFormat | 'auto';
  readonly json?: boolean;
}

export function addInspectCommand(program: Command): void {
  const command = program
    .command('inspect')
    .summary('show what a model takes and gives, or what is in a dataset')
    .description('Shows what a model takes and gives, or what is in a dataset.')
    .argument('<target...>', 'ONNX models, and data: files, globs or folders, which together are one dataset')
    .option('--nulls', 'read all rows to count nulls where the files do not say')
    .addOption(rowCountOption('--rows <n>', 'show the first rows'))
    .addOption(formatOption())
    .option('--json', 'print one JSON document; in its rows, 64-bit integers are texts of their digits')
    .action((targets: readonly string[], flags: InspectFlags) =>
      runAction(flags, async (io) => {
        const { newPorts } = await import('./context.ts');
        const { inspect } = await import('../run/inspect.ts');
        const { inspectionJson } = await import('./inspect-json.ts');
        const { inspectionText } = await import('./inspect-text.ts');
        const inspection = await inspect(newPorts(), {
          targets,
          baseDir: process.cwd(),
          format: flags.format,
          measureNulls: flags.nulls === true,
          firstRows: flags.rows ?? 0,
        });
        io.out(
          flags.json === true
            ? `${JSON.stringify(inspectionJson(inspection), undefined, 2)}\n`
            : inspectionText(inspection),
        );
        return 0;
      }),
    );
  withHelp(command, {
    examples: [
      ['nightshift inspect model.onnx', 'what it takes and gives'],
      ["nightshift inspect 'data/*.parquet' --rows 3", 'columns, row groups, nulls, and three rows'],
      ['nightshift inspect model.onnx data/ --json', 'both, as one JSON document'],
    ],
  });
}
