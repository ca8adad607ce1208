import { join } from 'node:path';
import type { Manifest, StoredRun } from '../checkpoint/contract.ts';
import { AppError } from '../core/errors.ts';
import { shellWord } from '../core/shell-word.ts';
import { type CheckResult, checkText } from '../plan/check-result.ts';
import type { Commit } from '../plan/commit.ts';
import { checkResult, type PlannedCheck, plannedChecks } from '../plan/evaluate-checks.ts';
import { outputTable } from '../plan/output-table.ts';
import type { RunPlan } from '../plan/run-plan.ts';
import type { RunEventBody } from './events.ts';
import { ledgerOf } from './outcome.ts';
import type { Ports } from './ports.ts';

export interface AuditRequest {
  readonly outputFolder: string;
  readonly run: StoredRun;
  /** One a shard, in shard order. */
  readonly commits: readonly Commit[];
  readonly previous: Manifest | undefined;
  /** Whether what is found is kept in the run's folder. */
  readonly isKept: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface Audit {
  readonly checks: readonly CheckResult[];
  /** Publishing was decided before, and cut off: it is gone on with whatever the checks found. */
  readonly isDecided: boolean;
}

/**
 * Evaluates a run's checks on its staged parts, and keeps what was found. When publishing has begun already, parts are no
 * longer where they were and the run before may be half replaced: then it is what was found before that counts.
 * @throws AppError INPUT_UNREADABLE, DISK_FULL
 */
export async function auditRun(ports: Ports, request: AuditRequest): Promise<Audit> {
  const { outputFolder, run, commits, isKept } = request;
  const known = await ports.store.readChecks(outputFolder, run.runId);
  const staged = await ports.store.stagedParts(outputFolder, run.runId, commits);
  if (staged === undefined) return { checks: known ?? [], isDecided: true };
  const checks = plannedChecks(run.plan.checks ?? []);
  const results = checks.length === 0 ? [] : await evaluate(ports, { ...request, checks, staged });
  if (isKept && (results.length > 0 || known !== undefined))
    await ports.store.writeChecks(outputFolder, run.runId, results);
  return { checks: results, isDecided: false };
}

async function evaluate(
  ports: Ports,
  request: AuditRequest & { readonly checks: readonly PlannedCheck[]; readonly staged: readonly string[] },
): Promise<readonly CheckResult[]> {
  const { outputFolder, run, commits, previous, checks } = request;
  await using folder = await ports.store.auditFolder(outputFolder, run.runId);
  const measurements = await ports.measureTable({
    table: { paths: request.staged, format: run.plan.part.format, columns: outputTable(run.plan) },
    reference: previous === undefined ? undefined : lastPublished(outputFolder, previous),
    measures: checks.map(({ measure }) => measure),
    keys: keyColumns(run.plan),
    spillFolder: folder.path,
    signal: request.signal,
  });
  const ledger = ledgerOf({ plan: run.plan, commits });
  const rows = { input: ledger.in - ledger.filtered, output: ledger.out };
  return checks.flatMap((check, index) => {
    const measured = measurements[index];
    return measured === undefined ? [] : [checkResult(check, measured, rows)];
  });
}

/** The parts of the run that was published last; an append leaves those of earlier ones beside them. */
function lastPublished(outputFolder: string, { runs, parts, format }: Manifest) {
  const last = runs.at(-1)?.runId;
  const own = parts.filter((part) => part.runId === last);
  return { format, paths: own.map((part) => join(outputFolder, part.name)) };
}

/** What names a row in an example: the columns of the first key, or else the first column that is kept. */
function keyColumns({ checks, keep }: RunPlan): readonly string[] {
  const unique = checks?.find((check) => check.type === 'unique');
  return unique?.type === 'unique' ? unique.columns : keep.slice(0, 1);
}

/** Why checks keep a run from being published; undefined when they do not. */
export function checksFailure(results: readonly CheckResult[], outputFolder: string): AppError | undefined {
  const failed = results.filter(({ passed, severity }) => !passed && severity === 'error');
  if (failed.length === 0) return undefined;
  const count = failed.length === 1 ? '1 check failed' : `${failed.length} checks failed`;
  return new AppError('CHECKS_FAILED', `${count}, nothing was published: ${failed.map(checkText).join('; ')}`, {
    hint: `mend the model, the data or the checks and run the job again; or publish it as it is with \`nightshift publish ${shellWord(outputFolder)} --force\``,
    details: { checks: results },
  });
}

/** What is told of an audit: all that was found, and a warning for each check that only warns. */
export function auditEvents(results: readonly CheckResult[]): readonly RunEventBody[] {
  if (results.length === 0) return [];
  const warnings = results.filter(({ passed, severity }) => !passed && severity === 'warn');
  return [
    { type: 'checks-evaluated', checks: results },
    ...warnings.map((result) => ({
      type: 'warning' as const,
      code: 'CHECKS_FAILED' as const,
      message: `a check failed, ${checkText(result)}`,
    })),
  ];
}
