import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../core/errors.ts';
import { syncPath, writeFileAtomic } from '../core/files.ts';
import type { Commit } from '../plan/commit.ts';
import { commitName, inputRejectsName, runLayout } from '../plan/layout.ts';
import { linkOver } from './link-file.ts';
import { isWhole } from './run-store.ts';

/** The part and the rejects first, then the commit that names them: each flushed with its folder. */
export async function commitPart(outputFolder: string, runId: string, commit: Commit): Promise<void> {
  const layout = runLayout(runId);
  await syncPath(join(outputFolder, layout.staging, commit.part));
  await syncPath(join(outputFolder, layout.staging));
  if (commit.rejects !== undefined) {
    await syncPath(join(outputFolder, layout.rejects, commit.rejects));
    await syncPath(join(outputFolder, layout.rejects));
  }
  await writeFileAtomic(join(outputFolder, layout.commits, commitName(commit.shard)), `${JSON.stringify(commit)}\n`);
}

export async function takeOver(
  outputFolder: string,
  runId: string,
  from: { readonly runId: string; readonly commit: Commit; readonly name: string },
): Promise<void> {
  const { commit } = from;
  const published = join(outputFolder, from.name);
  if (!(await isWhole(published, commit))) {
    throw new AppError('VERIFY_FAILED', `${published} is not what was published`, {
      hint: 'see `nightshift verify`; score the job anew with `nightshift run`',
    });
  }
  const layout = runLayout(runId);
  const staged = join(outputFolder, layout.staging, commit.part);
  await linkOver(published, staged, `${staged}.tmp`);
  if (commit.rejects !== undefined)
    await copyFile(
      join(outputFolder, runLayout(from.runId).rejects, commit.rejects),
      join(outputFolder, layout.rejects, commit.rejects),
    );
  await commitPart(outputFolder, runId, commit);
}

export async function takeOverInputRejects(
  outputFolder: string,
  { from, to }: { readonly from: string; readonly to: string },
): Promise<void> {
  const path = join(outputFolder, runLayout(to).rejects, inputRejectsName);
  await copyFile(join(outputFolder, runLayout(from).rejects, inputRejectsName), path);
  await syncPath(path);
}
