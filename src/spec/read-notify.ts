import { dirname, resolve } from 'node:path';
import { AppError } from '../core/errors.ts';
import type { NotifySpec } from './job-spec.ts';
import { jobSources, type LoadSpecOptions, readText } from './load-spec.ts';
import { parseOverride } from './override.ts';
import { resolveNotify } from './resolve-job.ts';
import { readYaml } from './yaml-document.ts';

/**
 * Who is to be told of a job whose spec is broken somewhere else.
 * @returns undefined where nobody is, or where that cannot be read either
 */
export async function readNotify(options: LoadSpecOptions & { readonly job: string }): Promise<NotifySpec | undefined> {
  try {
    return notifyIn(await readText(options.path), options);
  } catch (error) {
    if (error instanceof AppError) return undefined;
    throw error;
  }
}

/**
 * `readNotify` without the file system.
 * @throws AppError where the text is no YAML that a spec may use
 */
export function notifyIn(
  text: string,
  { path, env, overrides = [], job }: LoadSpecOptions & { readonly job: string },
): NotifySpec | undefined {
  const document = readYaml({ text, file: path });
  const baseDir = resolve(dirname(path));
  const { sources } = jobSources(document, { env, baseDir, overrides: overrides.map(parseOverride) });
  const source = sources.find(({ name }) => name === job);
  return source === undefined ? undefined : resolveNotify(source);
}
