import type { Command, Help, Option } from 'commander';

/** What a shell has to know of a command. */
interface CommandWords {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly OptionWords[];
  /** What its first argument may be; empty means files. */
  readonly choices: readonly string[];
}

interface OptionWords {
  readonly long: string;
  /** One letter, without the dash. */
  readonly short: string | undefined;
  readonly description: string;
  readonly takesValue: boolean;
  /** What its value may be; empty means files. */
  readonly choices: readonly string[];
}

/** A script for a shell, derived from the program's own commands and options. */
export function completionScript(program: Command, shell: 'bash' | 'zsh' | 'fish'): string {
  const name = program.name();
  const commands = wordsOf(program);
  switch (shell) {
    case 'bash':
      return bashScript(name, commands);
    case 'zsh':
      return zshScript(name, commands);
    case 'fish':
      return fishScript(name, commands);
  }
}

function wordsOf(program: Command): readonly CommandWords[] {
  const help = program.createHelp();
  const global = help.visibleOptions(program).filter((option) => option.long === '--no-color');
  return help.visibleCommands(program).map((command) => ({
    name: command.name(),
    summary: help.subcommandDescription(command),
    options: optionsOf(command, global, help).map(optionWords),
    choices: choicesOf(command, program),
  }));
}

/** Those of its own commands too, where it has some. */
function optionsOf(command: Command, global: readonly Option[], help: Help): readonly Option[] {
  const all = [command, ...command.commands].flatMap((owner) => help.visibleOptions(owner));
  const byName = new Map(all.map((option) => [option.long, option]));
  return [...byName.values(), ...global];
}

function choicesOf(command: Command, program: Command): readonly string[] {
  if (command.name() === 'help') return program.commands.map((other) => other.name());
  if (command.commands.length > 0) return command.commands.map((other) => other.name());
  return command.registeredArguments[0]?.argChoices ?? [];
}

function optionWords(option: Option): OptionWords {
  return {
    long: option.long ?? '',
    short: option.short?.slice(1),
    description: option.description,
    takesValue: option.required || option.optional,
    choices: option.argChoices ?? [],
  };
}

function bashScript(name: string, commands: readonly CommandWords[]): string {
  const cases = commands.map((command) => {
    const flags = command.options.flatMap(({ long, short }) => (short === undefined ? [long] : [long, `-${short}`]));
    const valued = command.options.filter(({ takesValue }) => takesValue);
    const values = valued.map(
      ({ long, choices }) =>
        `        ${long}) ${choices.length === 0 ? 'return' : `words="${choices.join(' ')}"`} ;;\n`,
    );
    return `    ${command.name})
      case "$previous" in
${values.join('')}        *)
          if [[ $current == -* ]]; then words="${flags.join(' ')}"; else words="${command.choices.join(' ')}"; fi ;;
      esac ;;
`;
  });
  return `# Completion of ${name} for bash: source <(${name} completion bash)
_${name}() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" words=""
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W "${commands.map((command) => command.name).join(' ')} --help --version" -- "$current"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
${cases.join('')}  esac
  # Nothing to offer leaves it to bash, which offers files.
  [[ -z $words ]] || COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o bashdefault -o default -F _${name} ${name}
`;
}

function zshScript(name: string, commands: readonly CommandWords[]): string {
  const names = commands.map((command) => `    ${zshQuoted(`${command.name}:${command.summary}`)}`);
  const cases = commands.map((command) => {
    const options = command.options.map((option) => `        ${zshOption(option)} \\\n`);
    const values = command.choices.length === 0 ? '_files' : `(${command.choices.join(' ')})`;
    return `    ${command.name})
      _arguments \\
${options.join('')}        ${zshQuoted(`*:argument:${values}`)} ;;
`;
  });
  return `#compdef ${name}
# Completion of ${name} for zsh: source <(${name} completion zsh)
_${name}() {
  local -a commands=(
${names.join('\n')}
  )
  if ((CURRENT == 2)); then
    _describe command commands
    return
  fi
  shift words
  ((CURRENT--))
  case "$words[1]" in
${cases.join('')}  esac
}
compdef _${name} ${name}
`;
}

function zshOption({ long, short, description, takesValue, choices }: OptionWords): string {
  const text = description.replaceAll(/[[\]:\\]/g, (character) => `\\${character}`);
  const value = takesValue ? `:value:${choices.length === 0 ? '_files' : `(${choices.join(' ')})`}` : '';
  // One that can be given several times is not taken away when it was given.
  const prefix = long === '--set' ? '*' : '';
  const spellings = short === undefined ? [long] : [long, `-${short}`];
  return spellings.map((spelling) => zshQuoted(`${prefix}${spelling}[${text}]${value}`)).join(' ');
}

function zshQuoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function fishScript(name: string, commands: readonly CommandWords[]): string {
  const lines = commands.flatMap((command) => {
    const within = `complete -c ${name} -n '__fish_seen_subcommand_from ${command.name}'`;
    return [
      `complete -c ${name} -f -n __fish_use_subcommand -a ${command.name} -d ${fishQuoted(command.summary)}`,
      ...(command.choices.length === 0 ? [] : [`${within} -f -a '${command.choices.join(' ')}'`]),
      ...command.options.map(({ long, short, description, takesValue, choices }) => {
        const letter = short === undefined ? '' : ` -s ${short}`;
        const value = takesValue ? (choices.length === 0 ? ' -r' : ` -x -a '${choices.join(' ')}'`) : '';
        return `${within} -l ${long.slice(2)}${letter}${value} -d ${fishQuoted(description)}`;
      }),
    ];
  });
  return `# Completion of ${name} for fish: ${name} completion fish > ~/.config/fish/completions/${name}.fish
${lines.join('\n')}
`;
}

function fishQuoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
