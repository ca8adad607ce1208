import { CommanderError } from 'commander';
import { AppError } from '../core/errors.ts';

export interface CommandLine {
  readonly args: readonly string[];
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
  return new AppError('USAGE', message, { hint: hintFor(suggestion, line), cause: error });
}

function hintFor(suggestion: string | undefined, { args, commands }: CommandLine): string {
  const meant = /^\(Did you mean (?:one of )?(.*)\?\)$/.exec(suggestion ?? '')?.[1];
  if (meant !== undefined) return `did you mean ${meant}?`;
  const [first] = args;
  if (first !== undefined && /\.ya?ml$/i.test(first)) return `write \`nightshift run ${args.join(' ')}\``;
  const command = args.find((argument) => commands.includes(argument));
  return `see \`nightshift ${command === undefined ? '' : `${command} `}--help\``;
}
