import type { Command } from 'commander';
import { runAction } from './action.ts';
import type { CacheClearFlags, CacheFlags } from './cache-flags.ts';
import { withHelp } from './help-text.ts';
import { addSetOption, stateFolderOption } from './spec-options.ts';

const specArgument = 'the job spec; jobs.yaml, if it is there, and the models of all specs';
const jobsArgument = 'jobs of the spec; all when none is named';

export function addCacheCommand(program: Command): void {
  const cache = program
    .command('cache')
    .summary('show and clear what runs keep for other runs')
    .description(
      'Shows and clears what runs keep for other runs: the predictions of jobs with a `cache`, and models as ONNX Runtime has optimised them (`execution.optimizedModelCache`).',
    );
  addShow(cache);
  addClear(cache);
  withHelp(cache, {
    examples: [
      ['nightshift cache show', 'how much is kept, since when, and what for'],
      ['nightshift cache clear --older-than 30d', 'forget what no run has used for 30 days'],
    ],
  });
}

function addShow(cache: Command): void {
  const command = addSetOption(
    cache
      .command('show')
      .summary('show what is kept')
      .description('Shows how much is kept, when it was used, and what it spared the last runs.')
      .argument('[spec]', specArgument)
      .argument('[jobs...]', jobsArgument),
  )
    .option('--json', 'print one JSON document')
    .addOption(stateFolderOption())
    .action((spec: string | undefined, names: readonly string[], flags: CacheFlags) =>
      runAction(flags, async (io) => (await import('./show-caches.ts')).showCaches(io, { spec, names, flags })),
    );
  withHelp(command, {
    examples: [
      ['nightshift cache show', 'of the jobs of jobs.yaml, and all models'],
      ['nightshift cache show jobs.yaml glosses --json', 'of one job, for a program'],
    ],
  });
}

function addClear(cache: Command): void {
  const command = addSetOption(
    cache
      .command('clear')
      .summary('forget what is kept')
      .description(
        `Forgets predictions and optimised models. Runs may go on meanwhile: they make again what they need.`,
      )
      .argument('[spec]', specArgument)
      .argument('[jobs...]', jobsArgument),
  )
    .option('--older-than <span>', 'only what was not used for so long: 30d, 12h, 2w')
    .option('-n, --dry-run', 'show what would go')
    .option('--json', 'print one JSON document')
    .addOption(stateFolderOption())
    .action((spec: string | undefined, names: readonly string[], flags: CacheClearFlags) =>
      runAction(flags, async (io) => (await import('./clear-caches.ts')).clearCaches(io, { spec, names, flags })),
    );
  withHelp(command, {
    examples: [
      ['nightshift cache clear --older-than 30d --dry-run', 'what would go, and how much'],
      ['nightshift cache clear jobs.yaml glosses', 'all that is kept for one job'],
    ],
  });
}
