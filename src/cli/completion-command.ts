import { Argument, type Command } from 'commander';
import { runAction } from './action.ts';
import { withHelp } from './help-text.ts';

const shells = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof shells)[number];

export function addCompletionCommand(program: Command): void {
  const command = program
    .command('completion')
    .summary('print a script that completes commands and options')
    .description('Prints a script that lets a shell complete commands, options and file names.')
    .addArgument(new Argument('<shell>', 'the shell').choices(shells))
    .action((shell: Shell) =>
      runAction({}, async (io) => {
        const { completionScript } = await import('./completion-script.ts');
        io.out(completionScript(program, shell));
        return 0;
      }),
    );
  withHelp(command, {
    examples: [
      ['source <(nightshift completion bash)', 'in ~/.bashrc'],
      ['source <(nightshift completion zsh)', 'in ~/.zshrc, after compinit'],
      ['nightshift completion fish > ~/.config/fish/completions/nightshift.fish', 'once'],
    ],
  });
}
