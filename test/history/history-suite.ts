import { existsSync, readFileSync, statSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { isAlive } from '../../src/core/host.ts';
import type { History, RunRecord } from '../../src/history/contract.ts';
import { key, runStart } from './run-start.ts';

type Open = (alive: typeof isAlive) => History;

const idsOf = (runs: readonly RunRecord[]) => runs.map(({ runId }) => runId);
const everything = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };

/** What every history does; `open` opens a new and empty one. */
export function describeHistory(name: string, open: Open): void {
  describe(`${name}: runs`, () => {
    it('come back as they were told', () => {
      using history = open(() => true);
      const whole = runStart({
        logicalDateMs: 5,
        logicalDate: '1970-01-01T01:00:00+01:00',
        modelPath: '/m.onnx',
        modelSha256: 'a',
        modelVersion: '3',
        logPath: '/l',
      });
      const record = history.beginRun(whole);
      expect(history.findRun(whole.runId)).toEqual([{ ...whole, record, state: 'running' }]);
      const end = {
        ...({
          state: 'failed',
          exitCode: 3,
          errorCode: 'CHECKS_FAILED',
          errorMessage: "it's\n⚠",
          endedAtMs: 9,
        } as const),
        ...{ rowsIn: 4, rowsOut: 2, rejectedRows: 1, filteredRows: 1, shards: 2 },
      };
      history.endRun(record, end);
      expect(history.findRun(whole.runId)).toEqual([{ ...whole, record, ...end }]);
    });

    it('are found by the beginning of their id, the latest record of each', () => {
      using history = open(() => true);
      for (const runId of ['20261124T01-a', '20261124T01-b', '20261124T01-b', '20261125T01-a'])
        history.beginRun(runStart({ runId }));
      expect(idsOf(history.findRun('20261124'))).toEqual(['20261124T01-b', '20261124T01-a']);
      expect(history.findRun('20261124T01-b').map(({ record }) => record)).toEqual([3, 2]);
      expect(history.findRun('%')).toEqual([]);
      expect(history.findRun('20261126')).toEqual([]);
    });

    it('have a record for each time that they go on', () => {
      using history = open(() => true);
      const first = history.beginRun(runStart());
      history.endRun(first, { state: 'interrupted', exitCode: 143, endedAtMs: 1 });
      history.beginRun(runStart({ resumed: true }));
      expect(history.findRun(runStart().runId)).toMatchObject([
        { state: 'running', resumed: true },
        { state: 'interrupted', resumed: false },
      ]);
    });

    it('are listed newest first whatever the clock said, in the order of start, then id, then record', () => {
      fc.assert(
        fc.property(fc.array(fc.tuple(fc.nat(3), fc.constantFrom('a', 'b'))), (starts) => {
          using history = open(() => true);
          for (const [startedAtMs, runId] of starts) history.beginRun(runStart({ startedAtMs, runId }));
          const listed = history.listRuns({}).map((run) => [run.startedAtMs, run.runId, run.record] as const);
          const sorted = [...listed].sort((a, b) => b[0] - a[0] || b[1].localeCompare(a[1]) || b[2] - a[2]);
          expect(listed).toEqual(sorted);
          expect(listed).toHaveLength(starts.length);
        }),
        { numRuns: 30 },
      );
    });

    it.each([
      [{}, ['4', '3', '2', '1']],
      [{ limit: 2 }, ['4', '3']],
      [{ limit: 0 }, []],
      [{ job: 'other' }, ['3']],
      [{ specPath: '/elsewhere.yaml' }, ['2']],
      [{ state: 'published' }, ['1']],
      [{ sinceMs: 2, untilMs: 4 }, ['3', '2']],
      [{ logicalDates: { fromMs: 10, toMs: 11 } }, ['2']],
      // By the job's own clock, where the record has it.
      [{ logicalDates: { fromMs: 10, toMs: 11, local: '1970-01-01' } }, ['2']],
      [{ logicalDates: { fromMs: 500, toMs: 600, local: '1969-12-31' } }, ['3']],
      [{ logicalDates: { fromMs: 0, toMs: 99, local: '1969-12-31T23' } }, ['3', '2']],
      [{ state: 'running' }, ['4', '2']],
      [{ state: 'running', limit: 1 }, ['4']],
      [{ state: 'died' }, ['3']],
    ] as const)('are listed as %o asks', (filter, ids) => {
      using history = open(({ pid }) => pid !== 3);
      const ended = history.beginRun(runStart({ runId: '1', startedAtMs: 1 }));
      history.endRun(ended, { state: 'published', exitCode: 0, endedAtMs: 2 });
      history.beginRun(runStart({ runId: '2', startedAtMs: 2, specPath: '/elsewhere.yaml', logicalDateMs: 10 }));
      history.beginRun(
        runStart({
          runId: '3',
          startedAtMs: 3,
          job: 'other',
          pid: 3,
          logicalDateMs: 11,
          logicalDate: '1969-12-31T23:00:00-01:00',
        }),
      );
      history.beginRun(runStart({ runId: '4', startedAtMs: 4 }));
      expect(idsOf(history.listRuns(filter))).toEqual(ids);
    });

    it('are told of a job, the newest of each, and for logical dates', () => {
      using history = open(() => true);
      history.beginRun(runStart({ runId: 'a1', startedAtMs: 1, logicalDateMs: 100 }));
      history.beginRun(runStart({ runId: 'a2', startedAtMs: 2, logicalDateMs: 200 }));
      history.beginRun(runStart({ runId: 'a3', startedAtMs: 3, logicalDateMs: 100 }));
      history.beginRun(runStart({ runId: 'b1', startedAtMs: 9, logicalDateMs: 100, job: 'other' }));
      expect(idsOf(history.runsFor(key))).toEqual(['a3', 'a2', 'a1']);
      expect(idsOf(history.latestRuns())).toEqual(['a3', 'b1']);
      expect(idsOf(history.latestRuns({ job: 'other' }))).toEqual(['b1']);
      expect(idsOf(history.latestRuns({ specPath: '/no.yaml' }))).toEqual([]);
      expect(idsOf(history.runsOf({ ...key, logicalDates: [100, 300] }))).toEqual(['a3', 'a1']);
      expect(idsOf(history.runsOf({ ...key, logicalDates: [] }))).toEqual([]);
    });
  });

  describe(`${name}: pruning`, () => {
    const ended = { state: 'published', exitCode: 0 } as const;

    it('removes what ended before and its log, never what runs, and a dry run nothing', () => {
      using history = open(({ pid }) => pid === 1);
      for (const [runId, endedAtMs] of [
        ['old', 10],
        ['new', 30],
      ] as const) {
        history.endRun(history.beginRun(runStart({ runId, startedAtMs: 1 })), { ...ended, endedAtMs });
        history.openLog(runId).write('{}');
      }
      history.beginRun(runStart({ runId: 'dead', startedAtMs: 2, pid: 2 }));
      history.beginRun(runStart({ runId: 'live', startedAtMs: 3, pid: 1 }));
      const asked = { beforeMs: 20, keep: 0 };
      expect(idsOf(history.prune({ ...asked, dryRun: true }))).toEqual(['dead', 'old']);
      expect(idsOf(history.listRuns({}))).toHaveLength(4);
      expect(existsSync(history.logPath('old'))).toBe(true);
      expect(idsOf(history.prune({ ...asked, dryRun: false }))).toEqual(['dead', 'old']);
      expect(idsOf(history.listRuns({}))).toEqual(['live', 'new']);
      expect([history.logPath('old'), history.logPath('new')].map((path) => existsSync(path))).toEqual([false, true]);
    });

    it('keeps the newest of each job, and the log of a run that has another record', () => {
      using history = open(() => false);
      for (const job of ['a', 'b'])
        for (const startedAtMs of [1, 2, 3]) {
          const record = history.beginRun(runStart({ job, runId: job, startedAtMs }));
          history.endRun(record, { ...ended, endedAtMs: startedAtMs });
        }
      history.openLog('a').write('{}');
      const removed = history.prune({ beforeMs: 100, keep: 2, dryRun: false });
      expect(removed.map(({ job, startedAtMs }) => [job, startedAtMs])).toEqual([
        ['b', 1],
        ['a', 1],
      ]);
      expect(existsSync(history.logPath('a'))).toBe(true);
    });
  });

  it(`${name}: a log is added to, and its owner's alone`, () => {
    using history = open(() => true);
    for (const line of ['{"a":1}', '{"a":2}']) {
      using log = history.openLog('r');
      log.write(line);
    }
    expect(readFileSync(history.logPath('r'), 'utf8')).toBe('{"a":1}\n{"a":2}\n');
    expect(statSync(history.logPath('r')).mode & 0o777).toBe(0o600);
  });

  describe(`${name}: ticks`, () => {
    const tick = { ...key, tickMs: 100, decision: 'run', decidedAtMs: 101 } as const;

    it('are found by their instant, and by when they were decided', () => {
      using history = open(() => true);
      for (const [tickMs, decidedAtMs] of [
        [100, 110],
        [200, 900],
        [300, 310],
      ] as const)
        history.decideTick({ ...key, tickMs, decision: 'run', decidedAtMs });
      const lastBy = (tickMs: number, decidedAtMs: number) => history.lastTickBy(key, { tickMs, decidedAtMs });
      expect([lastBy(300, 400), lastBy(299, 400), lastBy(299, 900), lastBy(99, 900)]).toEqual([
        300,
        100,
        200,
        undefined,
      ]);
    });

    it('are decided once, by whoever is first', () => {
      using history = open(() => true);
      expect(history.decideTick(tick)).toBe(true);
      expect(history.decideTick({ ...tick, decision: 'missed', reason: 'too late' })).toBe(false);
      expect(history.decideTick({ ...tick, job: 'other', decision: 'skipped', reason: 'suspended' })).toBe(true);
      history.nameTickRun(tick, 'r1');
      expect(history.ticks(key, everything)).toEqual([{ ...tick, runId: 'r1' }]);
    });

    it('are told by time, of a span, and forgotten likewise', () => {
      using history = open(() => true);
      for (const tickMs of [300, 100, 200]) history.decideTick({ ...tick, tickMs });
      const timesOf = () => history.ticks(key, everything).map(({ tickMs }) => tickMs);
      expect(timesOf()).toEqual([100, 200, 300]);
      expect(history.ticks(key, { fromMs: 100, toMs: 300 })).toHaveLength(2);
      expect(history.forgetTicks(key, { fromMs: 200, toMs: 300 })).toBe(1);
      expect(timesOf()).toEqual([100, 300]);
    });
  });

  it(`${name}: schedules are installed, replaced, paused and removed`, () => {
    using history = open(() => true);
    const schedule = { ...key, installedAtMs: 1, target: 'systemd', digest: 'd', updatedAtMs: 1 };
    expect([history.schedule(key), history.pause(key, 2), history.removeSchedule(key)]).toEqual([
      undefined,
      false,
      false,
    ]);
    history.saveSchedule(schedule);
    expect(history.pause(key, 5)).toBe(true);
    expect(history.schedule(key)).toEqual({ ...schedule, pausedAtMs: 5, updatedAtMs: 5 });
    expect(history.resume(key, 6)).toBe(true);
    history.saveSchedule({ ...schedule, job: 'a' });
    expect(history.schedules()).toEqual([
      { ...schedule, job: 'a' },
      { ...schedule, updatedAtMs: 6 },
    ]);
    history.saveSchedule({ ...schedule, digest: 'e' });
    expect(history.schedule(key)).toEqual({ ...schedule, digest: 'e' });
    expect(history.removeSchedule(key)).toBe(true);
    expect(history.schedules()).toHaveLength(1);
  });
}
