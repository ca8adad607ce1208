import { readFile } from 'node:fs/promises';
import { AppError, messageOf } from '../core/errors.ts';
import { fileStamp } from '../core/file-stamp.ts';
import { processor } from '../core/host.ts';
import type { OutputColumn } from '../model/output-expression.ts';
import { providersUsed } from '../model/providers-used.ts';
import { newModelReader } from '../model/reader.ts';
import { type Provider, runtimeVersion, Session, type SessionOptions } from '../model/session.ts';
import { exposeZipMaps } from '../model/zip-map.ts';
import type { RunPlan } from '../plan/run-plan.ts';
import type { StartMessage } from './protocol.ts';

export interface OpenedSession {
  readonly session: Session;
  /** Execution providers that run the model's nodes. */
  readonly providers: readonly string[];
  /** What became of the optimised model, where the job keeps it. */
  readonly optimizedModel?: 'kept' | 'loaded' | undefined;
  /** Why it is not kept; where it is, why others that are too many could not be removed. */
  readonly optimizedModelError?: string | undefined;
}

type Options = Omit<SessionOptions, 'model'>;

/** @throws AppError MODEL_NOT_FOUND, MODEL_INVALID, PROVIDER_UNAVAILABLE */
export async function openSession(
  start: StartMessage,
  outputs: readonly OutputColumn[],
  prefix: string | undefined,
): Promise<OpenedSession> {
  const { plan } = start;
  const open = async (provider: Provider): Promise<OpenedSession> => {
    const options: Options = {
      name: plan.model.path,
      intraOpThreads: start.intraOpThreads,
      graphOptimization: plan.graphOptimization,
      outputs: [...new Set(outputs.map((output) => output.source))],
      provider,
      ...(prefix === undefined ? {} : { profilePrefix: prefix }),
    };
    if (provider === 'cpu') return { ...(await openOnCpu(start, options)), providers: ['cpu'] };
    const model = await modelOf(plan);
    const session = await opened({ ...options, model }, start);
    const { profilePrefix: _prefix, ...unprofiled } = options;
    return { session, providers: await providersUsed({ ...unprofiled, model }, provider, plan) };
  };
  try {
    return await open(start.provider);
  } catch (error) {
    const isReplaceable =
      error instanceof AppError && error.code === 'PROVIDER_UNAVAILABLE' && start.fallback === 'cpu';
    if (!isReplaceable) throw error;
    return open('cpu');
  }
}

/** Whatever is wrong with the cache, there is a session all the same if the model has one. */
async function openOnCpu(start: StartMessage, options: Options): Promise<Omit<OpenedSession, 'providers'>> {
  const { plan, optimizedModels } = start;
  let optimizedModelError: string | undefined;
  // With nothing optimised there is nothing to keep.
  if (optimizedModels !== undefined && plan.graphOptimization !== 'off') {
    try {
      const kept = await openKept(start, options, optimizedModels);
      if (kept !== undefined) return kept;
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      optimizedModelError = error.message;
    }
  }
  return { session: await opened({ ...options, model: await modelOf(plan) }, start), optimizedModelError };
}

/** @returns undefined while another worker makes the optimised model, which is not worth waiting for */
async function openKept(
  start: StartMessage,
  options: Options,
  folder: string,
): Promise<Omit<OpenedSession, 'providers'> | undefined> {
  const { plan } = start;
  // Loaded by those who need it.
  const { OptimizedModels } = await import('../model/optimized-models.ts');
  const models = new OptimizedModels(folder);
  const { name, abilities } = processor();
  const facts = {
    path: plan.model.path,
    sha256: plan.model.sha256,
    unzippedOutputs: plan.model.unzippedOutputs,
    runtime: runtimeVersion,
    provider: options.provider,
    graphOptimization: options.graphOptimization ?? 'all',
    processor: name,
    abilities,
  };
  const found = await models.find(facts, new Date());
  if (found !== undefined)
    return {
      session: await Session.open({ ...options, model: found, graphOptimization: 'off' }),
      optimizedModel: 'loaded',
    };
  using making = models.begin(facts);
  if (making === undefined) return undefined;
  const session = await opened({ ...options, model: await modelOf(plan), optimizedModelPath: making.path }, start);
  try {
    const unremoved = await making.keep(new Date());
    return { session, optimizedModel: 'kept', optimizedModelError: unremoved?.message };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { session, optimizedModelError: error.message };
  }
}

/** A session, once it is certain that its model is the one of the plan: the file may have been replaced since. */
async function opened(options: SessionOptions, { plan, modelFiles = [] }: StartMessage): Promise<Session> {
  const session = await Session.open(options);
  const { path, sha256 } = plan.model;
  const stamps = modelFiles.map(async ({ path: file, stamp }) => (await fileStamp(file)).stamp === stamp);
  const isSame =
    (await Promise.all(stamps).catch(() => [false])).every(Boolean) ||
    (await newModelReader().read(path)).sha256 === sha256;
  if (isSame) return session;
  await session[Symbol.asyncDispose]();
  throw new AppError('MODEL_CHANGED', `${path} is another one than when the run began`, {
    hint: 'put back the model, and run the same command again to go on; or score everything with the new one with --restart',
  });
}

/** A path, or the bytes of a model whose graph must be rewritten first. */
async function modelOf({ model: { path, unzippedOutputs } }: RunPlan): Promise<string | Uint8Array> {
  if (unzippedOutputs.length === 0) return path;
  try {
    return exposeZipMaps(await readFile(path)).bytes;
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError('MODEL_NOT_FOUND', `cannot read the model ${path}: ${messageOf(error)}`, {
      cause: error,
      hint: 'check model.path',
    });
  }
}
