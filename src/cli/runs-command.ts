import { type Command, Option } from 'commander';
import type { ShownState } from '../history/contract.ts';
import { runAction } from './action.ts';
import { withHelp } from './help-text.ts';
import type { RunsListFlags, RunsLogsFlags, RunsOneFlags, RunsPruneFlags } from './runs-flags.ts';
import { stateFolderOption } from './spec-options.ts';

/** Written again, since the contract brings more with it than help and completion should wait for. */
const states = ['running', 'published', 'skipped', 'failed', 'interrupted', 'died'] as const satisfies ShownState[];

const runArgument = 'the id of the run, or how it begins; `latest` is the one that began last';

export function addRunsCommand(program: Command): void {
  const runs = program
    .command('runs')
    .summary('show what ran, when, and what came of it')
    .description('Shows what ran on this machine, when, who started it and what came of it.');
  addList(runs);
  addShow(runs);
  addLogs(runs);
  addPrune(runs);
  withHelp(runs, {
    examples: [
      ['nightshift runs list', 'the last 20 runs, newest first'],
      ['nightshift runs show latest', 'all that is known of the last one'],
      ['nightshift runs logs latest --follow', 'what it tells, until it ends'],
    ],
  });
}

function addList(runs: Command): void {
  const command = runs
    .command('list')
    .summary('list runs, newest first')
    .description(`Lists runs, newest first. A run that was killed before it could tell how it ended is shown as died.`)
    .option('--job <name>', 'runs of this job')
    .option('--spec <file>', 'runs of this spec')
    .addOption(new Option('--state <state>', 'runs in this state').choices(states))
    .option('--since <when>', 'runs that began since a date, or a time span (7d, 12h) before now')
    .option('--until <when>', 'runs that began until then, a whole day included')
    .option('--date <date>', 'runs for logical dates of this day')
    .option('--limit <n>', 'so many at most; 20 if left out')
    .option('--json', 'print one JSON document')
    .addOption(stateFolderOption())
    .action((flags: RunsListFlags) => runAction(flags, async (io) => (await import('./runs.ts')).listRuns(io, flags)));
  withHelp(command, {
    examples: [
      ['nightshift runs list', 'the last 20'],
      ['nightshift runs list --job late-flights --since 7d', 'of a job, in the last week'],
      ['nightshift runs list --state failed --since 2026-11-01', 'what failed this month'],
    ],
  });
}

function addShow(runs: Command): void {
  const command = runs
    .command('show')
    .description('show all that is known of a run')
    .argument('<run>', runArgument)
    .option('--job <name>', 'with `latest`, the last run of this job')
    .option('--json', 'print one JSON document')
    .addOption(stateFolderOption())
    .action((run: string, flags: RunsOneFlags) =>
      runAction(flags, async (io) => (await import('./runs.ts')).showRun(io, run, flags)),
    );
  withHelp(command, {
    examples: [
      ['nightshift runs show latest', 'the run that began last'],
      ['nightshift runs show 20261124T0230', 'the one run that began in this minute'],
    ],
  });
}

function addLogs(runs: Command): void {
  const command = runs
    .command('logs')
    .description('print what a run told, as it printed it')
    .argument('<run>', runArgument)
    .option('-f, --follow', 'go on until the run ends')
    .option('--job <name>', 'with `latest`, the last run of this job')
    .option('--json', 'print its events as NDJSON')
    .option('-v, --verbose', 'print every shard and worker')
    .addOption(stateFolderOption())
    .action((run: string, flags: RunsLogsFlags) =>
      runAction(flags, async (io) => (await import('./runs-logs.ts')).showLog(io, run, flags)),
    );
  withHelp(command, {
    examples: [
      ['nightshift runs logs latest', 'of the run that began last'],
      ['nightshift runs logs latest --follow', 'while it runs, from another terminal'],
    ],
  });
}

function addPrune(runs: Command): void {
  const command = runs
    .command('prune')
    .summary('forget old runs')
    .description(`Removes the records and logs of runs that ended long ago. One that still runs stays, and so does all
that was published.`)
    .requiredOption('--older-than <span>', 'runs that ended so long ago: 90d, 12h, 26w')
    .option('--keep <n>', 'but the newest n of each job stay; 0 if left out')
    .option('-n, --dry-run', 'list what would be removed, and remove nothing')
    .option('--json', 'print one JSON document')
    .addOption(stateFolderOption())
    .action((flags: RunsPruneFlags) =>
      runAction(flags, async (io) => (await import('./runs.ts')).pruneRuns(io, flags)),
    );
  withHelp(command, {
    examples: [
      ['nightshift runs prune --older-than 90d --dry-run', 'what would go'],
      ['nightshift runs prune --older-than 90d --keep 100', 'and never the last 100 of a job'],
    ],
  });
}
