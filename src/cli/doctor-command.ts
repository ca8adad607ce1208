import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { AppError } from '../core/errors.ts';
import { defaultStateFolder, environment } from '../core/host.ts';
import type { Device } from '../executor/contract.ts';
import type { Finding } from '../run/doctor-finding.ts';
import { runAction } from './action.ts';
import { pluralText } from './aligned.ts';
import type { Paint } from './colour.ts';
import { withHelp } from './help-text.ts';
import { errorText } from './show-error.ts';

interface DoctorFlags {
  readonly stateDir?: string;
  readonly json?: boolean;
}

export function addDoctorCommand(program: Command): void {
  const command = program
    .command('doctor')
    .summary('check that this machine can run and schedule jobs')
    .description('Checks that this machine can run and schedule jobs, and says how to mend what is amiss.')
    .option('--state-dir <folder>', 'the folder of run history')
    .option('--json', 'print one JSON document')
    .action((flags: DoctorFlags) =>
      runAction(flags, async (io) => {
        const { doctor } = await import('../run/doctor.ts');
        const findings = await doctor({
          env: environment(),
          stateFolder: flags.stateDir === undefined ? defaultStateFolder() : resolve(flags.stateDir),
          workingFolder: process.cwd(),
          temporaryFolder: tmpdir(),
          probeEntry: (await import('./context.ts')).workerEntry('probe'),
          findGpus,
          now: new Date(),
        });
        io.out(
          flags.json === true
            ? `${JSON.stringify(doctorJson(findings), undefined, 2)}\n`
            : doctorText(findings, io.paintOut),
        );
        const failed = findings.filter((finding) => finding.status === 'fail');
        if (failed.length === 0) return 0;
        const error = new AppError(
          'ENVIRONMENT_UNFIT',
          `${pluralText(failed.length, 'check')} failed: ${failed.map((finding) => finding.name).join(', ')}`,
          {
            hint: 'each has its fix below it',
          },
        );
        // The document on stdout says it already.
        io.err(errorText(error));
        return error.exitCode;
      }),
    );
  withHelp(command, {
    examples: [
      ['nightshift doctor', 'each check with ok, warn or FAIL, and a fix'],
      ['nightshift doctor --json', 'the same for a script; exit 4 when something fails'],
    ],
  });
}

/** The adapters load DuckDB; where that fails, doctor is the one to say so, and goes on without them. */
async function findGpus(): Promise<readonly Device[]> {
  const { newPorts } = await import('./context.ts');
  const devices = await newPorts().findDevices('all');
  return devices.filter((device) => device.kind === 'cuda');
}

function doctorText(findings: readonly Finding[], paint: Paint): string {
  const marks = { ok: paint('green', 'ok  '), warn: paint('yellow', 'warn'), fail: paint('red', 'FAIL') };
  const width = Math.max(...findings.map((finding) => finding.name.length));
  return findings
    .map(({ name, status, text, fix }) => {
      const line = `${marks[status]}  ${name.padEnd(width)}  ${text}\n`;
      return fix === undefined ? line : `${line}${' '.repeat(8 + width)}fix: ${fix}\n`;
    })
    .join('');
}

function doctorJson(findings: readonly Finding[]): object {
  const count = (status: Finding['status']) => findings.filter((finding) => finding.status === status).length;
  return { v: 1, ok: count('fail') === 0, warnings: count('warn'), failures: count('fail'), checks: findings };
}
