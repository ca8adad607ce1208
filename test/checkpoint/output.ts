import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { PublishedRun, PublishRequest, StoredRun, WriteMode } from '../../src/checkpoint/contract.ts';
import { newOutputStore } from '../../src/checkpoint/store.ts';
import type { Commit } from '../../src/plan/commit.ts';
import { commitName, runLayout } from '../../src/plan/layout.ts';
import { publishedRun } from '../../src/run/outcome.ts';
import { commitOf, planOf } from '../plan/run-plan.ts';

export const store = newOutputStore();

export async function temporaryOutput(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'nightshift-output-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** A run whose shards are all scored: its parts are staged and committed. What a part holds is up to the run. */
export async function scoredRun(output: string, runId: string, shardCount = 2): Promise<StoredRun> {
  const run = { runId, plan: { ...planOf(shardCount), fingerprint: runId } };
  await store.create(output, runId);
  await store.writePlan(output, run);
  for (const commit of commitsOf(run)) {
    const layout = runLayout(runId);
    await put(join(output, layout.staging, commit.part), textOf(run, commit.shard));
    await put(join(output, layout.commits, commitName(commit.shard)), JSON.stringify(commit));
  }
  return run;
}

export function commitsOf(run: StoredRun): readonly Commit[] {
  return run.plan.shards.map(({ index }) => {
    const text = textOf(run, index);
    const sha256 = createHash('sha256').update(text).digest('hex');
    return commitOf(index, { sizeBytes: text.length, sha256 });
  });
}

function textOf({ runId }: StoredRun, shard: number): string {
  return `part ${shard} of ${runId}`;
}

/** Publishes as a run does: what readers see now is read first. */
export async function publish(output: string, run: StoredRun, mode: WriteMode = 'overwrite', keepVersions = 1) {
  return store.publish({ ...(await requestOf(output, run, mode)), keepVersions });
}

export async function requestOf(output: string, run: StoredRun, mode: WriteMode): Promise<PublishRequest> {
  const previous = await store.readPublished(output);
  const commits = commitsOf(run);
  return { outputFolder: output, plan: run.plan, mode, commits, previous, run: publishedBy(run), keepVersions: 1 };
}

function publishedBy(run: StoredRun): PublishedRun {
  const finished = { runId: run.runId, outputFolder: '', plan: run.plan, commits: commitsOf(run), failures: [] };
  return publishedRun(finished, { publishedAt: '2026-01-02T03:04:05.000Z', version: '0.0.0' });
}

/** Every file of an output and what is in it. */
export async function filesIn(output: string): Promise<Readonly<Record<string, string>>> {
  const entries = await readdir(output, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const texts = await Promise.all(paths.sort().map((path) => readFile(path, 'utf8')));
  return Object.fromEntries(paths.map((path, index) => [path.slice(output.length + 1), texts[index] ?? '']));
}

export async function put(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}
