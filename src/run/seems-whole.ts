import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { PublishedPart } from '../checkpoint/contract.ts';
import { isThere } from '../core/files.ts';
import { successFile } from '../plan/layout.ts';

/** Whether the marker and these parts are there, with their sizes; `verify` is what reads them. */
export async function seemsWhole(output: string, parts: readonly PublishedPart[]): Promise<boolean> {
  if (!(await isThere(join(output, successFile)))) return false;
  for (const { name, sizeBytes } of parts) {
    const info = await stat(join(output, name)).catch(() => undefined);
    if (info?.size !== sizeBytes) return false;
  }
  return true;
}
