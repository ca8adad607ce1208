import fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import { type Call, dayMs, ends, hourMs, key, minuteMs, Nights } from './nights.ts';

/** What happens between two looks at the scene. */
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant('pass'), ms: fc.integer({ min: 1, max: 3 * hourMs }) }) },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('set'), ms: fc.integer({ min: -2 * hourMs, max: 9 * hourMs }) }),
  },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('call'), ms: fc.constant(0) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constantFrom('signal', 'kill'), ms: fc.constant(0) }) },
);

const fate = fc.record({
  takesMs: fc.integer({ min: 1, max: 4 * hourMs }),
  stopMs: fc.integer({ min: 1, max: 20 * minuteMs }),
  end: fc.constantFrom(...Object.values(ends)),
});

const scene = fc.record({
  schedule: fc.record({
    cron: fc.constant('0 * * * *'),
    concurrencyPolicy: fc.constantFrom('Forbid', 'Allow', 'Replace'),
    catchUp: fc.constantFrom('none', 'latest', 'all'),
    maxCatchUp: fc.integer({ min: 1, max: 5 }),
    activeDeadline: fc.constantFrom('30m', '3h'),
  }),
  jitterMs: fc.constantFrom(0, 20 * minuteMs),
  fates: fc.array(fate, { minLength: 1, maxLength: 12 }),
  steps: fc.array(step, { maxLength: 14 }),
});

interface Scene {
  nights: Nights;
  call: Call | undefined;
  /** Ticks that were settled when a run of them was launched. */
  twice: number[];
  most: number;
}

async function take(
  { nights, ...scene }: Scene,
  { type, ms }: { type: string; ms: number },
): Promise<Call | undefined> {
  const call = scene.call?.state === 'going' ? scene.call : undefined;
  if (type === 'pass') await vi.advanceTimersByTimeAsync(ms);
  if (type === 'set') vi.setSystemTime(Date.now() + ms);
  if (type === 'kill') call?.kill();
  if (type === 'signal' && call !== undefined) {
    call.controller.abort(new Error('stopped'));
    await call.through();
  }
  if (type === 'call' && call === undefined) return nights.call();
  return type === 'kill' || type === 'signal' ? undefined : call;
}

/** Days on which the timer fires and runs do well: by then all has an end. */
async function calmDays(nights: Nights): Promise<void> {
  nights.fate = () => ({ takesMs: 1000 });
  for (let day = 0; day < 2; day++) {
    vi.setSystemTime(Math.ceil(Date.now() / hourMs) * hourMs + dayMs + 1000);
    await nights.call().through();
  }
}

it('no tick is run again once it was settled, Forbid and Replace run one at a time, and every tick is settled in the end', async () => {
  await fc.assert(
    fc.asyncProperty(scene, async ({ schedule, jitterMs, fates, steps }) => {
      using nights = new Nights(schedule, '2026-11-23T00:00:01Z');
      nights.install('2026-11-22T20:30Z');
      nights.jitterMs = jitterMs;
      const seen: Scene = { nights, call: undefined, twice: [], most: 0 };
      nights.fate = (nth, { logicalDate }) => {
        const tickMs = Date.parse(logicalDate);
        seen.most = Math.max(seen.most, nights.alive + 1);
        if (nights.history.ticks(key, { fromMs: tickMs, toMs: tickMs + 1 }).length > 0) seen.twice.push(tickMs);
        return fates[nth % fates.length] ?? {};
      };
      for (const what of steps) seen.call = await take(seen, what);
      if (seen.call?.state === 'going') await vi.advanceTimersByTimeAsync(0);
      const beforeCalm = nights.runs.length;
      if (seen.call?.state === 'going') {
        seen.call.controller.abort(new Error('stopped'));
        await seen.call.through();
      }
      await calmDays(nights);
      expect(seen.twice).toEqual([]);
      if (schedule.concurrencyPolicy !== 'Allow') expect(seen.most).toBeLessThanOrEqual(1);
      const settled = nights.history.ticks(key, { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER });
      const launched = new Set(nights.runs.slice(0, beforeCalm).map(({ tickMs }) => tickMs));
      const done = new Set(settled.map(({ tickMs }) => tickMs));
      expect([...launched].filter((tickMs) => !done.has(tickMs))).toEqual([]);
      const first = Date.parse('2026-11-22T21:00Z');
      const gaps = settled.filter(({ tickMs }, at) => tickMs !== first + at * hourMs);
      expect(gaps).toEqual([]);
      expect(nights.alive).toBe(0);
    }),
    { numRuns: Number(process.env['NIGHTS'] ?? 40) },
  );
});
