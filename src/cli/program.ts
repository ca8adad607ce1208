import { Command } from 'commander';
import { packageVersion } from './context.ts';
import { addRunCommand } from './run-command.ts';

export function buildProgram(): Command {
  const program = new Command('nightshift')
    .description('Score big tables with ONNX models, every night.')
    .version(packageVersion());
  addRunCommand(program);
  return program;
}
