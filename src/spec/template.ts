import { type DateShift, knownDirectives, unknownDirective } from '../core/zoned-date.ts';

/** A `${…}` that is filled when a run's date and id are known. */
export type Template = NameTemplate | DateTemplate;

interface NameTemplate {
  readonly name: 'job' | 'run.id';
  readonly source: string;
}

export interface DateTemplate {
  readonly name: 'date';
  readonly source: string;
  /** In the order in which they are taken. */
  readonly steps: readonly DateShift[];
  /** As strftime takes it. */
  readonly format: string;
}

/** A text in which templates stand. */
export type Pieces = readonly (string | Template)[];

/** Where a template may stand: in a path, or in the condition of input.where. */
export type TemplatePlace = 'path' | 'condition';

export type ParsedTemplate =
  | { readonly state: 'parsed'; readonly template: Template }
  | { readonly state: 'failed'; readonly text: string; readonly hint: string };

const names = /^(date|run\.id|job)(?!\w)(.*)$/s;
const dateForm = /^((?:[+-]\d{1,4}(?:h|d|w|mo|y))*)(?::(.*))?$/s;
const step = /([+-]\d+)(h|d|w|mo|y)/g;
const stepUnits = new Map<string, keyof DateShift>([
  ['h', 'hours'],
  ['d', 'days'],
  ['w', 'weeks'],
  ['mo', 'months'],
  ['y', 'years'],
]);

/** @returns undefined when what stands between the braces is not the name of a template */
export function parseTemplate(inner: string, place: TemplatePlace): ParsedTemplate | undefined {
  const [, name, rest = ''] = names.exec(inner) ?? [];
  const source = `\${${inner}}`;
  if (name === 'date') return parseDate(rest, { source, place });
  if (name !== 'job' && name !== 'run.id') return undefined;
  if (rest === '') return { state: 'parsed', template: { name, source } };
  const hint = `write \${${name}}`;
  return { state: 'failed', text: `${source}: nothing may follow the name`, hint };
}

const dateExample = `\${date-1d:%Y/%m/%d}`;

function parseDate(
  rest: string,
  { source, place }: { readonly source: string; readonly place: TemplatePlace },
): ParsedTemplate {
  const [, stepsText, format = '%Y-%m-%d'] = dateForm.exec(rest) ?? [];
  const failed = (text: string, hint: string): ParsedTemplate => ({
    state: 'failed',
    text: `${source}: ${text}`,
    hint,
  });
  if (stepsText === undefined)
    return failed('is not a date template', `write steps in h, d, w, mo or y, and then a format: ${dateExample}`);
  if (format.startsWith('-')) return failed('a date has no default', 'write another name for a variable');
  const unknown = unknownDirective(format);
  if (unknown !== undefined) return failed(`${unknown} is not known`, `the known ones are ${knownDirectives}`);
  if (!format.includes('%')) return failed('its format has no % in it', `write for example ${dateExample}`);
  if (place === 'path' && format.split('/').some((folder) => /^\.*$/.test(folder)))
    return failed('its format has an empty, . or .. folder in it', 'write such folders outside of the braces');
  const steps = [...stepsText.matchAll(step)].map(([, count, unit = '']): DateShift => {
    return { [stepUnits.get(unit) ?? unit]: Number(count) };
  });
  return { state: 'parsed', template: { name: 'date', source, steps, format } };
}
