import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { getCompileCacheDir } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { besidePrefix, ownFolder } from '../checkpoint/beside-folder.ts';
import { newOutputStore } from '../checkpoint/store.ts';
import { nearestExisting, writeError } from '../core/files.ts';
import { holdFile } from '../core/hold-file.ts';
import { environment, usableCores, usableMemoryBytes } from '../core/host.ts';
import { hasSqlite } from '../core/sqlite.ts';
import type { DatasetReader } from '../dataset/contract.ts';
import { chooseDevices, findGpus } from '../executor/devices.ts';
import { LocalExecutor } from '../executor/local.ts';
import { canReadAhead, planSlots } from '../executor/plan-slots.ts';
import type { History, JobKey } from '../history/contract.ts';
import { newModelReader } from '../model/reader.ts';
import { newTokenizerReader } from '../model/tokenizer-reader.ts';
import type { Caches } from '../run/caches.ts';
import type { Ports, TemporaryFolder } from '../run/ports.ts';
import type { Launcher } from '../schedule/launcher.ts';
import type { NotifySpec } from '../spec/job-spec.ts';
import type { JobFacts, Notifier, RunNotices, Surroundings } from '../telemetry/contract.ts';
import { packageVersion } from './package-version.ts';

/**
 * The real adapters; the only place that knows them.
 * @param share of how many processes that share the machine this is one
 */
export function newPorts(share = 1): Ports {
  const env = environment();
  const cores = Math.max(1, Math.floor(usableCores() / share));
  return {
    ...lazyDataset(cores),
    models: newModelReader(),
    tokenizers: newTokenizerReader({ entry: workerEntry('probe'), env }),
    store: newOutputStore(),
    caches: lazyCaches,
    findDevices: async (wanted) => chooseDevices(wanted, needsGpus(wanted) ? await findGpus(env) : []),
    planSlots: (options) => planSlots({ ...options, cores, memoryBytes: usableMemoryBytes() / share }),
    newExecutor: () =>
      new LocalExecutor({ entry: workerEntry('main'), env: { NODE_COMPILE_CACHE: getCompileCacheDir(), ...env } }),
    canReadAhead: (slots) => canReadAhead(slots, cores),
    now: () => new Date(),
    randomId: () => randomBytes(3).toString('hex'),
    temporaryFolder,
    cores,
    version: packageVersion(),
  };
}

/**
 * The history in a state folder, which is made where it is not there.
 * @throws AppError HISTORY_UNAVAILABLE
 */
export async function openHistory(
  stateFolder: string,
  options: { readonly busyTimeoutMs?: number; readonly leavesJournal?: boolean } = {},
): Promise<History> {
  const { openSqliteHistory } = await import('../history/sqlite-history.ts');
  return openSqliteHistory({ stateFolder, ...options });
}

/**
 * The history in a state folder, where there is one: who looks leaves nothing behind.
 * @throws AppError HISTORY_UNAVAILABLE
 */
export async function findHistory(stateFolder: string): Promise<History | undefined> {
  const { historyFile } = await import('../history/sqlite-history.ts');
  const isEmpty = hasSqlite() && !existsSync(join(stateFolder, historyFile));
  return isEmpty ? undefined : openHistory(stateFolder);
}

export type NotifierOptions = Pick<Surroundings, 'signal' | 'folder' | 'onOutput'>;

/** Only a job that notifies somebody loads what that takes. */
export async function newNotifier(notify: NotifySpec, options: NotifierOptions): Promise<Notifier> {
  const around = { ...options, now: () => new Date(), random: Math.random, newId: randomUUID };
  return (await import('../telemetry/notifier.ts')).newNotifier(notify, around);
}

export async function newRunNotices(notifier: Notifier, facts: JobFacts): Promise<RunNotices> {
  return (await import('../telemetry/run-notices.ts')).newRunNotices({ notifier, facts, now: () => new Date() });
}

/** Runs as processes of their own: this command again. */
export async function newRunLauncher(stderr: 'inherit' | 'ignore'): Promise<Launcher> {
  return (await import('../schedule/spawn-run.ts')).newLauncher({ entry: ownEntry(), env: environment(), stderr });
}

/** Where the models are kept that ONNX Runtime has optimised. */
export function optimizedModelsIn(stateFolder: string): string {
  return join(stateFolder, 'models');
}

/** Holds the timer of a job, so that one process at a time decides what is due. */
export function holdTimer(stateFolder: string, { specPath, job }: JobKey): Disposable | undefined {
  const name = createHash('sha256').update(`${specPath}\0${job}`).digest('hex').slice(0, 16);
  return holdFile(join(stateFolder, 'timers', name));
}

/** DuckDB's native library takes a while to load: by the time that it is asked for, the first worker is on its way. */
function lazyDataset(
  threads: number,
): Pick<
  Ports,
  'dataset' | 'profileRows' | 'countRows' | 'countRejects' | 'compareTables' | 'measureTable' | 'rejects'
> {
  const reader = async (): Promise<DatasetReader> =>
    (await import('../dataset/reader.ts')).newDatasetReader({ threads });
  return {
    dataset: {
      find: async (request) => (await reader()).find(request),
      open: async (found, request, options) => (await reader()).open(found, request, options),
    },
    profileRows: async (facts, request) =>
      (await import('../dataset/profile-rows.ts')).newRowProfiler({ threads })(facts, request),
    countRejects: async (path) => (await import('../dataset/count-rows.ts')).countRejects(path),
    countRows: async (path, format) => (await import('../dataset/count-rows.ts')).countRows(path, format),
    rejects: {
      checkFix: async (request) => (await import('../dataset/replay-rejects.ts')).rejectReplayer.checkFix(request),
      stage: async (request) => (await import('../dataset/replay-rejects.ts')).rejectReplayer.stage(request),
      merge: async (request) => (await import('../dataset/replay-rejects.ts')).rejectReplayer.merge(request),
    },
    compareTables: async (request) =>
      (await import('../dataset/compare-tables.ts')).newTableComparer({ threads })(request),
    measureTable: async (request) =>
      (await import('../dataset/measure-table.ts')).newTableMeasurer({
        threads,
        memoryLimitBytes: usableMemoryBytes() / 2,
      })(request),
  };
}

const lazyCaches: Caches = {
  check: async (folder) => (await import('../worker/cache-folder.ts')).checkCacheFolder(folder),
  look: async (folder) => (await import('../worker/cache-folder.ts')).lookAtCacheFolder(folder),
  clear: async (folder, clearing) => (await import('../worker/cache-folder.ts')).clearCacheFolder(folder, clearing),
  models: async (stateFolder) => (await modelsIn(stateFolder)).list(),
  removeModel: async ({ folder }) => (await modelsIn(dirname(dirname(folder)))).remove(folder),
};

async function modelsIn(stateFolder: string) {
  const { OptimizedModels } = await import('../model/optimized-models.ts');
  return new OptimizedModels(optimizedModelsIn(stateFolder));
}

function needsGpus(wanted: 'auto' | 'all' | readonly string[]): boolean {
  return typeof wanted === 'string' || wanted.some((name) => name !== 'cpu');
}

/** What `node` is told to run this command again. */
function ownEntry(): string {
  return fileURLToPath(new URL('../../bin/nightshift.js', import.meta.url));
}

/** Beside this file, in the language that this file is in: `.ts` from a checkout, `.js` when built. */
export function workerEntry(name: 'main' | 'probe'): string {
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
  return fileURLToPath(new URL(`../worker/${name}${extension}`, import.meta.url));
}

async function temporaryFolder(beside?: string): Promise<TemporaryFolder> {
  const parent = beside === undefined ? tmpdir() : await nearestExisting(dirname(resolve(beside)));
  const prefix = join(parent, beside === undefined ? 'nightshift-' : besidePrefix);
  const path = await mkdtemp(prefix).catch((error: unknown) => Promise.reject(writeError(error, prefix)));
  // However the process ends, but for a kill.
  const remove = () => rmSync(path, { recursive: true, force: true, maxRetries: 3 });
  process.once('exit', remove);
  const held = beside === undefined ? undefined : await ownFolder(path, beside);
  return {
    path,
    make: async (name) => {
      await mkdir(join(path, name));
      return join(path, name);
    },
    [Symbol.asyncDispose]: async () => {
      process.off('exit', remove);
      held?.[Symbol.dispose]();
      await rm(path, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}
