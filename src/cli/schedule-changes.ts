import type { TimerPlan, TimerTarget } from '../schedule/timer-target.ts';
import { unifiedDiff } from './unified-diff.ts';

/** A plan and the target that it is for. */
export interface TargetPlan {
  readonly target: TimerTarget;
  readonly plan: TimerPlan;
}

/** Plans removals in every target that has one of the timers; none elsewhere, so a target that is down is no matter. */
export async function planRemovals(
  targets: readonly TimerTarget[],
  isMeant: (timer: { readonly id: string; readonly spec: string; readonly job: string }) => boolean,
): Promise<readonly TargetPlan[]> {
  const plans: TargetPlan[] = [];
  for (const target of targets) {
    const remove = (await target.read()).filter(isMeant).map(({ id }) => id);
    if (remove.length > 0) plans.push({ target, plan: await target.plan({ install: [], remove }) });
  }
  return plans;
}

export function diffText(plans: readonly TargetPlan[]): string {
  return plans.flatMap(({ plan }) => plan.changes.map(unifiedDiff)).join('');
}

export function stepRecords(plans: readonly TargetPlan[]): readonly object[] {
  return plans.flatMap(({ target, plan }) =>
    plan.steps.map(({ id, spec, job, did }) => ({ job, spec, id, target: target.name, did })),
  );
}
