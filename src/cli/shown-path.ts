import { relative } from 'node:path';

/** A path as somebody in this folder would write it, where that is not longer. */
export function shownPath(path: string, folder: string): string {
  const short = relative(folder, path);
  return short === '' ? '.' : short.startsWith('..') ? path : short;
}
