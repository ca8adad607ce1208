import { AppError } from '../../src/core/errors.ts';
import type { Env } from '../../src/spec/interpolate.ts';
import type { JobSpec } from '../../src/spec/job-spec.ts';
import { type LoadedSpec, type LoadSpecOptions, parseSpec } from '../../src/spec/load-spec.ts';

export interface Surroundings {
  readonly env?: Env;
  readonly overrides?: NonNullable<LoadSpecOptions['overrides']>;
}

export function parse(text: string, { env = {}, overrides = [] }: Surroundings = {}): LoadedSpec {
  return parseSpec({ text, path: '/specs/jobs.yaml', env, overrides });
}

/** The only job of a spec. */
export function parseJob(text: string, surroundings?: Surroundings): JobSpec {
  const [job, ...others] = parse(text, surroundings).jobs;
  if (job === undefined || others.length > 0) throw new Error('expected exactly one job');
  return job;
}

/** A spec with one job `a`, given the lines under its name. */
export function withJob(...lines: readonly string[]): string {
  return ['version: 1', 'jobs:', '  a:', ...lines.map((line) => `    ${line}`), ''].join('\n');
}

/** The same, with model, input and output already there: the lines given begin at line 7. */
export function withMinimalJob(...lines: readonly string[]): string {
  return withJob('model: m.onnx', 'input: in.csv', 'output: out', ...lines);
}

/** What a spec is refused with: its messages without the folder, each with its hint. */
export function refusal(text: string, surroundings?: Surroundings) {
  try {
    parse(text, surroundings);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { code: error.code, message: withoutFolder(error.message), hint: error.hint, details: error.details };
  }
  throw new Error('the spec was accepted');
}

export function withoutFolder(message: string): string {
  return message.replaceAll('/specs/', '');
}
