import { readFile, realpath } from 'node:fs/promises';
import { AppError, messageOf } from '../core/errors.ts';
import { writeFileAtomic } from '../core/files.ts';
import { environment } from '../core/host.ts';
import type { Setting } from '../plan/tune-grid.ts';
import { parseSpec } from '../spec/load-spec.ts';
import { setExecution } from '../spec/set-execution.ts';

/** A spec file as it is and as it is to be. */
export interface SpecChange {
  readonly path: string;
  readonly before: string;
  readonly after: string;
}

/**
 * The spec with other settings of one job, held against what it says now: nothing else may change.
 * @throws AppError USAGE where the settings find no place in it
 */
export async function specChange(path: string, job: string, settings: Partial<Setting>): Promise<SpecChange> {
  const before = await readFile(path, 'utf8');
  const after = setExecution(before, job, settings);
  if (after === undefined || !changesOnly({ path, before, after }, job, settings)) {
    const written = Object.entries(settings).map(([key, value]) => `${key}: ${value}`);
    throw new AppError('USAGE', `the settings cannot be written into ${path} without changing something else`, {
      hint: `write them by hand: jobs.${job}.execution: { ${written.join(', ')} }`,
    });
  }
  return { path, before, after };
}

function changesOnly({ path, before, after }: SpecChange, name: string, settings: Partial<Setting>): boolean {
  const parse = (text: string) => parseSpec({ text, path, env: environment() }).jobs;
  const wanted = parse(before).map((job) =>
    job.name === name ? { ...job, execution: { ...job.execution, ...settings } } : job,
  );
  try {
    return JSON.stringify(parse(after)) === JSON.stringify(wanted);
  } catch {
    return false;
  }
}

/** @throws AppError OUTPUT_UNWRITABLE, SPEC_INVALID when somebody else wrote it meanwhile */
export async function writeSpecChange({ path, before, after }: SpecChange): Promise<void> {
  // What a link points at is written, and the link stays one.
  const file = await realpath(path).catch((error: unknown) =>
    Promise.reject(new AppError('SPEC_NOT_FOUND', `cannot find ${path}: ${messageOf(error)}`, { cause: error })),
  );
  if ((await readFile(file, 'utf8')) !== before)
    throw new AppError('SPEC_INVALID', `${path} was changed while it was to be written`, { hint: 'run tune again' });
  await writeFileAtomic(file, after);
}

const contextLines = 2;

/** The lines that change, with some around them, as `diff -u` shows them. */
export function lineDiff({ path, before, after }: SpecChange): string {
  const [old, next] = [before.split('\n'), after.split('\n')];
  let start = 0;
  while (start < Math.min(old.length, next.length) && old[start] === next[start]) start++;
  let tail = 0;
  while (tail < Math.min(old.length, next.length) - start && old.at(-1 - tail) === next.at(-1 - tail)) tail++;
  const from = Math.max(0, start - contextLines);
  const [oldEnd, nextEnd] = [old.length - tail, next.length - tail];
  const rest = old.slice(oldEnd, oldEnd + contextLines);
  const head = `@@ -${from + 1},${oldEnd + rest.length - from} +${from + 1},${nextEnd + rest.length - from} @@`;
  const lines = [
    ...[`--- ${path}`, `+++ ${path}`, head],
    ...old.slice(from, start).map((line) => ` ${line}`),
    ...old.slice(start, oldEnd).map((line) => `-${line}`),
    ...next.slice(start, nextEnd).map((line) => `+${line}`),
    ...rest.map((line) => ` ${line}`),
  ];
  return `${lines.join('\n')}\n`;
}
