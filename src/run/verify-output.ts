import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Manifest, PublishedPart, PublishedRun } from '../checkpoint/contract.ts';
import { messageOf } from '../core/errors.ts';
import { isThere, sha256OfFile } from '../core/files.ts';
import { rollbackFile, successFile } from '../plan/layout.ts';
import { hasUnfinishedRun, notPublished } from './not-published.ts';
import type { Ports } from './ports.ts';

/** One thing that must hold of a published output, and what was found instead. */
export interface VerifyCheck {
  readonly name: string;
  readonly problems: readonly string[];
}

export interface Verification {
  readonly output: string;
  readonly manifest: Manifest;
  readonly checks: readonly VerifyCheck[];
  readonly rowCount: number;
}

/**
 * Holds a published output against its manifest: markers, parts by size and sha256, rows, rejects and the row ledger.
 * Reads every part once.
 * @throws AppError OUTPUT_NOT_FOUND when nothing is published there, VERIFY_FAILED when the manifest cannot be read
 */
export async function verifyOutput(ports: Ports, output: string): Promise<Verification> {
  const manifest = await ports.store.readManifest(output);
  if (manifest === undefined) throw await notPublished(output);
  const names = await readdir(output);
  const parts: (PublishedPart & { readonly problems: readonly string[] })[] = [];
  for (const part of manifest.parts) parts.push({ ...part, problems: await partProblems(output, part) });
  // What is missing or damaged has been told; its rows would only repeat that.
  const whole = parts.filter((part) => part.problems.length === 0);
  const checks: VerifyCheck[] = [
    {
      name: successFile,
      problems: names.includes(successFile) ? [] : [await missingMarker(output)],
    },
    { name: 'files', problems: strangers(names, manifest) },
    { name: 'parts', problems: parts.flatMap((part) => part.problems) },
    {
      name: 'rows',
      problems: await problemsOf(whole, (part) => rowProblems(ports, output, { manifest, part })),
    },
    { name: 'ledger', problems: manifest.runs.flatMap((run) => ledgerProblems(manifest, run)) },
    { name: 'rejects', problems: await problemsOf(manifest.runs, (run) => rejectProblems(ports, output, run)) },
  ];
  return { output, manifest, checks, rowCount: manifest.parts.reduce((sum, part) => sum + part.rowCount, 0) };
}

export function isVerified(verification: Verification): boolean {
  return verification.checks.every((check) => check.problems.length === 0);
}

async function missingMarker(output: string): Promise<string> {
  if (await isThere(join(output, rollbackFile)))
    return 'is missing: a rollback was interrupted, run `nightshift rollback` again to finish it';
  return (await hasUnfinishedRun(output))
    ? 'is missing: a publish was interrupted, run the same job again to finish it'
    : 'is missing, and no publish was interrupted: somebody removed it; when all else is ok, put an empty file there';
}

function strangers(names: readonly string[], manifest: Manifest): readonly string[] {
  const own = new Set(manifest.parts.map((part) => part.name));
  return names
    .filter((name) => !/^[._]/.test(name) && !own.has(name))
    .map((name) => `${name} is not in the manifest, but readers will see it`);
}

async function partProblems(output: string, part: PublishedPart): Promise<readonly string[]> {
  const path = join(output, part.name);
  const info = await stat(path).catch(() => undefined);
  if (info === undefined) return [`${part.name} is missing`];
  if (info.size !== part.sizeBytes) return [`${part.name} has ${info.size} bytes, the manifest says ${part.sizeBytes}`];
  const sha256 = await sha256OfFile(path);
  return sha256 === part.sha256 ? [] : [`${part.name} has another sha256 than the manifest: it was changed`];
}

async function rowProblems(
  ports: Ports,
  output: string,
  { manifest, part }: { readonly manifest: Manifest; readonly part: PublishedPart },
): Promise<readonly string[]> {
  const rows = await ports
    .countRows(join(output, part.name), manifest.format)
    .catch((error: unknown) => messageOf(error));
  if (typeof rows === 'string') return [`${part.name} cannot be read: ${rows}`];
  return rows === part.rowCount ? [] : [`${part.name} has ${rows} rows, the manifest says ${part.rowCount}`];
}

function ledgerProblems(manifest: Manifest, run: PublishedRun): readonly string[] {
  const { rows, runId } = run;
  const inParts = manifest.parts.filter((part) => part.runId === runId).reduce((sum, part) => sum + part.rowCount, 0);
  const problems: string[] = [];
  if (rows.in !== rows.out + rows.rejected + rows.filtered) {
    problems.push(
      `run ${runId}: ${rows.in} rows in, but ${rows.out} out + ${rows.rejected} rejected + ${rows.filtered} filtered`,
    );
  }
  if (rows.out !== inParts) problems.push(`run ${runId}: ${rows.out} rows out, but its parts hold ${inParts}`);
  return problems;
}

async function rejectProblems(ports: Ports, output: string, run: PublishedRun): Promise<readonly string[]> {
  let found = 0;
  for (const name of run.rejects) {
    const rows = await ports.countRejects(join(output, name)).catch(() => undefined);
    if (rows === undefined) return [`${name} is missing or cannot be read`];
    found += rows;
  }
  return found === run.rows.rejected
    ? []
    : [`run ${run.runId}: ${run.rows.rejected} rows rejected, but the rejects hold ${found}`];
}

async function problemsOf<Item>(
  items: readonly Item[],
  look: (item: Item) => Promise<readonly string[]>,
): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const item of items) problems.push(...(await look(item)));
  return problems;
}
