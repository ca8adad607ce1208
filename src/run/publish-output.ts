import type { Manifest, StoredRun } from '../checkpoint/contract.ts';
import { AppError } from '../core/errors.ts';
import type { CheckResult } from '../plan/check-result.ts';
import type { Commit } from '../plan/commit.ts';
import { auditRun, checksFailure } from './audit-run.ts';
import { orAborted } from './or-aborted.ts';
import { checkAppend, type FinishedRun, failureOf, ledgerOf, publishedRun } from './outcome.ts';
import type { Ports } from './ports.ts';

export interface PublishOptions {
  readonly outputFolder: string;
  /** The latest one that is scored to the end when it is undefined. */
  readonly runId: string | undefined;
  /** Publishes in spite of failed checks and too many rejects; never without a shard. */
  readonly force: boolean;
  /** Evaluates all and publishes nothing. */
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
}

export interface Publication {
  readonly runId: string;
  readonly job: string;
  readonly output: string;
  readonly published: boolean;
  /** What force had to set aside; the manifest says so. */
  readonly overruled: readonly AppError[];
  readonly rows: ReturnType<typeof ledgerOf>;
  readonly parts: number;
  readonly checks: readonly CheckResult[];
}

/**
 * Publishes a run that is scored and was not published, because a check failed or it was stopped, without its spec.
 * @throws AppError OUTPUT_NOT_FOUND, SHARDS_FAILED, REJECTS_OVER_LIMIT, CHECKS_FAILED, OUTPUT_EXISTS, LOCKED
 */
export async function publishOutput(ports: Ports, options: PublishOptions): Promise<Publication> {
  const { outputFolder, dryRun, signal } = options;
  // Looked for before the lock is made, so that a folder of somebody else stays as it is.
  const { candidates, ...known } = await findCandidates(ports, options);
  if (candidates.length === 0) throw nothingToPublish(outputFolder, { runId: options.runId, ...known });
  if (dryRun) return publishFound(ports, options, await findRun(ports, options));
  await using _lock = await ports.store.lock(outputFolder, ports.now().toISOString());
  signal.throwIfAborted();
  return await publishFound(ports, options, await findRun(ports, options));
}

interface FoundRun {
  readonly run: StoredRun;
  readonly commits: readonly Commit[];
  readonly previous: Manifest | undefined;
}

/** Runs that may be published, the latest first, without a look at their parts, which takes reading them. */
async function findCandidates(ports: Ports, { outputFolder, runId }: PublishOptions) {
  const previous = await ports.store.readPublished(outputFolder);
  const unfinished = await ports.store.findUnfinished(outputFolder, previous);
  const candidates = runId === undefined ? unfinished.toReversed() : unfinished.filter((run) => run.runId === runId);
  return { previous, unfinished, candidates };
}

async function findRun(ports: Ports, options: PublishOptions): Promise<FoundRun> {
  const { outputFolder, runId, signal } = options;
  const { previous, unfinished, candidates } = await findCandidates(ports, options);
  const looked: FoundRun[] = [];
  for (const run of candidates) {
    const place = { mode: modeOf(run), previous };
    const valid = await orAborted(signal, ports.store.validCommits(outputFolder, run, place));
    const commits = run.plan.shards.flatMap((shard) => valid.get(shard.index) ?? []);
    looked.push({ run, commits, previous });
    if (commits.length === run.plan.shards.length) break;
  }
  const [latest] = looked;
  if (latest === undefined) throw nothingToPublish(outputFolder, { runId, previous, unfinished });
  const whole = looked.find(({ run, commits }) => commits.length === run.plan.shards.length);
  if (whole === undefined) throw shardsMissing(latest);
  return whole;
}

function modeOf({ plan }: StoredRun) {
  return plan.publishing?.mode ?? 'error';
}

async function publishFound(ports: Ports, options: PublishOptions, found: FoundRun): Promise<Publication> {
  const { outputFolder, force, dryRun, signal } = options;
  const { run, commits, previous } = found;
  const { runId, plan } = run;
  const mode = modeOf(run);
  if ((await ports.store.check(outputFolder, mode, previous)) === 'skip') throw publishedMeanwhile(outputFolder);
  if (mode === 'append') checkAppend(plan, outputFolder, previous);
  const finished: FinishedRun = { runId, outputFolder, plan, commits, failures: [] };
  const rejects = failureOf(finished, plan.publishing?.maxRejected ?? { rows: 0 });
  if (rejects !== undefined && !force) throw rejects;
  const asked = { outputFolder, run, commits, previous, isKept: !dryRun, signal };
  const { checks, isDecided } = await orAborted(signal, auditRun(ports, asked));
  const failedChecks = checksFailure(checks, outputFolder);
  if (failedChecks !== undefined && !force && !isDecided) throw failedChecks;
  const overruled = [rejects, failedChecks].filter((error) => error !== undefined);
  const by = { publishedAt: ports.now().toISOString(), version: ports.version, checks, isForced: overruled.length > 0 };
  if (!dryRun)
    await ports.store.publish({
      outputFolder,
      mode,
      keepVersions: plan.publishing?.keepVersions ?? 1,
      previous,
      plan,
      commits,
      run: publishedRun(finished, by),
    });
  return {
    runId,
    job: plan.job,
    output: outputFolder,
    published: !dryRun,
    overruled,
    rows: ledgerOf(finished),
    parts: commits.length,
    checks,
  };
}

function nothingToPublish(
  outputFolder: string,
  { runId, previous, unfinished }: Partial<FoundRun> & { runId: string | undefined; unfinished: readonly StoredRun[] },
): AppError {
  if (runId === undefined) {
    const text = previous === undefined ? 'no run' : 'every run that is there is published';
    return new AppError('OUTPUT_NOT_FOUND', `nothing to publish in ${outputFolder}: ${text}`, {
      hint: 'name the folder that output.path of a job names, after a run that was not published',
    });
  }
  const isPublished = previous?.runs.some((run) => run.runId === runId) === true;
  const known = unfinished.map((run) => run.runId).join(', ');
  return new AppError(
    'OUTPUT_NOT_FOUND',
    `run ${runId} ${isPublished ? 'is published already' : `is not in ${outputFolder}`}`,
    { hint: known === '' ? 'there is no run to publish' : `runs that are not published: ${known}` },
  );
}

function shardsMissing({ run, commits }: FoundRun): AppError {
  const { shards, job } = run.plan;
  const missing = shards.length - commits.length;
  return new AppError(
    'SHARDS_FAILED',
    `run ${run.runId} cannot be published: ${missing} of ${shards.length} shards are not scored`,
    { hint: `run job ${job} again to score them; finished shards are kept`, details: { runId: run.runId, missing } },
  );
}

function publishedMeanwhile(outputFolder: string): AppError {
  return new AppError('OUTPUT_EXISTS', `${outputFolder} is published already, and output.mode of this run is ignore`, {
    hint: 'set output.mode to overwrite or append, and run the job again',
  });
}
