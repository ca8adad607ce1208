import type { Timer, TimerMarker } from './timer.ts';

export const targetNames = ['systemd', 'systemd-system', 'cron'] as const;
export type TargetName = (typeof targetNames)[number];

/** What is wanted of the timers of a target; timers that are named in neither stay as they are. */
export interface TimerChange {
  readonly install: readonly Timer[];
  /** Ids; one that is not there is no error. */
  readonly remove: readonly string[];
}

/** A file, or the crontab, before and after. */
export interface TextChange {
  readonly name: string;
  /** Undefined: not there. */
  readonly before: Buffer | undefined;
  readonly after: Buffer | undefined;
}

export interface TimerStep {
  readonly id: string;
  readonly spec: string;
  readonly job: string;
  readonly did: 'installed' | 'updated' | 'unchanged' | 'removed';
  /** Commands with which people look at it. */
  readonly look: readonly string[];
}

export interface TimerPlan {
  readonly steps: readonly TimerStep[];
  /** Empty when all is as it should be. */
  readonly changes: readonly TextChange[];
}

/** Where timers are installed. Timers of others in the same place are never touched. */
export interface TimerTarget {
  readonly name: TargetName;
  /** Whether something there calls timers. */
  readonly isAvailable: () => Promise<boolean>;
  /** What is installed; nothing where the target is not there. */
  readonly read: () => Promise<readonly TimerMarker[]>;
  /**
   * What would be done; changes nothing.
   * @throws AppError USAGE for what the target cannot hold
   */
  readonly plan: (change: TimerChange) => Promise<TimerPlan>;
  /** @throws AppError SCHEDULER_UNAVAILABLE, SCHEDULE_CHANGED when somebody else changed it since the plan */
  readonly apply: (plan: TimerPlan) => Promise<void>;
}

/** What becomes of each timer of a change. */
export function stepsOf(
  { install, remove }: TimerChange,
  present: readonly TimerMarker[],
  {
    isSame,
    look,
  }: { readonly isSame: (timer: Timer) => boolean; readonly look: (timer: TimerMarker) => readonly string[] },
): readonly TimerStep[] {
  const step = (timer: TimerMarker, did: TimerStep['did']): TimerStep => {
    return { id: timer.id, spec: timer.spec, job: timer.job, did, look: look(timer) };
  };
  const ids = new Set(present.map(({ id }) => id));
  return [
    ...install.map((timer) => step(timer, isSame(timer) ? 'unchanged' : ids.has(timer.id) ? 'updated' : 'installed')),
    ...present.filter(({ id }) => remove.includes(id)).map((timer) => step(timer, 'removed')),
  ];
}
