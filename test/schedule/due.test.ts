import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DueFacts, type DueSchedule, decideDue } from '../../src/schedule/due.ts';
import { cpuSeconds } from '../house/cpu-seconds.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

const nightly: DueSchedule = {
  cron: '30 2 * * *',
  timeZone: 'Europe/Paris',
  daylightSaving: 'runOnce',
  concurrencyPolicy: 'Forbid',
  startingDeadlineMs: undefined,
  catchUp: 'latest',
  maxCatchUp: 7,
  jitterMs: 0,
  suspend: false,
};

/** 2026-11-23T02:30 in Paris. */
const monday = Date.parse('2026-11-23T01:30:00Z');
const nights = (count: number) => monday + count * dayMs;

function due(facts: Partial<Omit<DueFacts, 'schedule'>> & { readonly schedule?: Partial<DueSchedule> }) {
  return decideDue({
    nowMs: monday + 5000,
    sinceMs: monday - hourMs,
    decided: new Set(),
    isPaused: false,
    running: [],
    ...facts,
    schedule: { ...nightly, ...facts.schedule },
  });
}

/** `23 run on time`, by day of the month. */
function told(facts: Parameters<typeof due>[0]): readonly string[] {
  return due(facts).decisions.map(
    ({ logicalDate, action, reason }) => `${logicalDate.slice(8, 10)} ${action}: ${reason}`,
  );
}

describe('a tick that nobody decided', () => {
  it('runs on time, for its own logical date', () => {
    expect(due({})).toEqual({
      decisions: [{ tickMs: monday, logicalDate: '2026-11-23T02:30:00+01:00', action: 'run', reason: 'on time' }],
      more: undefined,
      nextTickMs: nights(1),
      warnings: [],
    });
  });

  it('is not there before its time, nor once it was decided', () => {
    expect(due({ nowMs: monday - 1 })).toMatchObject({ decisions: [], nextTickMs: monday });
    expect(due({ sinceMs: monday })).toMatchObject({ decisions: [], nextTickMs: nights(1) });
    expect(due({ decided: new Set([monday]) })).toMatchObject({ decisions: [], nextTickMs: nights(1) });
  });
});

describe('ticks that were missed', () => {
  const late = { sinceMs: monday - hourMs, nowMs: nights(3) + 2 * hourMs };

  it('are made up for by the latest, whatever was missed', () => {
    expect(told(late)).toEqual([
      '23 missed: a newer one is due, and schedule.catchUp is latest',
      '24 missed: a newer one is due, and schedule.catchUp is latest',
      '25 missed: a newer one is due, and schedule.catchUp is latest',
      '26 run: 2 h late',
    ]);
  });

  it('are all made up for, oldest first and one after the other', () => {
    expect(told({ ...late, schedule: { catchUp: 'all', maxCatchUp: 3 } })).toEqual([
      '23 missed: older than the last 3 that schedule.maxCatchUp makes up for',
      '24 run: made up for, 2 d 2 h late',
      '25 wait: an older logical date of this job runs first',
      '26 wait: an older logical date of this job runs first',
    ]);
  });

  it('run all at once where concurrencyPolicy is Allow', () => {
    const schedule = { catchUp: 'all', concurrencyPolicy: 'Allow' } as const;
    expect(told({ ...late, schedule })).toEqual([
      '23 run: made up for, 3 d 2 h late',
      '24 run: made up for, 2 d 2 h late',
      '25 run: made up for, 1 d 2 h late',
      '26 run: 2 h late',
    ]);
  });

  it('give way to the newest where concurrencyPolicy is Replace', () => {
    const schedule = { catchUp: 'all', concurrencyPolicy: 'Replace' } as const;
    expect(told({ ...late, sinceMs: nights(1), schedule })).toEqual([
      '25 missed: a newer one is due, and would replace it at once',
      '26 run: 2 h late',
    ]);
  });

  it.each([
    [5 * minuteMs, 0, '26 run: 5 min late'],
    [10 * minuteMs, 0, '26 run: 10 min late'],
    [11 * minuteMs, 0, '26 missed: 11 min late, over the 10 min that schedule.catchUp: none allows'],
    [11 * minuteMs, 5 * minuteMs, '26 run: 11 min late'],
    [16 * minuteMs, 5 * minuteMs, '26 missed: 16 min late, over the 15 min that schedule.catchUp: none allows'],
  ])('are not made up for with none: %i ms late, with a jitter of %i ms: %s', (lateMs, jitterMs, expected) => {
    const schedule = { catchUp: 'none', jitterMs } as const;
    const [older, newest] = told({ sinceMs: nights(1), nowMs: nights(3) + lateMs, schedule });
    expect(older).toMatch(/^25 missed: 1 d late, over the 1\d min/);
    expect(newest).toBe(expected);
  });

  it.each(['none', 'latest', 'all'] as const)('are missed beyond the starting deadline with %s', (catchUp) => {
    const schedule = { catchUp, startingDeadlineMs: 3 * hourMs };
    expect(told({ ...late, sinceMs: nights(2), schedule })).toEqual(['26 run: 2 h late']);
    expect(told({ ...late, sinceMs: nights(2), nowMs: nights(3) + 4 * hourMs, schedule })).toEqual([
      '26 missed: 4 h late, over the 3 h that schedule.startingDeadline allows',
    ]);
  });

  it('by the million are counted, not listed', () => {
    const schedule = { cron: '* * * * *', catchUp: 'all', maxCatchUp: 7, timeZone: 'UTC' } as const;
    const begun = cpuSeconds();
    const { decisions, more } = due({ sinceMs: monday - 3 * 365 * dayMs, nowMs: monday, schedule });
    expect(cpuSeconds() - begun).toBeLessThan(2);
    expect(decisions).toHaveLength(100);
    expect(decisions.filter(({ action }) => action !== 'missed')).toHaveLength(7);
    expect(more).toMatchObject({
      count: 3 * 365 * 1440 - 100,
      action: 'missed',
      reason: 'and 1,576,700 more before these',
      beforeMs: decisions[0]?.tickMs,
    });
  });
});

describe('while a run of the job goes on', () => {
  const running = ['a run'];

  it('a tick waits with Forbid, until its deadline', () => {
    expect(told({ running })).toEqual(['23 wait: a run of this job still goes on']);
    const schedule = { startingDeadlineMs: hourMs };
    expect(told({ running, nowMs: monday + hourMs, schedule })).toEqual(['23 wait: a run of this job still goes on']);
    expect(told({ running, nowMs: monday + 2 * hourMs, schedule })).toEqual([
      '23 missed: 2 h late, over the 1 h that schedule.startingDeadline allows, and a run of this job still goes on',
    ]);
  });

  it('a tick that waits is passed over for a newer one', () => {
    expect(told({ running, nowMs: nights(1) })).toEqual([
      '23 missed: a newer one is due, and schedule.catchUp is latest',
      '24 wait: a run of this job still goes on',
    ]);
  });

  it('a tick replaces it with Replace, and runs beside it with Allow', () => {
    expect(told({ running, schedule: { concurrencyPolicy: 'Replace' } })).toEqual([
      '23 replace: on time; the run that still goes on is stopped',
    ]);
    expect(told({ running, schedule: { concurrencyPolicy: 'Allow' } })).toEqual(['23 run: on time']);
  });
});

describe('a job that is suspended or paused', () => {
  it('lets ticks pass, and does not make up for them', () => {
    const reason = 'a tick that passes so is not made up for';
    expect(told({ schedule: { suspend: true } })).toEqual([`23 skip: schedule.suspend is true; ${reason}`]);
    expect(told({ isPaused: true, nowMs: nights(1) })).toEqual([
      `23 skip: the job is paused; ${reason}`,
      `24 skip: the job is paused; ${reason}`,
    ]);
  });
});

describe('a clock that was set', () => {
  it('back runs nothing twice', () => {
    const decided = new Set([monday, nights(1)]);
    const back = due({ nowMs: monday + hourMs, sinceMs: monday - hourMs, decided });
    expect(back).toMatchObject({ decisions: [], nextTickMs: nights(2), warnings: [] });
    const known = due({ nowMs: nights(1) - hourMs, sinceMs: nights(1) });
    expect(known).toMatchObject({ decisions: [], nextTickMs: nights(2), warnings: [] });
  });

  it('ahead and back again is told of, and goes on from now', () => {
    const ahead = due({ nowMs: monday + hourMs, sinceMs: nights(400) });
    expect(ahead).toMatchObject({ decisions: [], nextTickMs: nights(1) });
    expect(ahead.warnings).toEqual([expect.stringContaining('in the future: the clock had jumped ahead')]);
  });
});

describe('whatever the schedule', () => {
  const schedules = fc.record({
    cron: fc.constantFrom('*/10 * * * *', '0 */6 * * *', '30 2 * * *', '0 0 1 * *'),
    concurrencyPolicy: fc.constantFrom('Forbid' as const, 'Allow' as const, 'Replace' as const),
    catchUp: fc.constantFrom('none' as const, 'latest' as const, 'all' as const),
    maxCatchUp: fc.integer({ min: 1, max: 10 }),
    startingDeadlineMs: fc.option(fc.integer({ min: 1000, max: 3 * dayMs }), { nil: undefined }),
    suspend: fc.boolean(),
  });

  it('no tick is decided twice and none is lost, however often one asks', () => {
    const steps = fc.array(fc.record({ stepMs: fc.integer({ min: 1, max: 2 * dayMs }), isRunning: fc.boolean() }), {
      minLength: 1,
      maxLength: 12,
    });
    fc.assert(
      fc.property(schedules, steps, (schedule, moments) => {
        const decided = new Set<number>();
        let [nowMs, counted, waiting] = [monday, 0, 0];
        for (const { stepMs, isRunning } of moments) {
          nowMs += stepMs;
          const { decisions, more } = due({ schedule, sinceMs: monday, nowMs, decided, running: isRunning ? [1] : [] });
          counted += more?.count ?? 0;
          waiting = 0;
          for (const { tickMs, action } of decisions) {
            expect(decided.has(tickMs)).toBe(false);
            if (action === 'wait') waiting += 1;
            else decided.add(tickMs);
          }
          if (more !== undefined) return;
        }
        const all = due({ schedule: { ...schedule, suspend: true }, sinceMs: monday, nowMs });
        expect(decided.size + waiting + counted).toBe(all.decisions.length + (all.more?.count ?? 0));
      }),
      { numRuns: 200 },
    );
  });
});
