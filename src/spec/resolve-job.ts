import type { z } from 'zod';
import { closedMap } from './fields.ts';
import { type Finding, findingsOf, pathOf } from './findings.ts';
import { type JobSpec, jobSchema, type NotifySpec } from './job-spec.ts';
import { type Layer, ownerOf } from './layers.ts';
import { formatPath, type SpecLocation, type SpecPath } from './location.ts';
import { notifySchema } from './notify-schema.ts';
import { mapTexts, merged, valueAt, withValueAt } from './plain-data.ts';
import type { SpecProblem } from './problems.ts';
import type { Pieces } from './template.ts';

export type ResolvedJob =
  | { readonly state: 'valid'; readonly job: JobSpec }
  | { readonly state: 'invalid'; readonly problems: readonly SpecProblem[] };

export interface JobSource {
  readonly name: string;
  readonly baseDir: string;
  /** Weakest first: the defaults, the job, then each `--set`. */
  readonly layers: readonly [Layer, Layer, ...Layer[]];
}

/** Merges the layers of a job and validates the result; problems name the layer that the value comes from. */
export function resolveJob({ name, baseDir, layers }: JobSource): ResolvedJob {
  const written = layers.map((layer) => layer.data).reduce(merged);
  const templateAt = (path: SpecPath) => templateOf(layers, path);
  let data = written;
  let result = jobSchema.safeParse(data);
  if (!result.success) {
    data = withFilledNumbers(data, result.error, templateAt);
    result = jobSchema.safeParse(data);
  }
  if (result.success) return { state: 'valid', job: { name, baseDir, ...result.data, ...templatesOf(layers, data) } };
  const findings = findingsOf(result.error, { schema: jobSchema, data, templateAt });
  return { state: 'invalid', problems: findings.flatMap((finding) => problemOf(finding, layers)) };
}

const notifyOnly = closedMap({ notify: notifySchema.optional() });

/** Who is to be told of a job, whatever else is wrong with it; undefined where nobody is, or that part is wrong, too. */
export function resolveNotify({ layers }: JobSource): NotifySpec | undefined {
  const isOfNotify = ({ prefix, problems }: Layer) => problems.some(({ path }) => path[prefix.length] === 'notify');
  if (layers.some(isOfNotify)) return undefined;
  const notify = valueAt(layers.map((layer) => layer.data).reduce(merged), ['notify'])?.value;
  if (notify === undefined) return undefined;
  const data = { notify };
  const result = notifyOnly.safeParse(data);
  if (result.success) return result.data.notify;
  return notifyOnly.safeParse(withFilledNumbers(data, result.error, (path) => templateOf(layers, path))).data?.notify;
}

/** The merged job's texts with templates; a path that is no list counts as a list of one. */
function templatesOf(layers: JobSource['layers'], data: unknown): Pick<JobSpec, 'templates'> {
  const templates = new Map<string, Pieces>();
  mapTexts(data, (text, path) => {
    const key = formatPath(path);
    const owner = ownerOf(layers, path);
    const pieces = owner.path.length === path.length ? owner.layer.pieces.get(key) : undefined;
    if (pieces !== undefined) templates.set(key === 'input.path' ? `${key}[0]` : key, pieces);
    return text;
  });
  return templates.size === 0 ? {} : { templates };
}

/** A variable's value is always a text; where the schema does not want one, it may be the number or boolean it spells. */
function withFilledNumbers(
  data: unknown,
  error: z.ZodError,
  templateAt: (path: SpecPath) => string | undefined,
): unknown {
  return error.issues.map(pathOf).reduce((changed, path) => {
    const text = valueAt(changed, path)?.value;
    if (typeof text !== 'string' || templateAt(path) === undefined) return changed;
    if (/^-?\d+(\.\d+)?$/.test(text)) return withValueAt(changed, path, Number(text));
    return text === 'true' || text === 'false' ? withValueAt(changed, path, text === 'true') : changed;
  }, data);
}

function templateOf(layers: JobSource['layers'], path: SpecPath): string | undefined {
  const owner = ownerOf(layers, path);
  return owner.path.length === path.length ? owner.layer.templates.get(formatPath(path)) : undefined;
}

function problemOf({ path, at, text, hint, isAbsent }: Finding, layers: JobSource['layers']): readonly SpecProblem[] {
  // What is missing belongs into the job, even where the defaults have the map around it.
  const { layer, path: found } = isAbsent ? { layer: layers[1], path } : ownerOf(layers, at);
  // A value whose variable is missing was reported as that; what the schema says about the empty rest is noise.
  const isKnown = layer.problems.some((problem) => formatPath(problem.path) === formatPath([...layer.prefix, ...path]));
  if (isKnown) return [];
  const location = layer.locate(found);
  return [{ location, path: [...layer.prefix, ...path], text, hint: asWrittenAt(location, hint) }];
}

/** An example is written as the value was: as YAML in a file and after `--set`, and as an option after its own. */
function asWrittenAt(location: SpecLocation, hint: string): string {
  if (location.type === 'file' || location.option.startsWith('--set ')) return hint;
  return hint.replace(/^write for example `\w+: (.*)`$/, `write for example \`${location.option} $1\``);
}
