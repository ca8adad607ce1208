import { beforeEach, describe, expect, it } from 'vitest';
import type { TimerTarget } from '../../src/schedule/timer-target.ts';
import { someTimer } from './some-timer.ts';

export interface TargetCase {
  readonly target: TimerTarget;
  /** All that is there, of us and of others. */
  readonly whole: () => Promise<unknown>;
  /** What somebody else does in between. */
  readonly disturb: () => Promise<void>;
}

/** What every target promises, whatever it writes to. */
export function describeTarget(name: string, make: () => Promise<TargetCase>): void {
  describe(`a target of timers: ${name}`, () => {
    let each: TargetCase;
    let target: TimerTarget;
    beforeEach(async () => {
      each = await make();
      target = each.target;
    });
    const [a, b] = [someTimer({ job: 'a' }), someTimer({ job: 'b', jitterMs: 0 })];
    const didOf = async (change: Partial<Parameters<TimerTarget['plan']>[0]>) => {
      const plan = await target.plan({ install: [], remove: [], ...change });
      await target.apply(plan);
      return plan.steps.map(({ job, did }) => `${job} ${did}`);
    };

    it('is there, and has no timer at first', async () => {
      expect(await target.isAvailable()).toBe(true);
      expect(await target.read()).toEqual([]);
    });

    it('changes nothing while it plans', async () => {
      const before = await each.whole();
      const { changes } = await target.plan({ install: [a], remove: [] });
      expect(changes).not.toEqual([]);
      expect(await each.whole()).toEqual(before);
      expect(await target.read()).toEqual([]);
    });

    it('installs, updates, keeps and removes, and is as it was then', async () => {
      const before = await each.whole();
      expect(await didOf({ install: [a, b] })).toEqual(['a installed', 'b installed']);
      expect((await target.read()).map(({ id, job, spec }) => ({ id, job, spec }))).toEqual(
        [a, b].map(({ id, job, spec }) => ({ id, job, spec })),
      );
      const later = { ...a, cronTimes: ['5 * * * *'], calendars: ['daily UTC'], digest: 'other' };
      expect(await didOf({ install: [later, b] })).toEqual(['a updated', 'b unchanged']);
      expect((await target.read()).map(({ digest }) => digest)).toEqual(['other', b.digest]);
      expect(await didOf({ remove: [b.id] })).toEqual(['b removed']);
      expect(await didOf({ remove: [a.id] })).toEqual(['a removed']);
      expect(await each.whole()).toEqual(before);
    });

    it('does nothing a second time', async () => {
      await didOf({ install: [a] });
      const before = await each.whole();
      const plan = await target.plan({ install: [a], remove: [] });
      expect(plan).toMatchObject({ steps: [{ did: 'unchanged' }], changes: [] });
      await target.apply(plan);
      expect(await each.whole()).toEqual(before);
    });

    it('has no quarrel with a timer to remove that is not there', async () => {
      expect(await target.plan({ install: [], remove: [a.id] })).toEqual({ steps: [], changes: [] });
    });

    it('writes nothing when somebody else wrote since the plan', async () => {
      const plan = await target.plan({ install: [a], remove: [] });
      await each.disturb();
      const before = await each.whole();
      await expect(target.apply(plan)).rejects.toMatchObject({ code: 'SCHEDULE_CHANGED', exitCode: 75 });
      expect(await each.whole()).toEqual(before);
    });
  });
}
