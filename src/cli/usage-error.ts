import { CommanderError } from 'commander';
import { AppError } from '../core/errors.ts';

export interface CommandLine {
  readonly args: readonly string[];
  /** Of a command in a group the name of both: `schedule`, `schedule run-due`. */
  readonly commands: readonly string[];
}

/**
 * What commander threw, as an error of ours.
 * @returns an exit code when it only printed help or the version
 */
export function fromCommander(error: unknown, line: CommandLine): AppError | number | undefined {
  if (!(error instanceof CommanderError)) return undefined;
  if (error.code === 'commander.version' || error.code === 'commander.helpDisplayed') return 0;
  // Help that was not asked for: there was no command.
  if (error.code === 'commander.help') return line.args.includes('help') ? 0 : 2;
  const [message = '', suggestion] = error.message.replace(/^error: /, '').split('\n');
  const choice = wrongChoice(message);
  if (choice !== undefined) return new AppError('USAGE', choice.text, { hint: choice.hint, cause: error });
  return new AppError('USAGE', message, { hint: hintFor(suggestion, line), cause: error });
}

/** What commander says of a value that is not among the choices. */
function wrongChoice(message: string): { readonly text: string; readonly hint: string } | undefined {
  const match =
    /^(?:command-argument value|option '(--[\w-]+)[^']*' argument) '(.*)' is invalid(?: for argument '([\w-]+)')?\. Allowed choices are (.*)\.$/.exec(
      message,
    );
  const [, option, value, argument, choices] = match ?? [];
  if (value === undefined || choices === undefined) return undefined;
  const name = argument === undefined ? '' : ` for ${argument}`;
  const text = `${option === undefined ? '' : `${option}: `}${JSON.stringify(value)} is not a choice${name}`;
  return { text, hint: `write one of ${choices}` };
}

function hintFor(suggestion: string | undefined, { args, commands }: CommandLine): string {
  const meant = /^\(Did you mean (?:one of )?(.*)\?\)$/.exec(suggestion ?? '')?.[1];
  if (meant !== undefined) return `did you mean ${meant}?`;
  const [first] = args;
  if (first !== undefined && /\.ya?ml$/i.test(first)) return `write \`nightshift run ${args.join(' ')}\``;
  const outer = args.find((argument) => commands.includes(argument));
  const inner = args.find((argument) => commands.includes(`${outer} ${argument}`));
  const command = inner === undefined ? outer : `${outer} ${inner}`;
  return `see \`nightshift ${command === undefined ? '' : `${command} `}--help\``;
}
