import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../core/errors.ts';
import { isThere } from '../core/files.ts';
import { metaFolder, runLayout, runsFolder } from '../plan/layout.ts';

/** Why there is nothing to look at in a folder. */
export async function notPublished(output: string): Promise<AppError> {
  const info = await stat(output).catch(() => undefined);
  if (info === undefined)
    return new AppError('OUTPUT_NOT_FOUND', `${output} does not exist`, {
      hint: 'name the folder that output.path of the job names',
    });
  return new AppError('OUTPUT_NOT_FOUND', `nothing is published in ${output}`, { hint: await unpublishedHint(output) });
}

async function unpublishedHint(output: string): Promise<string> {
  if (await hasUnfinishedRun(output))
    return 'a run is going on, was stopped or was held back: run the job again, or see `nightshift publish --dry-run`';
  const isOurs = await isThere(join(output, metaFolder));
  return isOurs
    ? 'nothing was published here yet: run a job with this output.path'
    : 'name a folder that nightshift published';
}

/** Whether a run has a plan to go on with, and has not come to the end of its publish. */
export async function hasUnfinishedRun(output: string): Promise<boolean> {
  const runIds = await readdir(join(output, runsFolder)).catch(() => []);
  for (const runId of runIds) {
    const { plan, staging } = runLayout(runId);
    if ((await isThere(join(output, plan))) && (await isThere(join(output, staging)))) return true;
  }
  return false;
}
