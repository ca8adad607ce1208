import { join } from 'node:path';
import type { Manifest, PublishedRun } from '../checkpoint/contract.ts';
import { versionLayout } from '../plan/layout.ts';
import { notPublished } from './not-published.ts';
import type { Ports } from './ports.ts';

/** A table that was published. */
export interface TableVersion {
  /** Of the run that published it. */
  readonly runId: string;
  readonly publishedAt: string;
  readonly rowCount: number;
  readonly partCount: number;
  readonly model: PublishedRun['model'] | undefined;
  /** Where its parts are. */
  readonly path: string;
  /** Whether it is what readers see. */
  readonly isCurrent: boolean;
}

/**
 * The versions of an output, newest first; without `output.keepVersions` what is published is the only one.
 * @throws AppError OUTPUT_NOT_FOUND when nothing is published there, VERIFY_FAILED when the manifest cannot be read
 */
export async function listVersions(ports: Ports, output: string): Promise<readonly TableVersion[]> {
  const current = await ports.store.readPublished(output);
  const currentId = current?.runs.at(-1)?.runId;
  const kept = (await ports.store.versions(output)).map((manifest) => versionOf(output, manifest, currentId));
  if (current !== undefined && !kept.some((version) => version.isCurrent))
    return [{ ...versionOf(output, current, currentId), path: output }, ...kept];
  if (kept.length === 0) throw await notPublished(output);
  return kept;
}

function versionOf(output: string, { parts, runs }: Manifest, currentId: string | undefined): TableVersion {
  const last = runs.at(-1);
  const runId = last?.runId ?? '';
  return {
    runId,
    publishedAt: last?.publishedAt ?? '',
    rowCount: parts.reduce((sum, part) => sum + part.rowCount, 0),
    partCount: parts.length,
    model: last?.model,
    path: join(output, versionLayout(runId).folder),
    isCurrent: runId === currentId,
  };
}
