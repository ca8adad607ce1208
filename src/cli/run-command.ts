import type { Command } from 'commander';
import { AppError } from '../core/errors.ts';
import { environment } from '../core/host.ts';
import { nearest } from '../core/suggest.ts';
import { runJob } from '../run/run-job.ts';
import type { JobSpec } from '../spec/job-spec.ts';
import { type LoadedSpec, loadSpec } from '../spec/load-spec.ts';
import { formatLocation, formatPath } from '../spec/location.ts';
import { newPorts } from './context.ts';
import { processIo } from './io.ts';
import { showError } from './show-error.ts';

interface RunFlags {
  readonly set: readonly string[];
  readonly json?: boolean;
  readonly restart?: boolean;
}

export function addRunCommand(program: Command): void {
  program
    .command('run')
    .description('score the jobs of a spec and publish their predictions')
    .argument('[spec]', 'the job spec', 'jobs.yaml')
    .argument('[jobs...]', 'jobs to run; all, in order, when none is named')
    .option(
      '--set <path=value>',
      'override a value of the spec',
      (value: string, all: readonly string[]) => [...all, value],
      [],
    )
    .option('--json', 'print events as NDJSON')
    .option('--restart', 'discard an unfinished run and score everything anew')
    .action(async (spec: string, names: readonly string[], flags: RunFlags) => {
      process.exitCode = await runCommand(spec, names, flags);
    });
}

async function runCommand(path: string, names: readonly string[], flags: RunFlags): Promise<number> {
  const io = processIo();
  try {
    const spec = await loadSpec({ path, env: environment(), overrides: flags.set });
    const ports = newPorts();
    for (const job of chooseJobs(spec, names)) {
      const locate = (place: readonly (string | number)[]) => {
        const full = ['jobs', job.name, ...place];
        return `${formatLocation(spec.where(full))} ${formatPath(full)}`;
      };
      const events = runJob(ports, {
        job,
        baseDir: spec.baseDir,
        locate,
        restart: flags.restart === true,
        signal: new AbortController().signal,
      });
      for await (const event of events) io.err(`${JSON.stringify(event)}\n`);
    }
    return 0;
  } catch (error) {
    return showError(io, error, flags.json === true);
  }
}

function chooseJobs(spec: LoadedSpec, names: readonly string[]): readonly JobSpec[] {
  if (names.length === 0) return spec.jobs;
  const all = spec.jobs.map((job) => job.name);
  return names.map((name) => {
    const job = spec.jobs.find((candidate) => candidate.name === name);
    if (job !== undefined) return job;
    const near = nearest(name, all);
    throw new AppError('USAGE', `${spec.path} has no job ${name}`, {
      hint: near === undefined ? `its jobs are ${all.join(', ')}` : `did you mean ${near}?`,
    });
  });
}
