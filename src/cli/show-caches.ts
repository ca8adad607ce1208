import { resolve } from 'node:path';
import type { History, RunRecord } from '../history/contract.ts';
import type { JobCache, KeptModel } from '../run/caches.ts';
import { aligned, bytesText, countText, pluralText } from './aligned.ts';
import { cacheText } from './cache-text.ts';
import { type CacheRequest, chosenCaches, type JobsCache } from './chosen-caches.ts';
import { findHistory, newPorts } from './context.ts';
import type { Io } from './io.ts';
import { shareText } from './share-text.ts';
import { shownPath } from './shown-path.ts';

/** Runs that what the cache is good for is told from. */
const lastRuns = 5;

interface Hits {
  readonly job: string;
  readonly runs: number;
  readonly rows: number;
  readonly cachedRows: number;
}

interface ShownCache extends JobCache {
  readonly jobs: readonly string[];
  /** Of the jobs that have run. */
  readonly lastRuns: readonly Hits[];
}

/** @returns the exit code */
export async function showCaches(io: Io, request: CacheRequest): Promise<number> {
  const { caches } = newPorts();
  const { specPath, predictions, models } = await chosenCaches(io, caches, request);
  using history = await findHistory(resolve(request.flags.stateDir));
  const shown: ShownCache[] = [];
  for (const cache of predictions) {
    const { folder, maxSizeBytes, jobs } = cache;
    const kept = await caches.look(folder);
    shown.push({
      folder,
      maxSizeBytes,
      ...kept,
      jobs: jobs.map(({ name }) => name),
      ...hitsOf(cache, { history, specPath }),
    });
  }
  if (request.flags.json === true) io.out(`${JSON.stringify(documentOf(shown, models), undefined, 2)}\n`);
  else io.out(textOf(shown, models));
  return 0;
}

function hitsOf(
  { jobs }: JobsCache,
  { history, specPath }: { readonly history: History | undefined; readonly specPath: string | undefined },
): Pick<ShownCache, 'lastRuns'> {
  const found = jobs.flatMap(({ name: job }): readonly Hits[] => {
    const runs = history?.listRuns({ specPath, job, state: 'published', limit: lastRuns }) ?? [];
    const sum = (of: (run: RunRecord) => number) => runs.reduce((total, run) => total + of(run), 0);
    if (runs.length === 0) return [];
    const rows = sum(({ rowsIn = 0, filteredRows = 0 }) => rowsIn - filteredRows);
    return [{ job, runs: runs.length, rows, cachedRows: sum(({ cachedRows = 0 }) => cachedRows) }];
  });
  return { lastRuns: found };
}

function documentOf(shown: readonly ShownCache[], models: readonly KeptModel[]): object {
  return {
    v: 1,
    predictions: shown.map(({ folder, sizeBytes, maxSizeBytes, ...rest }) => ({
      path: folder,
      bytes: sizeBytes,
      maxBytes: maxSizeBytes,
      ...rest,
    })),
    models: models.map(({ folder, path, sha256, runtime, provider, graphOptimization, processor, ...rest }) => ({
      path: folder,
      model: { path, sha256 },
      ...{ runtime, provider, graphOptimization, processor },
      bytes: rest.sizeBytes,
      usedAt: new Date(rest.usedAtMs).toISOString(),
    })),
  };
}

function textOf(shown: readonly ShownCache[], models: readonly KeptModel[]): string {
  const cwd = process.cwd();
  if (shown.length === 0 && models.length === 0) return 'nothing is kept\n';
  const caches = shown.map((cache) => {
    const { jobs, oldestUse, newestUse } = cache;
    const rows = [
      ['jobs', jobs.join(', ')],
      ...(oldestUse === undefined ? [] : [['used', `${oldestUse} to ${newestUse}`]]),
      ...cache.lastRuns.map((hits) => ['hits', hitsText(hits)]),
    ];
    return `predictions in ${cacheText(cache, cwd)}\n${aligned(rows, { indent: 2 })}`;
  });
  const kept = models.map(({ path, sizeBytes, provider, graphOptimization, usedAtMs }) => [
    shownPath(path, cwd),
    bytesText(sizeBytes),
    `${provider}, ${graphOptimization}`,
    `used ${new Date(usedAtMs).toISOString().slice(0, 10)}`,
  ]);
  const title = `${pluralText(models.length, 'optimised model')}\n`;
  return [...caches, ...(models.length === 0 ? [] : [`${title}${aligned(kept, { indent: 2 })}`])].join('');
}

function hitsText({ job, runs, rows, cachedRows }: Hits): string {
  const share = rows === 0 ? 0 : cachedRows / rows;
  const which = runs === 1 ? 'the last run' : `the last ${runs} runs`;
  return `${shareText(share)} of ${countText(rows)} rows, in ${which} of ${job}`;
}
