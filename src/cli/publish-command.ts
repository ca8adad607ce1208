import { resolve } from 'node:path';
import type { Command } from 'commander';
import { checkText, resultText } from '../plan/check-result.ts';
import { type Publication, publishOutput } from '../run/publish-output.ts';
import { runAction } from './action.ts';
import { aligned, countText, pluralText } from './aligned.ts';
import type { Paint } from './colour.ts';
import { withHelp } from './help-text.ts';
import { shownPath } from './shown-path.ts';

interface PublishFlags {
  readonly force?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export function addPublishCommand(program: Command): void {
  const command = program
    .command('publish')
    .summary('publish a run that is scored, and was held back by a check')
    .description(
      `Publishes the latest run of an output that is scored to the end and not published, without scoring anything.
Its checks are evaluated again first; a run with shards missing is never published.`,
    )
    .argument('<output>', 'the folder that output.path of a job names')
    .argument('[run]', 'the id of the run; the latest one that is scored to the end if left out')
    .option('-f, --force', 'publish in spite of failed checks and too many rejects; the manifest says so')
    .option('-n, --dry-run', 'evaluate the checks, and publish nothing')
    .option('--json', 'print one JSON document')
    .action((output: string, runId: string | undefined, flags: PublishFlags) =>
      runAction(flags, async (io) => {
        const { newPorts } = await import('./context.ts');
        const { Interruption } = await import('./interruption.ts');
        using interruption = new Interruption();
        const publication = await publishOutput(newPorts(), {
          outputFolder: resolve(output),
          runId,
          force: flags.force === true,
          dryRun: flags.dryRun === true,
          signal: interruption.signal,
        });
        io.out(flags.json === true ? publicationJson(publication) : publicationText(publication, io.paintOut));
        return 0;
      }),
    );
  withHelp(command, {
    examples: [
      ['nightshift publish out/late-flights --dry-run', 'exit 0 when it may be published, 3 when not'],
      ['nightshift publish out/late-flights --force', 'publish in spite of failed checks'],
      ['nightshift publish out/late-flights 20261124T023000Z-1f9c2a', 'publish this run'],
    ],
  });
}

function publicationJson({ overruled, ...publication }: Publication): string {
  const errors = overruled.map(({ code, message }) => ({ code, message }));
  return `${JSON.stringify({ v: 1, ...publication, forced: overruled.length > 0, overruled: errors }, undefined, 2)}\n`;
}

function failed({ severity }: Publication['checks'][number], paint: Paint): string {
  return severity === 'warn' ? paint('yellow', 'warn') : paint('red', 'FAIL');
}

function publicationText(publication: Publication, paint: Paint): string {
  const { runId, output, published, rows, parts, checks, overruled } = publication;
  const how = published ? 'published' : 'would publish';
  const forced = overruled.map(({ code }) => `${code} set aside`);
  const title = `${how} ${pluralText(rows.out, 'row')} of run ${runId}`;
  const table = [
    ['rows', `${countText(rows.in)} in, ${countText(rows.out)} out, ${countText(rows.rejected)} rejected`],
    ['output', `${shownPath(output, process.cwd())}  ${pluralText(parts, 'part')}`],
    ...(forced.length === 0 ? [] : [['forced', paint('yellow', forced.join(', '))]]),
    ...checks.map((check) =>
      check.passed ? [paint('green', 'ok'), resultText(check)] : [failed(check, paint), checkText(check)],
    ),
  ];
  return `${title}\n${aligned(table, { indent: 2 })}`;
}
