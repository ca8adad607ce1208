import { resolve } from 'node:path';
import { AppError } from '../core/errors.ts';
import { environment } from '../core/host.ts';
import type { TimerTarget } from '../schedule/timer-target.ts';
import { timerTargets } from '../schedule/timer-targets.ts';
import { aligned } from './aligned.ts';
import { findHistory } from './context.ts';
import type { Io } from './io.ts';
import { diffText, planRemovals, stepRecords, type TargetPlan } from './schedule-changes.ts';

export interface ScheduleRemoveFlags {
  readonly all?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
  readonly stateDir: string;
}

interface RemoveRequest {
  readonly spec: string;
  readonly names: readonly string[];
  readonly flags: ScheduleRemoveFlags;
  /** Whether the spec was written, and is not the usual one. */
  readonly isNamed: boolean;
}

/** Removes what is installed; the spec is a name here, and is not read. */
export async function scheduleRemove(io: Io, { spec, names, flags, isNamed }: RemoveRequest): Promise<number> {
  if (flags.all === true && isNamed)
    throw new AppError('USAGE', `--all removes the timers of every spec, and ${spec} is named, too`, {
      hint: 'leave out --all to remove those of the spec, or the spec to remove all',
    });
  const path = resolve(spec);
  const isMeant = (timer: { readonly spec: string; readonly job: string }) =>
    flags.all === true || (timer.spec === path && (names.length === 0 || names.includes(timer.job)));
  const targets = timerTargets(environment());
  const plans = await planRemovals(targets, isMeant);
  const missing = missingOf(plans, { path: flags.all === true ? 'you' : path, names });
  if (missing !== undefined) throw await notFound(missing, targets);
  const isDryRun = flags.dryRun === true;
  if (!isDryRun) {
    for (const { target, plan } of plans) await target.apply(plan);
    await forget(plans, flags);
  }
  if (flags.json === true) {
    const document = {
      v: 1,
      dryRun: isDryRun,
      timers: stepRecords(plans),
      ...(isDryRun ? { diff: diffText(plans) } : {}),
    };
    io.out(`${JSON.stringify(document, undefined, 2)}\n`);
    return 0;
  }
  io.out(isDryRun ? diffText(plans) : removedText(plans));
  return 0;
}

/** What was paused is not any more when it is installed again. */
async function forget(plans: readonly TargetPlan[], { stateDir }: ScheduleRemoveFlags): Promise<void> {
  using history = await findHistory(resolve(stateDir));
  for (const { spec, job } of plans.flatMap(({ plan }) => plan.steps)) history?.removeSchedule({ specPath: spec, job });
}

/** What has no timer that could be removed. */
function missingOf(
  plans: readonly TargetPlan[],
  { path, names }: { readonly path: string; readonly names: readonly string[] },
): string | undefined {
  const found = new Set(plans.flatMap(({ plan }) => plan.steps.map(({ job }) => job)));
  const missing = names.filter((name) => !found.has(name));
  if (found.size > 0 && missing.length === 0) return undefined;
  return missing.length > 0 ? `job ${missing.join(', ')} of ${path}` : path;
}

async function notFound(what: string, targets: readonly TimerTarget[]): Promise<AppError> {
  const installed = (await Promise.all(targets.map((target) => target.read()))).flat();
  const hint =
    installed.length === 0
      ? 'nothing is installed; there is nothing to remove'
      : '`nightshift schedule list` says what is installed; --all removes all of it';
  return new AppError('SCHEDULE_NOT_FOUND', `no timer is installed for ${what}`, { hint });
}

function removedText(plans: readonly TargetPlan[]): string {
  const rows = plans.flatMap(({ target, plan }) =>
    plan.steps.map(({ job, did, spec }) => [job, did, `from ${target.name}`, spec]),
  );
  return aligned(rows, { indent: 0 });
}
