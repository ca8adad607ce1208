import { join } from 'node:path';
import { AppError } from '../core/errors.ts';
import { isThere } from '../core/files.ts';
import { metaFolder } from '../plan/layout.ts';
import { listVersions, type TableVersion } from './list-versions.ts';
import { notPublished } from './not-published.ts';
import type { Ports } from './ports.ts';

export interface RollbackOptions {
  readonly output: string;
  /** The run whose version is brought back; the previous one if left out. */
  readonly to: string | undefined;
  /** Says what would be done, and does nothing. */
  readonly isDryRun: boolean;
}

export interface Rollback {
  /** What was published until then; undefined after a publish that was cut off. */
  readonly from: TableVersion | undefined;
  readonly to: TableVersion;
}

/**
 * Publishes a former version of an output again.
 * @throws AppError OUTPUT_NOT_FOUND, VERIFY_FAILED when the version is not whole, LOCKED
 */
export async function rollbackOutput(ports: Ports, { output, to, isDryRun }: RollbackOptions): Promise<Rollback> {
  if (!(await isThere(join(output, metaFolder)))) throw await notPublished(output);
  await using _lock = await ports.store.lock(output, ports.now().toISOString());
  const versions = await listVersions(ports, output);
  const wanted = to ?? (await ports.store.previousVersion(output));
  const kept = versions.filter((version) => version.path !== output);
  const target = kept.find((version) => version.runId === wanted);
  if (target === undefined) throw noSuchVersion({ output, to, kept });
  if (!isDryRun) await ports.store.rollback(output, target.runId);
  return { from: versions.find((version) => version.isCurrent), to: target };
}

function noSuchVersion(asked: {
  readonly output: string;
  readonly to: string | undefined;
  readonly kept: readonly TableVersion[];
}): AppError {
  const { output, to, kept } = asked;
  const ids = kept.map((version) => version.runId);
  const what = to === undefined ? 'no version before the one that is published' : `no version ${to}`;
  return new AppError('OUTPUT_NOT_FOUND', `${output} has ${what}`, {
    hint:
      ids.length === 0
        ? 'it keeps no versions: set output.keepVersions to 2 or more for the next runs'
        : `choose one with --to: ${ids.join(', ')}`,
    details: { versions: ids },
  });
}
