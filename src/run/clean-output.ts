import { join } from 'node:path';
import type { Leftovers } from '../checkpoint/contract.ts';
import { isThere } from '../core/files.ts';
import { metaFolder } from '../plan/layout.ts';
import { notPublished } from './not-published.ts';
import type { Ports } from './ports.ts';

/**
 * Removes what dead runs left in an output folder and killed measurements beside it, and nothing that is published.
 * @returns what went, or with `isDryRun` what would go
 * @throws AppError OUTPUT_NOT_FOUND where nightshift never was, LOCKED while a run holds the folder
 */
export async function cleanOutput(
  ports: Ports,
  { output, isDryRun }: { readonly output: string; readonly isDryRun: boolean },
): Promise<Leftovers> {
  if (!(await isThere(join(output, metaFolder)))) return cleanBeside(ports, { output, isDryRun });
  await using _lock = await ports.store.lock(output, ports.now().toISOString());
  const leftovers = await ports.store.findLeftovers(output);
  if (!isDryRun) await ports.store.removeLeftovers(output, leftovers);
  return leftovers;
}

/** A job may be measured before it ever ran. */
async function cleanBeside(
  ports: Ports,
  { output, isDryRun }: { readonly output: string; readonly isDryRun: boolean },
): Promise<Leftovers> {
  const leftovers = await ports.store.findAbandoned(output);
  if (leftovers.items.length === 0) throw await notPublished(output);
  if (!isDryRun) await ports.store.removeLeftovers(output, leftovers);
  return leftovers;
}
