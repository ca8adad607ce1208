import { z } from 'zod';
import { AppError } from '../core/errors.ts';
import { formatLocation, formatPath, type SpecLocation, type SpecPath } from './location.ts';

/** One thing that is wrong with a spec. `text` follows the place: `is missing`, `"x" is not a path`. */
export interface SpecProblem {
  readonly location: SpecLocation;
  readonly path: SpecPath;
  readonly text: string;
  readonly hint: string;
  /** The environment variable that is not set, where that is it. */
  readonly variable?: string | undefined;
}

const withVariables = z.object({ problems: z.array(z.object({ variable: z.string().optional() })) });

/** The environment variables that a spec needed and that were not set, each once. */
export function missingVariables({ details }: AppError): readonly string[] {
  const problems = withVariables.safeParse(details).data?.problems ?? [];
  return [...new Set(problems.flatMap(({ variable }) => variable ?? []))];
}

/** The error that shows the first problem and carries them all. */
function specInvalid(first: SpecProblem, others: readonly SpecProblem[] = []): AppError {
  const problems = [first, ...others].map((problem) => ({
    ...place(problem.location),
    path: formatPath(problem.path),
    message: messageOfProblem(problem),
    hint: problem.hint,
    ...(problem.variable === undefined ? {} : { variable: problem.variable }),
  }));
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
  return new AppError('SPEC_INVALID', `${messageOfProblem(first)}${more}`, {
    hint: first.hint,
    details: { ...place(first.location), path: formatPath(first.path), problems },
  });
}

/** Throws what was found, in reading order and each once: a wrong default is found again in every job. */
export function throwProblems(found: readonly SpecProblem[]): void {
  const distinct = new Map(found.map((problem) => [messageOfProblem(problem), problem]));
  const [first, ...others] = [...distinct.values()].sort((a, b) => readingOrder(a.location, b.location));
  if (first !== undefined) throw specInvalid(first, others);
}

function messageOfProblem({ location, path, text }: SpecProblem): string {
  if (location.type === 'override') return `${location.option}: ${text}`;
  return path.length === 0
    ? `${formatLocation(location)} ${text}`
    : `${formatLocation(location)} ${formatPath(path)}: ${text}`;
}

function place(location: SpecLocation) {
  return location.type === 'file'
    ? { file: location.file, line: location.line, column: location.column }
    : { option: location.option };
}

function readingOrder(a: SpecLocation, b: SpecLocation): number {
  if (a.type === 'override' || b.type === 'override')
    return Number(a.type === 'override') - Number(b.type === 'override');
  return a.line - b.line || a.column - b.column;
}
