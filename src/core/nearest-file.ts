import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { nearest } from './suggest.ts';

/** A path whose last part is the one that a mistyped path probably means; undefined when nothing there is near. */
export async function nearestFile(path: string): Promise<string | undefined> {
  const names = await readdir(dirname(path)).catch(() => []);
  const name = nearest(basename(path), names);
  return name === undefined || name === basename(path) ? undefined : join(dirname(path), name);
}
