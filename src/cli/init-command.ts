import { access } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { AppError } from '../core/errors.ts';
import { makeFolder, writeFileAtomic } from '../core/files.ts';
import { environment } from '../core/host.ts';
import { shellWord } from '../core/shell-word.ts';
import type { DatasetFormat } from '../dataset/contract.ts';
import type { InitializedJob } from '../run/init-job.ts';
import { runAction } from './action.ts';
import { pluralText } from './aligned.ts';
import { formatOption } from './data-options.ts';
import { withHelp } from './help-text.ts';
import type { Io } from './io.ts';

interface InitFlags {
  readonly output: string;
  readonly job?: string;
  readonly force?: boolean;
  readonly stdout?: boolean;
  readonly format: DatasetFormat | 'auto';
  readonly json?: boolean;
}

const schemaFile = 'jobs.schema.json';

export function addInitCommand(program: Command): void {
  const command = program
    .command('init')
    .summary('write a job spec for a model and a dataset')
    .description('Writes a job spec that runs as it is, with a comment on each guess.')
    .argument('<model>', 'an ONNX model')
    .argument('<dataset...>', 'files, globs or folders, which together are one dataset')
    .option('--output <file>', 'the spec to write', 'jobs.yaml')
    .option('--job <name>', 'name of the job; that of the model if left out')
    .option('--force', 'replace a spec that is there')
    .addOption(new Option('--stdout', 'print the spec instead of writing it').conflicts(['json', 'force']))
    .addOption(formatOption())
    .option('--json', 'print one JSON document')
    .action((model: string, data: readonly string[], flags: InitFlags) =>
      runAction(flags, (io) => initCommand(io, { model, data, flags })),
    );
  withHelp(command, {
    examples: [
      ["nightshift init model.onnx 'data/*.parquet'", 'write jobs.yaml'],
      ['nightshift init model.onnx data.csv --stdout', 'show it instead'],
      ['nightshift init model.onnx data/ --output nightly.yaml --job churn', 'another file, another name'],
    ],
  });
}

interface InitArguments {
  readonly model: string;
  readonly data: readonly string[];
  readonly flags: InitFlags;
}

async function initCommand(io: Io, { model, data, flags }: InitArguments): Promise<number> {
  const specPath = resolve(flags.stdout === true ? 'jobs.yaml' : flags.output);
  if (flags.stdout !== true && flags.force !== true && (await exists(specPath)))
    throw new AppError('USAGE', `${flags.output} is there already`, {
      hint: 'write another file with --output, or replace this one with --force',
    });
  if (flags.job !== undefined) await checkJobName(flags.job);
  const { newPorts } = await import('./context.ts');
  const { initJob } = await import('../run/init-job.ts');
  const format = flags.format;
  const job = await initJob(newPorts(), {
    model,
    data,
    format,
    specPath,
    baseDir: process.cwd(),
    job: flags.job,
    header: await header(dirname(specPath)),
  });
  if (flags.stdout === true) io.out(job.text);
  else {
    await makeFolder(dirname(specPath));
    await writeFileAtomic(specPath, job.text);
    report(io, job, flags);
  }
  return 0;
}

async function checkJobName(name: string): Promise<void> {
  const { jobNamePattern } = await import('../spec/job-spec.ts');
  if (jobNamePattern.test(name)) return;
  throw new AppError('USAGE', `--job ${JSON.stringify(name)} is not a job name`, {
    hint: 'use letters, digits, dots, dashes and underscores, and begin with a letter or digit',
  });
}

function report(io: Io, job: InitializedJob, { output, json }: InitFlags): void {
  const isUsual = resolve(output) === resolve('jobs.yaml');
  const next = `${isNpx(environment()) ? 'npx ' : ''}nightshift run${isUsual ? '' : ` ${shellWord(output)}`}`;
  if (json === true) {
    const missing = job.missingTokenizer === undefined ? [] : [job.missingTokenizer];
    io.out(`${JSON.stringify({ v: 1, path: resolve(output), job: job.name, checks: job.checks, missing, next })}\n`);
    return;
  }
  io.out(`wrote ${output} with the job ${job.name}\n`);
  if (job.checks.length > 0) {
    io.out(`${pluralText(job.checks.length, 'guess').replace(/guesss$/, 'guesses')} to check in it:\n`);
    for (const check of job.checks) io.out(`  ${check}\n`);
  }
  io.out(
    job.missingTokenizer === undefined ? `next: ${next}\n` : `${tokenizerText(job.missingTokenizer)}\nthen: ${next}\n`,
  );
}

function tokenizerText(path: string): string {
  const folder = relative(process.cwd(), dirname(path)) || '.';
  const save = `AutoTokenizer.from_pretrained('NAME').save_pretrained(${JSON.stringify(folder).replaceAll('"', "'")})`;
  const get = `python -c "from transformers import AutoTokenizer; ${save}"`;
  return `next: get ${basename(path)}, which the spec names; for a model of a hub: ${get}`;
}

/** npx puts the command on the path of this process alone. */
function isNpx(env: Readonly<Record<string, string | undefined>>): boolean {
  return env['npm_command'] === 'exec' && env['npm_execpath'] !== undefined;
}

async function header(folder: string): Promise<readonly string[]> {
  const about = ['Written by nightshift init. Lines marked CHECK are guesses; everything else follows from the files.'];
  if (await exists(join(folder, schemaFile))) return [`yaml-language-server: $schema=./${schemaFile}`, '', ...about];
  return [
    ...about,
    `For completion in an editor: \`nightshift schema > ${schemaFile}\`, and as the first line here`,
    `# yaml-language-server: $schema=./${schemaFile}`,
  ];
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
