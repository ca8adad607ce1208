import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { isThere, readIfPresent, writeError, writeFileAtomic } from '../core/files.ts';
import { parseJson } from '../core/parse-json.ts';
import { type CheckResult, checkResultSchema } from '../plan/check-result.ts';
import type { Commit } from '../plan/commit.ts';
import { runLayout } from '../plan/layout.ts';
import { recordVersion } from '../plan/run-plan.ts';

const checksRecordSchema = z.strictObject({
  v: z.literal(recordVersion),
  checks: z.array(checkResultSchema).readonly(),
});

/** Where parts are staged, in the order of their commits; undefined when one of them was moved away already. */
export async function stagedParts(
  outputFolder: string,
  runId: string,
  commits: readonly Commit[],
): Promise<readonly string[] | undefined> {
  const paths = commits.map((commit) => join(outputFolder, runLayout(runId).staging, commit.part));
  for (const path of paths) if (!(await isThere(path))) return undefined;
  return paths;
}

/** In the staging folder, so that what a killed audit leaves goes with it; the system's own folder may be in memory. */
export async function auditFolder(
  outputFolder: string,
  runId: string,
): Promise<AsyncDisposable & { readonly path: string }> {
  const staging = join(outputFolder, runLayout(runId).staging);
  const path = await mkdtemp(join(staging, 'audit-')).catch((error: unknown) =>
    Promise.reject(writeError(error, staging)),
  );
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

export async function readChecks(outputFolder: string, runId: string): Promise<readonly CheckResult[] | undefined> {
  const text = await readIfPresent(join(outputFolder, runLayout(runId).checks));
  const parsed = text === undefined ? undefined : checksRecordSchema.safeParse(parseJson(text));
  return parsed?.data?.checks;
}

export async function writeChecks(outputFolder: string, runId: string, checks: readonly CheckResult[]): Promise<void> {
  const text = JSON.stringify({ v: recordVersion, checks });
  await writeFileAtomic(join(outputFolder, runLayout(runId).checks), `${text}\n`);
}
