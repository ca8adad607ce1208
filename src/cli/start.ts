import { exitCodeOf } from '../core/errors.ts';
import { processIo } from './io.ts';
import { watchStreams } from './lost-reader.ts';
import { buildProgram } from './program.ts';
import { showError } from './show-error.ts';
import { fromCommander } from './usage-error.ts';

watchStreams();
const program = buildProgram();
const args = process.argv.slice(2);
try {
  await program.parseAsync();
} catch (error) {
  const meant = fromCommander(error, { args, commands: program.commands.map((command) => command.name()) });
  if (typeof meant === 'number') process.exitCode = meant;
  else {
    showError(processIo(), meant ?? error, args.includes('--json'));
    process.exitCode = exitCodeOf(meant ?? error);
  }
}
