import { afterEach, describe, expect, it, vi } from 'vitest';
import { runStart } from '../history/run-start.ts';
import { dayMs, ends, hourMs, key, minuteMs, Nights } from './nights.ts';

const nightly = { cron: '30 2 * * *' };
const hourly = { cron: '0 * * * *' };
let nights: Nights;
afterEach(() => nights[Symbol.dispose]());

function installed(schedule: object, { since, now }: { readonly since: string; readonly now: string }): Nights {
  nights = new Nights(schedule, now);
  nights.install(since);
  return nights;
}

describe('what is due', () => {
  it('runs on time, with its tick as logical date, and is settled with its run', async () => {
    installed(nightly, { since: '2026-11-22T12:00Z', now: '2026-11-23T02:30:03Z' });
    nights.fate = () => ({ end: { runId: 'r1' } });
    expect(await nights.callThrough()).toEqual(['23T02:30 launched', '23T02:30 published']);
    expect(nights.runs.map(({ request }) => request)).toEqual([
      { ...key, logicalDate: '2026-11-23T02:30:00+00:00', trigger: 'schedule', options: ['--wait', '3600s'] },
    ]);
    expect(nights.history.lastTicks(key, 9)).toEqual([
      {
        ...key,
        tickMs: Date.parse('2026-11-23T02:30Z'),
        decision: 'run',
        runId: 'r1',
        reason: 'published',
        decidedAtMs: expect.any(Number),
      },
    ]);
    expect(await nights.callThrough()).toEqual(['nothing, next 24T02:30']);
  });

  it('is also the tick that just fired of a schedule that nobody installed, and none before', async () => {
    nights = new Nights(hourly, '2026-11-23T02:00:20Z');
    expect(await nights.callThrough()).toEqual(['23T02:00 launched', '23T02:00 published']);
  });

  it.each([
    ['none', ['22T02:30 missed', '23T02:30 missed', '24T02:30 missed']],
    ['latest', ['22T02:30 missed', '23T02:30 missed', '24T02:30 launched', '24T02:30 published']],
    [
      'all',
      [
        ...['22T02:30 missed', '24T02:30 wait', '23T02:30 launched', '23T02:30 published'],
        ...['24T02:30 launched', '24T02:30 published'],
      ],
    ],
  ])('after nights that were missed is, with catchUp %s', async (catchUp, told) => {
    installed({ ...nightly, catchUp, maxCatchUp: 2 }, { since: '2026-11-21T12:00Z', now: '2026-11-24T08:00Z' });
    expect(await nights.callThrough()).toEqual(told);
    expect(nights.settled().map((line) => line.slice(0, 8))).toEqual(['22T02:30', '23T02:30', '24T02:30']);
    expect(await nights.callThrough()).toEqual(['nothing, next 25T02:30']);
  });

  it('is nothing of what somebody published by hand for the same date', async () => {
    installed(nightly, { since: '2026-11-22T12:00Z', now: '2026-11-23T08:00Z' });
    const at = Date.parse('2026-11-23T02:30Z');
    const record = nights.history.beginRun(runStart({ ...key, logicalDateMs: at }));
    nights.history.endRun(record, { state: 'published', exitCode: 0, endedAtMs: at });
    expect(await nights.callThrough()).toEqual(['nothing, next 24T02:30']);
  });

  it('passes while the job is paused or suspended, and is not made up for', async () => {
    installed(nightly, { since: '2026-11-22T12:00Z', now: '2026-11-23T02:30:01Z' });
    nights.history.pause(key, Date.now());
    expect(await nights.callThrough()).toEqual(['23T02:30 skip']);
    nights.history.resume(key, Date.now());
    vi.setSystemTime('2026-11-24T02:30:01Z');
    nights.schedule = { ...nights.schedule, suspend: true };
    expect(await nights.callThrough()).toEqual(['24T02:30 skip']);
    nights.schedule = { ...nights.schedule, suspend: false };
    vi.setSystemTime('2026-11-25T02:30:01Z');
    expect(await nights.callThrough()).toEqual(['25T02:30 launched', '25T02:30 published']);
    expect(nights.settled().map((line) => line.split(':', 2).join(':'))).toEqual([
      '23T02:30 skipped',
      '24T02:30 skipped',
      '25T02:30 run',
    ]);
  });

  it('is bounded where thousands of ticks were missed', async () => {
    installed({ cron: '* * * * *' }, { since: '2026-10-01T00:00Z', now: '2026-11-23T00:00:01Z' });
    nights.fate = () => ({ takesMs: 1000 });
    const told = await nights.callThrough();
    expect(told[0]).toBe('76220 more missed');
    expect(told).toHaveLength(1 + 99 + 2);
  });
});

describe('a tick that comes while a run goes on', () => {
  it('waits for its end with Forbid, and is run by the same loop', async () => {
    installed(hourly, { since: '2026-11-22T23:30Z', now: '2026-11-23T00:00:01Z' });
    nights.fate = (nth) => ({ takesMs: nth === 0 ? 90 * minuteMs : minuteMs });
    expect(await nights.callThrough()).toEqual([
      ...['23T00:00 launched', '23T01:00 wait', '23T00:00 published'],
      ...['23T01:00 launched', '23T01:00 published'],
    ]);
    expect(nights.began()).toEqual(['23T00:00 at 23T00:00', '23T01:00 at 23T01:30']);
  });

  it('runs beside it with Allow', async () => {
    installed({ ...hourly, concurrencyPolicy: 'Allow' }, { since: '2026-11-22T23:30Z', now: '2026-11-23T00:00:01Z' });
    nights.fate = (nth) => ({ takesMs: nth === 0 ? 90 * minuteMs : minuteMs });
    await nights.callThrough();
    expect(nights.began()).toEqual(['23T00:00 at 23T00:00', '23T01:00 at 23T01:00']);
    expect(nights.settled()).toEqual(['23T00:00 run: published', '23T01:00 run: published']);
  });

  it('of those made up for one runs after the other with Allow, beside the newest', async () => {
    const schedule = { ...hourly, concurrencyPolicy: 'Allow', catchUp: 'all' };
    installed(schedule, { since: '2026-11-22T22:30Z', now: '2026-11-23T01:10Z' });
    nights.fate = () => ({ takesMs: 10 * minuteMs });
    await nights.callThrough();
    expect(nights.began()).toEqual(['22T23:00 at 23T01:10', '23T01:00 at 23T01:10', '23T00:00 at 23T01:20']);
  });

  it('and has run does not hide an older one that still waits, with Allow', async () => {
    const schedule = { ...hourly, concurrencyPolicy: 'Allow', catchUp: 'all' };
    installed(schedule, { since: '2026-11-22T21:30Z', now: '2026-11-23T01:10Z' });
    nights.fate = (nth) => ({ takesMs: ([30, 5, 90][nth] ?? 5) * minuteMs, stopMs: 1000 });
    const call = nights.call();
    await vi.advanceTimersByTimeAsync(20 * minuteMs);
    expect(nights.settled()).toEqual([]);
    call.controller.abort(new Error('stopped'));
    await call.through();
    expect(nights.settled()).toEqual([
      ...[
        '22T22:00 missed: its run was interrupted, and a newer one ran',
        '22T23:00 missed: it had to wait, and a newer one ran',
      ],
      ...['23T00:00 missed: it had to wait, and a newer one ran', '23T01:00 run: published'],
    ]);
  });

  it('stops it with Replace, and begins when it has stopped', async () => {
    installed({ ...hourly, concurrencyPolicy: 'Replace' }, { since: '2026-11-22T23:30Z', now: '2026-11-23T00:00:01Z' });
    nights.fate = (nth) => ({ takesMs: nth === 0 ? 90 * minuteMs : minuteMs, stopMs: 5 * minuteMs });
    expect(await nights.callThrough()).toEqual([
      ...['23T00:00 launched', '23T00:00 stopping', '23T00:00 interrupted', '23T01:00 launched', '23T01:00 published'],
    ]);
    expect(nights.began()).toEqual(['23T00:00 at 23T00:00', '23T01:00 at 23T01:05']);
    expect(nights.settled()).toEqual([
      '23T00:00 run: the run for 2026-11-23T01:00:00+00:00 replaces it',
      '23T01:00 run: published',
    ]);
  });

  it('never stops one that was launched after the tick was due', async () => {
    const schedule = { cron: '* * * * *', concurrencyPolicy: 'Replace' };
    installed(schedule, { since: '2026-11-22T23:59:30Z', now: '2026-11-23T00:00:01Z' });
    nights.fate = (nth) => ({ takesMs: nth < 2 ? hourMs : 1000, stopMs: 90_000 });
    const call = nights.call();
    await vi.advanceTimersByTimeAsync(155_000);
    expect(nights.runs.map(({ wasStopped }) => wasStopped)).toEqual([true, false]);
    await call.through();
  });

  it('is missed when the run takes longer than its startingDeadline', async () => {
    installed({ ...hourly, startingDeadline: '10m' }, { since: '2026-11-22T23:30Z', now: '2026-11-23T00:00:01Z' });
    nights.fate = (nth) => ({ takesMs: nth === 0 ? 75 * minuteMs : minuteMs });
    expect(await nights.callThrough()).toEqual([
      ...['23T00:00 launched', '23T01:00 wait', '23T01:00 missed', '23T00:00 published'],
    ]);
    expect(nights.runs[0]?.request.options).toEqual(['--wait', '599s']);
  });

  it('and is missed does not hide an older one whose run dies with the machine', async () => {
    installed(
      { ...hourly, catchUp: 'all', maxCatchUp: 2 },
      { since: '2026-11-22T23:30Z', now: '2026-11-23T00:00:01Z' },
    );
    nights.fate = () => ({ takesMs: 10 * hourMs });
    const call = nights.call();
    await vi.advanceTimersByTimeAsync(3.5 * hourMs);
    expect(call.told()).toContain('23T01:00 missed');
    call.kill();
    nights.schedule = { ...nights.schedule, maxCatchUp: 9 };
    nights.fate = () => ({ takesMs: minuteMs });
    await nights.callThrough();
    expect(nights.began().slice(1)).toEqual([
      ...['23T00:00 at 23T03:30', '23T01:00 at 23T03:31', '23T02:00 at 23T03:32', '23T03:00 at 23T03:33'],
    ]);
  });
});

describe('a run that ends otherwise', () => {
  const late = { since: '2026-11-22T12:00Z', now: '2026-11-23T02:30:03Z' };

  it('is stopped by its activeDeadline, and its tick is settled', async () => {
    installed({ ...nightly, activeDeadline: '2h' }, late);
    nights.fate = () => ({ takesMs: dayMs });
    expect(await nights.callThrough()).toEqual(['23T02:30 launched', '23T02:30 stopping', '23T02:30 interrupted']);
    expect(nights.settled()).toEqual(['23T02:30 run: it took longer than schedule.activeDeadline, 7200 s']);
  });

  it('with a failure is settled, and not run again', async () => {
    installed(nightly, late);
    nights.fate = () => ({ end: ends.failed });
    await nights.callThrough();
    expect(nights.settled()).toEqual(['23T02:30 run: exit code 3: checks failed']);
    expect(await nights.callThrough()).toEqual(['nothing, next 24T02:30']);
  });

  it.each([
    ['whose output was held', ends.locked],
    ['that was interrupted', ends.interrupted],
  ])('%s leaves its tick open for the next call', async (_, end) => {
    installed(nightly, late);
    nights.fate = (nth) => (nth === 0 ? { end } : {});
    await nights.callThrough();
    expect(nights.settled()).toEqual([]);
    await nights.callThrough();
    expect(nights.settled()).toEqual(['23T02:30 run: published']);
    expect(nights.runs).toHaveLength(2);
  });

  it('without the output is missed, and told as that, once a newer one ran', async () => {
    installed({ ...hourly, concurrencyPolicy: 'Allow' }, { since: '2026-11-22T23:30Z', now: '2026-11-23T00:00:01Z' });
    nights.fate = (nth) => (nth === 0 ? { takesMs: 61 * minuteMs, end: ends.locked } : { takesMs: 10 * minuteMs });
    expect(await nights.callThrough()).toEqual([
      ...['23T00:00 launched', '23T01:00 launched', '23T00:00 failed', '23T01:00 published', '23T00:00 missed'],
    ]);
    expect(nights.settled()).toEqual([
      '23T00:00 missed: its output was held, and a newer one ran',
      '23T01:00 run: published',
    ]);
  });

  it('since model or spec changed is launched once more, with --restart', async () => {
    installed(nightly, late);
    nights.fate = () => ({ end: ends.changed });
    const told = await nights.callThrough();
    expect(told).toEqual(['23T02:30 launched', 'note: the model changed; that run is discarded', '23T02:30 failed']);
    expect(nights.runs.map(({ request }) => request.options.includes('--restart'))).toEqual([false, true]);
    expect(nights.settled()).toEqual(['23T02:30 run: exit code 2: the model changed']);
  });
});

describe('a signal', () => {
  it('stops all runs, waits for their ends, and leaves their ticks open', async () => {
    installed({ ...hourly, concurrencyPolicy: 'Allow' }, { since: '2026-11-22T23:30Z', now: '2026-11-23T00:00:01Z' });
    nights.fate = () => ({ takesMs: 90 * minuteMs, stopMs: 5000 });
    const call = nights.call();
    await vi.advanceTimersByTimeAsync(65 * minuteMs);
    expect(nights.alive).toBe(2);
    call.controller.abort(new Error('stopped'));
    await vi.advanceTimersByTimeAsync(4000);
    expect(call.state).toBe('going');
    await call.through();
    expect(call.error).toEqual(new Error('stopped'));
    expect(nights.runs.map(({ wasStopped }) => wasStopped)).toEqual([true, true]);
    expect(nights.settled()).toEqual([]);
  });

  it('does not undo a deadline that had stopped the run before', async () => {
    installed({ ...nightly, activeDeadline: '1h' }, { since: '2026-11-22T12:00Z', now: '2026-11-23T02:30:03Z' });
    nights.fate = () => ({ takesMs: dayMs, stopMs: 10 * minuteMs });
    const call = nights.call();
    await vi.advanceTimersByTimeAsync(65 * minuteMs);
    call.controller.abort(new Error('stopped'));
    await call.through();
    expect(nights.settled()).toEqual(['23T02:30 run: it took longer than schedule.activeDeadline, 3600 s']);
  });

  it('begins nothing more, not even once more with --restart', async () => {
    installed(nightly, { since: '2026-11-22T12:00Z', now: '2026-11-23T02:30:03Z' });
    nights.fate = () => ({ end: ends.changed, takesMs: 1000 });
    const call = nights.call();
    await vi.advanceTimersByTimeAsync(999);
    call.controller.abort(new Error('stopped'));
    vi.advanceTimersByTime(1);
    await call.through();
    expect(nights.runs).toHaveLength(1);
  });
});
