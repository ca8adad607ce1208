import type { Command } from 'commander';
import { runAction } from './action.ts';
import { withHelp } from './help-text.ts';

export function addSchemaCommand(program: Command): void {
  const command = program
    .command('schema')
    .summary('print the JSON Schema of the job spec')
    .description('Prints the JSON Schema of the job spec, so that editors complete and check it.')
    .action(() =>
      runAction({}, async (io) => {
        const { specJsonSchema } = await import('../spec/json-schema.ts');
        io.out(`${JSON.stringify(specJsonSchema(), null, 2)}\n`);
        return 0;
      }),
    );
  withHelp(command, {
    examples: [
      ['nightshift schema > jobs.schema.json', 'then begin the spec with the line'],
      ['# yaml-language-server: $schema=./jobs.schema.json', ''],
    ],
  });
}
