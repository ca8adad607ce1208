import { type Command, Option } from 'commander';
import type { DatasetFormat } from '../dataset/contract.ts';
import { inspect } from '../run/inspect.ts';
import { runAction } from './action.ts';
import { formatOption, rowCountOption } from './data-options.ts';
import { inspectionJson } from './inspect-json.ts';
import { inspectionText } from './inspect-text.ts';

interface InspectFlags {
  readonly nulls?: boolean;
  readonly rows?: number;
  readonly format: DatasetFormat | 'auto';
  readonly json?: boolean;
}

const examples = `
Examples:
  nightshift inspect model.onnx                  what it takes and gives
  nightshift inspect 'data/*.parquet' --rows 3   columns, row groups, nulls, and three rows
  nightshift inspect model.onnx data/ --json     both, as one JSON document
`;

export function addInspectCommand(program: Command): void {
  program
    .command('inspect')
    .description('show what a model takes and gives, or what is in a dataset')
    .argument('<target...>', 'ONNX models, and data: files, globs or folders, which together are one dataset')
    .option('--nulls', 'read all rows to count nulls where the files do not say')
    .addOption(rowCountOption('--rows <n>', 'show the first rows'))
    .addOption(formatOption())
    .addOption(new Option('--json', 'print one JSON document; 64-bit integers in rows are texts of their digits'))
    .addHelpText('after', examples)
    .action((targets: readonly string[], flags: InspectFlags) =>
      runAction(flags, async (io) => {
        const { newPorts } = await import('./context.ts');
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
}
