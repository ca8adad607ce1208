import { resolve } from 'node:path';
import type { JobSpec } from './job-spec.ts';
import type { Pieces, Template } from './template.ts';

type Dated = Pick<JobSpec, 'name' | 'baseDir' | 'model' | 'templates'>;

/** Takes the place of a template while the path around it is resolved: no path has it. */
const mark = '\0';

/** What the absolute paths of a job's models look like, whatever date or run they are for. */
export function modelPathForm({ name, baseDir, model, templates }: Dated): RegExp {
  const pieces: Pieces = templates?.get('model.path') ?? [model.path];
  const stand = pieces.filter((piece) => typeof piece === 'object');
  const text = pieces.map((piece) => (typeof piece === 'string' ? piece : mark)).join('');
  const between = resolve(baseDir, text).split(mark).map(literally);
  const forms = [...stand.map((template) => templateForm(template, name)), ''];
  return new RegExp(`^${between.map((part, at) => part + (forms[at] ?? '')).join('')}$`, 's');
}

function templateForm(template: Template, job: string): string {
  switch (template.name) {
    case 'job':
      return literally(job);
    case 'run.id':
      return '[A-Za-z0-9-]+';
    case 'date':
      return template.format.replace(/%(.)|[^%]+/gsu, (text, directive: string | undefined) =>
        directive === undefined ? literally(text) : directiveForm(directive),
      );
  }
}

/** Names of months and offsets are what is left. */
function directiveForm(directive: string): string {
  if (directive === '%') return '%';
  return /[YymdHMSjGVus]/.test(directive) ? '-?\\d+' : '[A-Za-z0-9+-]+';
}

function literally(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
