import { type Command, Option } from 'commander';
import { runAction } from './action.ts';
import { withHelp } from './help-text.ts';
import type { NotifyTestFlags } from './test-notices.ts';

const noticeEvents = ['failure', 'success', 'missed'] as const;

export function addNotifyCommand(program: Command): void {
  const notify = program.command('notify').description('try whether the notices of a job arrive');
  const test = notify
    .command('test')
    .summary('send a notice that is marked as a test, and say what each target answered')
    .description(
      `Sends a notice that is marked as a test to the targets of a job, and prints what each of them answered. A ping is
sent as it would be, so a failure raises the alarm until the next success.`,
    )
    .argument('<spec>', 'the job spec')
    .argument('<job>', 'a job of the spec')
    .addOption(new Option('--event <event>', 'what the notice is about').choices(noticeEvents).default('failure'))
    .option('--json', 'print one JSON document')
    .action((spec: string, job: string, flags: NotifyTestFlags) =>
      runAction(flags, async (io) => {
        const { testNotices } = await import('./test-notices.ts');
        return testNotices(io, { spec, name: job, flags });
      }),
    );
  const examples = [
    ['nightshift notify test jobs.yaml late-flights', 'what onFailure and ping would be told'],
    ['nightshift notify test jobs.yaml late-flights --event success', 'the same for a run that published'],
  ] as const;
  withHelp(notify, { examples });
  withHelp(test, {
    examples,
    more: `Exit codes:
  0    every target took it
  2    the command line or the spec is wrong, or nobody is told of this event
  4    a target did not take it`,
  });
}
