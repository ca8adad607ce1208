import { statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { JobSpec } from '../spec/job-spec.ts';

type JobPaths = Pick<JobSpec, 'baseDir' | 'model' | 'input' | 'output'>;

const temporaryFolders = ['/tmp', '/var/tmp'];

/** The folder that a job's output is made in: of the part before a template the nearest that is there. */
export function outputFolder({ baseDir, output }: Pick<JobPaths, 'baseDir' | 'output'>): string {
  const [fixed = ''] = output.path.split('${');
  const whole = fixed === output.path ? fixed : fixed.slice(0, fixed.lastIndexOf('/') + 1);
  return nearestFolder(resolve(baseDir, whole));
}

/** The folder that its cache is made in, if it has one. */
export function cacheFolders({ baseDir, cache }: Pick<JobSpec, 'baseDir' | 'cache'>): readonly string[] {
  return cache === undefined ? [] : [nearestFolder(resolve(baseDir, cache.path))];
}

/** One of a job's paths, or of others, that lies in a temporary folder. */
export function temporaryPathOf(
  { baseDir, model, input, output }: JobPaths,
  others: readonly string[],
): string | undefined {
  const own = [model.path, ...input.paths, output.path].map((path) => resolve(baseDir, path));
  return [...own, ...others].find((path) => temporaryFolders.some((folder) => `${path}/`.startsWith(`${folder}/`)));
}

function nearestFolder(path: string): string {
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  return isFolder || dirname(path) === path ? path : nearestFolder(dirname(path));
}
