import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { isVerified, type Verification, verifyOutput } from '../run/verify-output.ts';
import { runAction } from './action.ts';
import { aligned, countText, pluralText } from './aligned.ts';
import type { Paint } from './colour.ts';
import { withHelp } from './help-text.ts';

export function addVerifyCommand(program: Command): void {
  const command = program
    .command('verify')
    .description('hold a published output against its manifest: files, sha256, rows and the row ledger')
    .argument('<output>', 'the folder that output.path of a job names')
    .addOption(new Option('--json', 'print one JSON document'))
    .action((output: string, flags: { readonly json?: boolean }) =>
      runAction(flags, async (io) => {
        const { newPorts } = await import('./context.ts');
        const verification = await verifyOutput(newPorts(), resolve(output));
        io.out(
          flags.json === true
            ? `${JSON.stringify(verificationJson(verification), undefined, 2)}\n`
            : verificationText(verification, io.paintOut),
        );
        return isVerified(verification) ? 0 : 3;
      }),
    );
  withHelp(command, {
    examples: [
      ['nightshift verify out/late-flights', 'exit 0 when all agrees, 3 when something does not'],
      ['nightshift verify out/late-flights --json', 'the same for a script'],
    ],
  });
}

function verificationJson(verification: Verification): object {
  const { output, manifest, checks, rowCount } = verification;
  return {
    v: 1,
    output,
    verified: isVerified(verification),
    rows: rowCount,
    parts: manifest.parts.length,
    runs: manifest.runs.map((run) => ({
      runId: run.runId,
      job: run.job,
      publishedAt: run.publishedAt,
      rows: run.rows,
    })),
    checks: checks.map(({ name, problems }) => ({ name, ok: problems.length === 0, problems })),
  };
}

function verificationText(verification: Verification, paint: Paint): string {
  const { output, manifest, checks, rowCount } = verification;
  const lines = checks.flatMap(({ name, problems }) => {
    const [first, ...others] = problems;
    if (first === undefined) return [[paint('green', 'ok'), name, told(name, verification)]];
    return [[paint('red', 'FAIL'), name, first], ...others.map((problem) => ['', '', problem])];
  });
  const title = `${output}: ${pluralText(rowCount, 'row')} in ${pluralText(manifest.parts.length, 'part')}, ${pluralText(manifest.runs.length, 'run')}`;
  return `${title}\n${aligned(lines, { indent: 2 })}`;
}

/** What a check that holds has looked at. */
function told(name: string, { manifest, checks }: Verification): string {
  switch (name) {
    case 'parts':
      return `${countText(manifest.parts.length)} by size and sha256`;
    case 'rows':
      return checks.some((check) => check.name === 'parts' && check.problems.length > 0)
        ? 'counted in every part that is whole'
        : 'counted in every part';
    case 'ledger':
      return manifest.runs
        .map(
          ({ rows }) =>
            `${countText(rows.in)} in = ${countText(rows.out)} out + ${countText(rows.rejected)} rejected + ${countText(rows.filtered)} filtered`,
        )
        .join('; ');
    case 'rejects':
      return countText(manifest.runs.reduce((sum, run) => sum + run.rows.rejected, 0));
    case 'files':
      return 'none that the manifest does not name';
    default:
      return 'there';
  }
}
