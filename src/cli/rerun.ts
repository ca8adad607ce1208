import { resolve } from 'node:path';
import { batchIn } from '../plan/batch-size.ts';
import { compareRerun, prepareRerun, type Rerun, type RerunResult } from '../run/rerun-output.ts';
import { runJob } from '../run/run-job.ts';
import { aligned, pluralText } from './aligned.ts';
import { batchText } from './batch-text.ts';
import { chooseReporter } from './choose-reporter.ts';
import type { Paint } from './colour.ts';
import { newPorts } from './context.ts';
import { Interruption } from './interruption.ts';
import type { Io } from './io.ts';
import { packageVersion } from './package-version.ts';
import { shownPath } from './shown-path.ts';

export interface RerunFlags {
  readonly into?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

const mostListed = 8;

/** Scores the published run of an output once more. @returns the exit code */
export async function rerun(io: Io, output: string, flags: RerunFlags): Promise<number> {
  using interruption = new Interruption({ hint: 'run the same command again to go on; finished shards are kept' });
  const { signal } = interruption;
  const ports = newPorts();
  const into = flags.into === undefined ? undefined : resolve(flags.into);
  const found = await prepareRerun(ports, { outputFolder: resolve(output), into, signal });
  const result = flags.dryRun === true ? undefined : await scored(io, found, { signal, isJson: flags.json === true });
  io.out(flags.json === true ? rerunJson(found, result) : rerunText(found, result, io.paintOut));
  return result?.isEqual === false ? 3 : 0;
}

async function scored(
  io: Io,
  found: Rerun,
  { signal, isJson }: { readonly signal: AbortSignal; readonly isJson: boolean },
): Promise<RerunResult> {
  const ports = newPorts();
  using reporter = chooseReporter(io, { quiet: isJson });
  const options = { restart: false, isRepeat: true, resume: undefined, waitMs: 0, signal };
  for await (const event of runJob(ports, { ...found.request, ...options })) reporter.report(event);
  return compareRerun(ports, found);
}

function rerunJson({ output, into, run, plan }: Rerun, result: RerunResult | undefined): string {
  const document = {
    v: 1,
    output,
    into,
    dryRun: result === undefined,
    repeats: run.runId,
    runId: result?.runId,
    equal: result?.isEqual,
    nightshift: { former: run.nightshift, now: packageVersion() },
    providers: { former: run.providers, now: result?.providers },
    ...batchIn(run),
    shards: plan.shards.length,
    parts: result?.parts.map((part) => ({ ...part, equal: part.former === part.sha256 })),
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

function rerunText(found: Rerun, result: RerunResult | undefined, paint: Paint): string {
  const { into, run, plan } = found;
  const where = ['output', shownPath(into, process.cwd())];
  const shards = ['shards', `${pluralText(plan.shards.length, 'shard')}, batches of ${batchText(run)}`];
  if (result === undefined) return `run ${run.runId} can be repeated\n${aligned([where, shards], { indent: 2 })}`;
  const different = result.parts.filter((part) => part.former !== part.sha256);
  const verdict = result.isEqual
    ? paint('green', `${pluralText(result.parts.length, 'part')} with the same sha256`)
    : paint('red', `${different.length} of ${pluralText(result.parts.length, 'part')} with another sha256`);
  const rows = [
    where,
    shards,
    ...different.slice(0, mostListed).map(({ name, former = 'no part', sha256 = 'no part' }) => {
      return [paint('red', 'DIFF'), `${name}  ${former.slice(0, 12)} became ${sha256.slice(0, 12)}`];
    }),
    ...(different.length > mostListed ? [['', `and ${different.length - mostListed} more`]] : []),
    ...changeRow('ran on', run.providers.join(', '), result.providers.join(', ')),
    ...changeRow('version', run.nightshift, packageVersion()),
  ];
  return `run ${run.runId} repeated as ${result.runId}: ${verdict}\n${aligned(rows, { indent: 2 })}`;
}

/** What may explain a difference. */
function changeRow(name: string, former: string, now: string): readonly (readonly string[])[] {
  return former === now ? [] : [[name, `${now}, and ${former} before`]];
}
