import { AppError } from '../core/errors.ts';
import { machineZone, shift, strftime } from '../core/zoned-date.ts';
import type { FeatureSpec, JobSpec } from './job-spec.ts';
import { formatPath } from './location.ts';
import { filledPredicate } from './predicate-template.ts';
import type { DateTemplate, Pieces, Template } from './template.ts';

/** What is known of a run when its job is filled. */
export interface Filling {
  /** Epoch milliseconds. */
  readonly logicalDate: number;
  readonly zone: string;
  readonly runId: string;
}

/** The zone that a job's dates are seen in. */
export function zoneOf(job: Pick<JobSpec, 'schedule'>): string {
  return job.schedule?.timeZone ?? machineZone();
}

/** Whether a job has templates to fill; of one name, if that is given. */
export function usesTemplates(job: JobSpec, name?: Template['name']): boolean {
  return [...(job.templates?.values() ?? [])]
    .flat()
    .some((piece) => typeof piece === 'object' && (name === undefined || piece.name === name));
}

/**
 * A job whose templates are filled. A value cannot be more than the part of a path, or the literal in a condition, that
 * its template stands for.
 * @throws AppError USAGE for a run id that is none, or a date that four digits of a year cannot hold
 */
export function fillTemplates(job: JobSpec, filling: Filling): JobSpec {
  const { templates, ...rest } = job;
  if (templates === undefined) return job;
  const valueFor = (template: Template) => templateValue(template, job.name, filling);
  const path = (pieces: Pieces | undefined, text: string) =>
    pieces === undefined ? text : pieces.map((piece) => (typeof piece === 'string' ? piece : valueFor(piece))).join('');
  const { model, input, output, features } = job;
  const filled = ([name, feature]: readonly [string, FeatureSpec]): [string, FeatureSpec] => {
    if (!('tokenizer' in feature)) return [name, feature];
    const pieces = templates.get(formatPath(['features', name, 'tokenizer']));
    return [name, { ...feature, tokenizer: path(pieces, feature.tokenizer) }];
  };
  const where = templates.get('input.where');
  return {
    ...rest,
    model: { ...model, path: path(templates.get('model.path'), model.path) },
    ...(features === undefined ? {} : { features: Object.fromEntries(Object.entries(features).map(filled)) }),
    input: {
      ...input,
      paths: input.paths.map((text, at) => path(templates.get(`input.path[${at}]`), text)),
      ...(where === undefined ? {} : { where: filledPredicate(where, valueFor) }),
    },
    output: { ...output, path: path(templates.get('output.path'), output.path) },
  };
}

/** A part of a file's name, no more: it may come from the command line. */
const runIdForm = /^[A-Za-z0-9][A-Za-z0-9-]*$/;

function templateValue(template: Template, job: string, filling: Filling): string {
  switch (template.name) {
    case 'date':
      return dateValue(template, filling);
    case 'job':
      return job;
    case 'run.id':
      return checkedRunId(filling.runId);
  }
}

function dateValue({ source, steps, format }: DateTemplate, { logicalDate, zone }: Filling): string {
  const date = steps.reduce((ms, by) => shift(ms, zone, by), logicalDate);
  const year = Number(strftime(date, zone, '%Y'));
  if (year >= 1 && year <= 9999) return strftime(date, zone, format);
  throw new AppError('USAGE', `${source}: is not in the years 1 to 9999`, {
    hint: 'take smaller steps, or another date',
  });
}

function checkedRunId(runId: string): string {
  if (runIdForm.test(runId)) return runId;
  throw new AppError('USAGE', `${JSON.stringify(runId)} is not the id of a run`, {
    hint: 'ids are like 20261124T023000Z-1f9c2a',
  });
}
