import { resolve } from 'node:path';
import { AppError } from '../core/errors.ts';
import { environment } from '../core/host.ts';
import { timerTargets } from '../schedule/timer-targets.ts';
import { aligned } from './aligned.ts';
import { findHistory } from './context.ts';
import type { Io } from './io.ts';
import { diffText, planRemovals, stepRecords, type TargetPlan } from './schedule-changes.ts';
import type { ScheduleRemoveFlags } from './schedule-remove-command.ts';

interface RemoveRequest {
  readonly spec: string;
  readonly names: readonly string[];
  readonly flags: ScheduleRemoveFlags;
}

/** Removes what is installed; the spec is a name here, and is not read. */
export async function scheduleRemove(io: Io, { spec, names, flags }: RemoveRequest): Promise<number> {
  const path = resolve(spec);
  const isMeant = (timer: { readonly spec: string; readonly job: string }) =>
    flags.all === true || (timer.spec === path && (names.length === 0 || names.includes(timer.job)));
  const plans = await planRemovals(timerTargets(environment()), isMeant);
  checkFound(plans, { path: flags.all === true ? 'you' : path, names: flags.all === true ? [] : names });
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

function checkFound(
  plans: readonly TargetPlan[],
  { path, names }: { readonly path: string; readonly names: readonly string[] },
): void {
  const found = new Set(plans.flatMap(({ plan }) => plan.steps.map(({ job }) => job)));
  const missing = names.filter((name) => !found.has(name));
  if (found.size > 0 && missing.length === 0) return;
  const what = missing.length > 0 ? `job ${missing.join(', ')} of ${path}` : path;
  throw new AppError('SCHEDULE_NOT_FOUND', `no timer is installed for ${what}`, {
    hint: '`nightshift schedule list` says what is installed; --all removes all of it',
  });
}

function removedText(plans: readonly TargetPlan[]): string {
  const rows = plans.flatMap(({ target, plan }) =>
    plan.steps.map(({ job, did, spec }) => [job, did, `from ${target.name}`, spec]),
  );
  return aligned(rows, { indent: 0 });
}
