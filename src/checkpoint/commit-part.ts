import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { syncPath } from '../core/files.ts';
import type { Commit } from '../plan/commit.ts';
import { inputRejectsName, runLayout } from '../plan/layout.ts';
import { writeCommit } from './run-store.ts';

/** The part and the rejects first, then the commit that names them: each flushed with its folder. */
export async function commitPart(outputFolder: string, runId: string, commit: Commit): Promise<void> {
  const layout = runLayout(runId);
  await syncPath(join(outputFolder, layout.staging, commit.part));
  await syncPath(join(outputFolder, layout.staging));
  if (commit.rejects !== undefined) {
    await syncPath(join(outputFolder, layout.rejects, commit.rejects));
    await syncPath(join(outputFolder, layout.rejects));
  }
  await writeCommit(outputFolder, runId, commit);
}

export async function takeOverInputRejects(
  outputFolder: string,
  { from, to }: { readonly from: string; readonly to: string },
): Promise<void> {
  const path = join(outputFolder, runLayout(to).rejects, inputRejectsName);
  await copyFile(join(outputFolder, runLayout(from).rejects, inputRejectsName), path);
  await syncPath(path);
}
