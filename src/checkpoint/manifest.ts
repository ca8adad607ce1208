import { join } from 'node:path';
import { z } from 'zod';
import { AppError } from '../core/errors.ts';
import { isThere, readIfPresent } from '../core/files.ts';
import { parseJson } from '../core/parse-json.ts';
import { checkResultSchema } from '../plan/check-result.ts';
import { manifestFile, runLayout, successFile, versionLayout } from '../plan/layout.ts';
import { recordVersion } from '../plan/run-plan.ts';

const count = z.number().int().nonnegative();

const publishedPartSchema = z
  .strictObject({ name: z.string(), runId: z.string(), rowCount: count, sizeBytes: count, sha256: z.string() })
  .readonly();
export type PublishedPart = z.infer<typeof publishedPartSchema>;

const publishedRunSchema = z
  .strictObject({
    runId: z.string(),
    job: z.string(),
    /** What the run was for, ISO 8601 with an offset. */
    logicalDate: z.string().optional(),
    fingerprint: z.string(),
    publishedAt: z.string(),
    nightshift: z.string(),
    model: z.strictObject({ path: z.string(), sha256: z.string() }).readonly(),
    inputs: z
      .array(z.strictObject({ path: z.string(), sizeBytes: count, mtimeMs: z.number(), rowCount: count }).readonly())
      .readonly(),
    /** The row ledger: `in = out + rejected + filtered`. */
    rows: z.strictObject({ in: count, out: count, rejected: count, filtered: count }).readonly(),
    /** Files of rejected rows, relative to the output folder. */
    rejects: z.array(z.string()).readonly(),
    /** Name and type of each column of the parts, in order. */
    columns: z.array(z.string()).readonly().optional(),
    providers: z.array(z.string()).readonly(),
    batchRows: count,
    /** Where rows are texts. */
    batchTokens: count.optional(),
    /** What was found of the parts before they were published; absent when the job had no checks. */
    checks: z.array(checkResultSchema).readonly().optional(),
    /** The run whose rejects were scored again, and by which model; all other rows are that run's. */
    replayOf: z.strictObject({ runId: z.string(), modelSha256: z.string() }).readonly().optional(),
    /** It was published by force, in spite of failed checks or too many rejects. */
    forced: z.literal(true).optional(),
  })
  .readonly();
export type PublishedRun = z.infer<typeof publishedRunSchema>;

/** What is published in an output folder: the truth, whatever files lie about. */
export const manifestSchema = z
  .strictObject({
    v: z.literal(recordVersion),
    format: z.enum(['parquet', 'csv', 'jsonl', 'arrow']),
    /** In input order: part order, then row order. */
    parts: z.array(publishedPartSchema).readonly(),
    /** One, or one for each append, oldest first. */
    runs: z.array(publishedRunSchema).readonly(),
    /** The version that was published until then; only where versions are kept. */
    replaces: z.string().optional(),
  })
  .readonly();
export type Manifest = z.infer<typeof manifestSchema>;

/** @returns undefined when nothing is published there */
export async function readManifest(outputFolder: string): Promise<Manifest | undefined> {
  const path = join(outputFolder, manifestFile);
  const text = await readIfPresent(path);
  if (text === undefined) return undefined;
  const parsed = manifestSchema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  throw new AppError('VERIFY_FAILED', `${path} is not a manifest of this version: ${z.prettifyError(parsed.error)}`, {
    hint: 'restore it from a backup, or publish anew into another folder',
  });
}

/**
 * What readers can rely on: a run whose publish was cut off between manifest and marker does not count, so that it is
 * found unfinished, and published again, by whoever comes next.
 */
export async function readPublished(outputFolder: string): Promise<Manifest | undefined> {
  const manifest = await readManifest(outputFolder);
  const last = manifest?.runs.at(-1);
  if (manifest === undefined || last === undefined) return manifest;
  const isCutOff =
    !(await isThere(join(outputFolder, successFile))) &&
    (await isThere(join(outputFolder, runLayout(last.runId).staging)));
  if (!isCutOff) return manifest;
  const runs = manifest.runs.slice(0, -1);
  if (runs.length === 0) return undefined;
  return { ...manifest, runs, parts: manifest.parts.filter((part) => part.runId !== last.runId) };
}

/** The id of what a manifest publishes: that of its last run. */
export function versionId(manifest: Manifest): string {
  return manifest.runs.at(-1)?.runId ?? '';
}

/** @returns undefined when there is no such version, or only the beginning of one */
export async function readVersion(outputFolder: string, runId: string): Promise<Manifest | undefined> {
  const text = await readIfPresent(join(outputFolder, versionLayout(runId).manifest));
  return text === undefined ? undefined : manifestSchema.safeParse(parseJson(text)).data;
}

export function manifestText(manifest: Manifest): string {
  return `${JSON.stringify(manifest, null, 2)}\n`;
}
