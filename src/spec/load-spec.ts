import { createReadStream } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { AppError, messageOf } from '../core/errors.ts';
import { systemCode } from '../core/files.ts';
import { nearestFile } from '../core/nearest-file.ts';
import { findingsOf, unknownKey } from './findings.ts';
import type { Env } from './interpolate.ts';
import { frameSchema, type JobSpec, jobNamePattern } from './job-spec.ts';
import { type Layer, layerOf, ownerOf } from './layers.ts';
import type { PlaceInText, SpecLocation, SpecPath } from './location.ts';
import { type Override, parseOverride, type WrittenOverride } from './override.ts';
import { isPlainMap, type PlainMap } from './plain-data.ts';
import { type SpecProblem, throwProblems } from './problems.ts';
import { type JobSource, resolveJob } from './resolve-job.ts';
import { readYaml, type YamlDocument } from './yaml-document.ts';

export const maxSpecBytes = 1_000_000;

export interface LoadSpecOptions {
  /** The spec file, as the user wrote it: messages name it so. */
  readonly path: string;
  /** Environment variables that `${VAR}` may name. */
  readonly env: Env;
  /** In the order in which they win, the last one most. */
  readonly overrides?: readonly WrittenOverride[];
}

export interface LoadedSpec {
  readonly path: string;
  /** The absolute folder of the spec file. */
  readonly baseDir: string;
  /** In the order of the file, at least one. */
  readonly jobs: readonly JobSpec[];
  /**
   * Where a value was written, e.g. `['jobs', 'late-flights', 'output', 'path']`: in the job, in the defaults, or in
   * a `--set`; if it wasn't written, where its nearest parent was. With a place in the text that the value is, that
   * place, if the file has the text as it is.
   */
  readonly where: (path: SpecPath, within?: PlaceInText) => SpecLocation;
}

/**
 * Reads and validates a spec file.
 * @throws AppError SPEC_NOT_FOUND when it cannot be read, SPEC_INVALID with all its problems, USAGE for a bad `--set`.
 */
export async function loadSpec(options: LoadSpecOptions): Promise<LoadedSpec> {
  return parseSpec({ ...options, text: await readText(options.path) });
}

/** `loadSpec` without the file system. */
export function parseSpec({
  text,
  path,
  env,
  overrides = [],
}: LoadSpecOptions & { readonly text: string }): LoadedSpec {
  if (Buffer.byteLength(text) > maxSpecBytes) throw tooLarge(path);
  const document = readYaml({ text, file: path });
  const baseDir = resolve(dirname(path));
  const { sources, problems } = jobSources(document, { env, baseDir, overrides: overrides.map(parseOverride) });
  const resolved = sources.map(resolveJob);
  throwProblems([
    ...problems,
    ...sources.flatMap(({ layers }) => layers.flatMap((layer) => layer.problems)),
    ...resolved.flatMap((result) => (result.state === 'invalid' ? result.problems : [])),
  ]);
  return {
    path,
    baseDir,
    jobs: resolved.flatMap((result) => (result.state === 'valid' ? [result.job] : [])),
    where: (path, within) => locate({ path, within }, document, sources),
  };
}

interface Surroundings {
  readonly env: Env;
  readonly baseDir: string;
  readonly overrides: readonly Override[];
}

/** Every job with its layers, and what is wrong with the frame around them. */
export function jobSources(document: YamlDocument, { env, baseDir, overrides }: Surroundings) {
  const frame = frameSchema.safeParse(document.data);
  const problems: SpecProblem[] = frame.success
    ? []
    : findingsOf(frame.error, { schema: frameSchema, data: document.data }).map(({ at, ...finding }) => ({
        ...finding,
        location: document.locate(at),
      }));
  const data: PlainMap = isPlainMap(document.data) ? document.data : {};
  const jobs = isPlainMap(data['jobs']) ? data['jobs'] : {};
  const names = Object.keys(jobs);
  const fileLayer = (prefix: SpecPath, written: unknown) =>
    layerOf(
      { written, prefix, depth: 0, locate: (path, within) => document.locate([...prefix, ...path], within) },
      env,
    );

  const defaults = fileLayer(['defaults'], isPlainMap(data['defaults']) ? data['defaults'] : {});
  const overrideLayers = overrides.map((override) => overrideLayer(override, names, env));
  problems.push(...names.flatMap((name) => nameProblems(name, document)));
  problems.push(...overrideLayers.flatMap(({ problem }) => (problem === undefined ? [] : [problem])));
  const sources = names.map((name): JobSource => {
    const own = fileLayer(['jobs', name], jobs[name]);
    const set = overrideLayers.flatMap(({ layer, job }) => (layer && (job ?? name) === name ? [layer] : []));
    return { name, baseDir, layers: [defaults, own, ...set] };
  });
  return { sources, problems };
}

function nameProblems(name: string, document: YamlDocument): readonly SpecProblem[] {
  if (jobNamePattern.test(name)) return [];
  const text = `${JSON.stringify(name)} is not a job name`;
  const hint = 'use letters, digits, dots, dashes and underscores, and begin with a letter or digit';
  return [{ location: document.locate(['jobs', name]), path: ['jobs'], text, hint }];
}

interface OverrideLayer {
  readonly layer?: Layer;
  /** The only job that it is for. */
  readonly job?: string;
  readonly problem?: SpecProblem;
}

function overrideLayer({ option, path, value }: Override, names: readonly string[], env: Env): OverrideLayer {
  const location: SpecLocation = { type: 'override', option };
  const [first, ...rest] = path;
  if (first !== 'jobs') return { layer: layerAlong(path, value, { location, env }) };
  // Job names may have dots in them, so the longest name that fits is meant.
  const named = names
    .filter((name) => `${rest.join('.')}.`.startsWith(`${name}.`))
    .sort((a, b) => b.length - a.length)[0];
  if (named === undefined || rest.join('.') === named) {
    const { text, hint } =
      named === undefined && rest[0] !== undefined ? unknownKey(['jobs'], rest[0], names) : namesNoSetting;
    return { problem: { location, path, text, hint } };
  }
  return { job: named, layer: layerAlong(rest.slice(named.split('.').length), value, { location, env }) };
}

const namesNoSetting = {
  text: 'names no setting of a job',
  hint: 'write for example `--set jobs.NAME.execution.batchSize=256`',
};

function layerAlong(
  path: readonly string[],
  value: unknown,
  { location, env }: { location: SpecLocation; env: Env },
): Layer {
  const written = path.reduceRight((inner: unknown, key) => Object.fromEntries([[key, inner]]), value);
  return layerOf({ written, prefix: [], depth: path.length, locate: () => location }, env);
}

interface Place {
  readonly path: SpecPath;
  readonly within: PlaceInText | undefined;
}

function locate({ path, within }: Place, document: YamlDocument, sources: readonly JobSource[]): SpecLocation {
  const [section, name, ...rest] = path;
  const source = section === 'jobs' ? sources.find((candidate) => candidate.name === name) : undefined;
  if (source === undefined) return document.locate(path, within);
  const owner = ownerOf(source.layers, rest);
  return owner.layer.locate(owner.path, owner.path.length === rest.length ? within : undefined);
}

export async function readText(path: string): Promise<string> {
  const chunks: Buffer[] = [];
  try {
    // One byte more than allowed is enough to know; a device or a pipe need not end.
    for await (const chunk of createReadStream(path, { end: maxSpecBytes })) chunks.push(Buffer.from(chunk));
  } catch (cause) {
    const near = systemCode(cause) === 'ENOENT' ? await nearestFile(path) : undefined;
    const hint = near === undefined ? '`nightshift init MODEL DATASET` writes a spec' : `did you mean ${near}?`;
    throw new AppError('SPEC_NOT_FOUND', `${path}: ${readFailure(cause)}`, { hint, cause, details: { file: path } });
  }
  const bytes = Buffer.concat(chunks);
  if (bytes.byteLength > maxSpecBytes) throw tooLarge(path);
  return bytes.toString('utf8');
}

function readFailure(cause: unknown): string {
  switch (cause instanceof Error && 'code' in cause ? cause.code : undefined) {
    case 'ENOENT':
    case 'ENOTDIR':
      return 'there is no such file';
    case 'EISDIR':
      return 'is a folder, not a spec file';
    case 'EACCES':
    case 'EPERM':
      return 'may not be read';
    default:
      return `cannot be read: ${messageOf(cause)}`;
  }
}

function tooLarge(path: string): AppError {
  return new AppError('SPEC_INVALID', `${path}: is larger than ${maxSpecBytes} bytes`, {
    hint: 'split the jobs over several files',
    details: { file: path },
  });
}
