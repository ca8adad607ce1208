import { realpathSync } from 'node:fs';
import { basename, delimiter, isAbsolute, join } from 'node:path';

export interface PathRequest {
  /** The program as it was called, absolute. */
  readonly path: string;
  /** The PATH of the one who asks. */
  readonly searchPath: string;
  readonly temporaryFolders: readonly string[];
  /** The name under which an installation would be found. */
  readonly name?: string;
}

export interface SurvivingPath {
  readonly path: string;
  /** Why a timer that calls it may find it gone one day. */
  readonly warning?: string;
}

/**
 * A name of a program that an upgrade leaves in its place, such as the link in /usr/local/bin: of those that lead to
 * the same file the first that has no version in its path.
 */
export function survivingPath(request: PathRequest): SurvivingPath {
  const { path, searchPath, name = basename(path) } = request;
  const target = realPath(path);
  const others = searchPath
    .split(delimiter)
    .filter(isAbsolute)
    .map((folder) => join(folder, name))
    .filter((other) => target !== undefined && realPath(other) === target);
  // The file itself comes last: of an installation it has a version in its path, of a checkout it is what stays.
  const candidates = [path, ...others, ...(target === undefined ? [] : [target])];
  const all = candidates.map((candidate) => ({ path: candidate, warning: warningFor(candidate, request) }));
  const best = all.find(({ warning }) => warning === undefined) ?? all[0];
  return best?.warning === undefined ? { path: best?.path ?? path } : { path: best.path, warning: best.warning };
}

function warningFor(path: string, { temporaryFolders }: PathRequest): string | undefined {
  if (path.includes('/_npx/'))
    return `${path} is in the npx cache, which npm may empty: \`npm install -g nightshift\` first`;
  const temporary = temporaryFolders.find((folder) => path.startsWith(`${folder}/`));
  if (temporary !== undefined) return `${path} is in a temporary folder, which may be emptied`;
  if (/\/[^/]*\d+\.\d+[^/]*\//.test(path))
    return `${path} has a version in its path: install the timer again after an upgrade`;
  return undefined;
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
