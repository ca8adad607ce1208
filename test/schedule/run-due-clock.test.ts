import { afterEach, describe, expect, it, vi } from 'vitest';
import { dayMs, hourMs, key, minuteMs, Nights } from './nights.ts';

let nights: Nights;
afterEach(() => nights[Symbol.dispose]());

const nightly = { cron: '30 2 * * *' };
const hourly = { cron: '0 * * * *' };
const late = { since: '2026-11-22T12:00Z', now: '2026-11-23T02:30:03Z' };

function installed(schedule: object, { since, now }: { readonly since: string; readonly now: string }): Nights {
  nights = new Nights(schedule, now);
  nights.install(since);
  return nights;
}

describe('a jitter', () => {
  async function beginsAfter(machine: string, now = late.now): Promise<number> {
    installed(nightly, { ...late, now });
    Object.assign(nights, { jitterMs: 10 * minuteMs, machine });
    await nights.callThrough();
    const began = (nights.runs[0]?.beganMs ?? 0) - Date.parse('2026-11-23T02:30Z');
    nights[Symbol.dispose]();
    return began;
  }

  it('delays a run by as much each time on one machine, by something else on another', async () => {
    const here = await beginsAfter('here');
    expect(here).toBeGreaterThan(3000);
    expect(here).toBeLessThan(10 * minuteMs);
    expect(await beginsAfter('here', '2026-11-23T02:30:01Z')).toBe(here);
    expect(await beginsAfter('there')).not.toBe(here);
  });

  it('delays nothing that is late already', async () => {
    expect(await beginsAfter('here', '2026-11-23T02:45Z')).toBe(15 * minuteMs);
  });

  it('is not held against a run that may not be late', async () => {
    installed({ ...nightly, catchUp: 'none' }, late);
    nights.jitterMs = 12 * hourMs;
    expect(await nights.callThrough()).toEqual(['23T02:30 delayed', '23T02:30 launched', '23T02:30 published']);
  });

  it('of months does not overflow a timer', async () => {
    installed({ cron: '0 0 1 1 *' }, { since: '2026-12-01T12:00Z', now: '2027-01-01T00:00:01Z' });
    nights.jitterMs = 90 * dayMs;
    const timers = vi.spyOn(globalThis, 'setTimeout');
    const call = nights.call();
    await vi.advanceTimersByTimeAsync(10 * minuteMs);
    expect(timers.mock.calls.map(([, ms]) => ms)).toEqual(Array(11).fill(minuteMs));
    expect(nights.runs).toEqual([]);
    call.kill();
    timers.mockRestore();
  });

  it('keeps no other run from being seen to', async () => {
    installed(
      { ...hourly, concurrencyPolicy: 'Allow', activeDeadline: '70m' },
      { since: '2026-11-22T23:30Z', now: '2026-11-23T00:30Z' },
    );
    Object.assign(nights, { jitterMs: 50 * minuteMs, machine: 'far' });
    nights.fate = (nth) => ({ takesMs: nth === 0 ? dayMs : minuteMs });
    await nights.callThrough();
    const [first, second] = nights.runs;
    expect(second?.tickMs).toBe(Date.parse('2026-11-23T01:00Z'));
    expect(first?.end?.state).toBe('interrupted');
  });

  it('begins nothing when the job is paused meanwhile, or the command is stopped', async () => {
    installed(nightly, late);
    nights.jitterMs = 10 * hourMs;
    const call = nights.call();
    await vi.advanceTimersByTimeAsync(minuteMs);
    nights.history.pause(key, Date.now());
    await call.through();
    expect(call.told()).toEqual(['23T02:30 delayed', '23T02:30 skip']);
    vi.setSystemTime('2026-11-24T02:30:01Z');
    nights.history.resume(key, Date.now());
    const stopped = nights.call();
    await vi.advanceTimersByTimeAsync(minuteMs);
    stopped.controller.abort(new Error('stopped'));
    await stopped.through();
    expect(nights.runs).toEqual([]);
  });

  it('lets a run that Replace will stop go on until then', async () => {
    installed({ ...hourly, concurrencyPolicy: 'Replace' }, { since: '2026-11-22T23:30Z', now: '2026-11-23T00:30Z' });
    nights.jitterMs = 30 * minuteMs;
    nights.fate = (nth) => ({ takesMs: nth === 0 ? 2 * hourMs : 1000, stopMs: 1000 });
    const call = nights.call();
    await call.through();
    const [, second] = nights.runs;
    expect(call.told().slice(0, 3)).toEqual(['23T00:00 launched', '23T00:00 stopping', '23T00:00 interrupted']);
    expect((second?.beganMs ?? 0) - (second?.tickMs ?? 0)).toBeGreaterThan(2000);
  });
});

describe('a clock', () => {
  it('that is set back an hour runs no tick twice, and none is lost', async () => {
    installed(hourly, { since: '2026-11-22T23:30Z', now: '2026-11-23T00:00:01Z' });
    nights.fate = () => ({ takesMs: 10 * minuteMs });
    const call = nights.call();
    await vi.advanceTimersByTimeAsync(minuteMs);
    vi.setSystemTime('2026-11-22T23:01Z');
    await call.through();
    for (let at = Date.parse('2026-11-23T00:00:02Z'); at < Date.parse('2026-11-23T03:00Z'); at += hourMs) {
      vi.setSystemTime(at);
      await nights.callThrough();
    }
    expect(nights.settled().map((line) => line.slice(0, 12))).toEqual(['23T00:00 run', '23T01:00 run', '23T02:00 run']);
    expect(nights.runs).toHaveLength(3);
  });

  it('that jumps ahead a year and back costs no later tick', async () => {
    installed(nightly, late);
    await nights.callThrough();
    vi.setSystemTime('2027-11-23T03:00Z');
    await nights.callThrough();
    expect(nights.runs.at(-1)?.request.logicalDate).toBe('2027-11-23T02:30:00+00:00');
    const days = ['2026-11-24', '2026-11-25', '2027-08-09', '2027-08-10', '2027-11-22', '2027-11-24'];
    for (const day of days) {
      vi.setSystemTime(`${day}T02:30:02Z`);
      const told = await nights.callThrough();
      expect(told.at(-1)).toBe(`${day.slice(8)}T02:30 published`);
    }
  });

  it('that jumps ahead a year and back while a run goes on costs no later tick either', async () => {
    installed(nightly, late);
    nights.fate = (nth) => ({ takesMs: nth === 0 ? 5 * hourMs : minuteMs });
    const call = nights.call();
    await vi.advanceTimersByTimeAsync(minuteMs);
    vi.setSystemTime('2027-11-23T04:00Z');
    await vi.advanceTimersByTimeAsync(3 * minuteMs);
    vi.setSystemTime('2026-11-23T02:40Z');
    await call.through();
    expect(nights.settled()).toEqual(['23T02:30 run: published']);
    vi.setSystemTime('2026-11-24T02:30:01Z');
    expect((await nights.callThrough()).at(-1)).toBe('24T02:30 published');
  });

  it('that is wrong as the machine starts, before it is set, decides nothing and forgets nothing', async () => {
    installed({ ...nightly, catchUp: 'all' }, late);
    await nights.callThrough();
    vi.setSystemTime('1970-01-01T00:00:20Z');
    expect((await nights.callThrough()).at(-1)).toMatch(/nothing, next|note/);
    vi.setSystemTime('2026-11-25T09:00Z');
    await nights.callThrough();
    expect(nights.began().map((line) => line.slice(0, 8))).toEqual(['23T02:30', '24T02:30', '25T02:30']);
  });

  it('that is set has no say in how long a run may take', async () => {
    installed({ ...nightly, activeDeadline: '2h' }, late);
    nights.fate = () => ({ takesMs: hourMs });
    const call = nights.call();
    await vi.advanceTimersByTimeAsync(minuteMs);
    vi.setSystemTime('2026-11-23T08:00Z');
    await call.through();
    expect(nights.settled()).toEqual(['23T02:30 run: published']);
  });

  it('is looked at while a run goes on: who slept sees to what came meanwhile', async () => {
    installed(hourly, { since: '2026-11-22T23:30Z', now: '2026-11-23T00:00:01Z' });
    nights.fate = (nth) => ({ takesMs: nth === 0 ? 10 * minuteMs : minuteMs });
    const call = nights.call();
    await vi.advanceTimersByTimeAsync(minuteMs);
    vi.setSystemTime('2026-11-23T06:20Z');
    await call.through();
    expect(nights.began().map((line) => line.slice(0, 8))).toEqual(['23T00:00', '23T06:00']);
    expect(nights.settled()).toHaveLength(7);
  });
});

describe('a schedule that was edited', () => {
  it('makes nothing up from before, and says so', async () => {
    installed(nightly, { since: '2026-11-20T12:00Z', now: '2026-11-23T10:20Z' });
    nights.schedule = { ...nights.schedule, cron: '0 * * * *' };
    expect(await nights.callThrough()).toEqual([
      'note: the schedule was changed: what it missed before is not made up for',
    ]);
    vi.setSystemTime('2026-11-23T11:00:01Z');
    expect(await nights.callThrough()).toEqual(['23T11:00 launched', '23T11:00 published']);
    expect(nights.settled()).toEqual(['23T11:00 run: published']);
  });
});

describe('waiting', () => {
  it('leaves no listener behind, and never spins', async () => {
    installed({ ...hourly, concurrencyPolicy: 'Replace' }, { since: '2026-11-22T23:30Z', now: '2026-11-23T00:00:01Z' });
    nights.fate = (nth) => ({ takesMs: nth === 0 ? 5 * hourMs : minuteMs, stopMs: 3 * hourMs });
    const timers = vi.spyOn(globalThis, 'setTimeout');
    const call = nights.call();
    const added = vi.spyOn(call.controller.signal, 'addEventListener');
    await call.through();
    const mine = timers.mock.calls.map(([, ms]) => ms ?? 0);
    expect(mine.length).toBeLessThan(600);
    expect(Math.min(...mine)).toBeGreaterThan(0);
    expect(added).not.toHaveBeenCalled();
    timers.mockRestore();
  });
});
