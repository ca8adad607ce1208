import type { Command } from 'commander';
import { exitCodeOf } from '../core/errors.ts';
import { processIo } from './io.ts';
import { watchStreams } from './lost-reader.ts';
import { buildProgram } from './program.ts';
import { showError } from './show-error.ts';
import { fromCommander } from './usage-error.ts';

/** Its own name, and those of the commands in it. */
function namesOf(command: Command): readonly string[] {
  return [command.name(), ...command.commands.map((inner) => `${command.name()} ${inner.name()}`)];
}

watchStreams();
const program = buildProgram();
const args = process.argv.slice(2);
try {
  await program.parseAsync();
} catch (error) {
  const meant = fromCommander(error, { args, commands: program.commands.flatMap(namesOf) });
  if (typeof meant === 'number') process.exitCode = meant;
  else {
    showError(processIo(), meant ?? error, args.includes('--json'));
    process.exitCode = exitCodeOf(meant ?? error);
  }
}
