import { join } from 'node:path';
import { isAlive } from '../core/host.ts';
import { SqliteFile } from '../core/sqlite.ts';
import type { History } from './contract.ts';
import { RunLogs } from './run-logs.ts';
import { RunTable } from './run-table.ts';
import { ScheduleTable } from './schedule-table.ts';
import { migrations } from './schema.ts';

export const historyFile = 'history.sqlite';

export interface SqliteHistoryOptions {
  readonly stateFolder: string;
  /** How long to wait while another process writes. */
  readonly busyTimeoutMs?: number;
  readonly alive?: typeof isAlive;
  /** Does not wait for the disk as it is closed: for those who record, and have something else to do. */
  readonly leavesJournal?: boolean;
}

/**
 * History in SQLite, and logs beside it, in the state folder.
 * @throws AppError HISTORY_UNAVAILABLE
 */
export function openSqliteHistory(options: SqliteHistoryOptions): History {
  const { stateFolder, busyTimeoutMs = 5000, alive = isAlive, leavesJournal = false } = options;
  const path = join(stateFolder, historyFile);
  const db = SqliteFile.open({ path, migrations, busyTimeoutMs, leavesJournal });
  const runs = new RunTable(db, alive);
  const schedules = new ScheduleTable(db);
  const logs = new RunLogs(stateFolder);
  return {
    beginRun: (run) => runs.begin(run),
    endRun: (record, end) => runs.end(record, end),
    findRun: (idOrPrefix) => runs.find(idOrPrefix),
    listRuns: (filter) => runs.list(filter),
    latestRuns: (of) => runs.latest(of),
    runsFor: ({ specPath, job }) => runs.list({ specPath, job }),
    runsOf: (of) => runs.of(of),
    prune: (asked) => {
      const { removed, gone } = runs.prune(asked);
      // After the records: a log without one is found by nobody, a record without its log would promise too much.
      for (const runId of gone) logs.remove(runId);
      return removed;
    },
    logPath: (runId) => logs.path(runId),
    openLog: (runId) => logs.open(runId),
    decideTick: (tick) => schedules.decideTick(tick),
    nameTickRun: (key, runId) => schedules.nameTickRun(key, runId),
    lastTicks: (key, count) => schedules.lastTicks(key, count),
    lastTickBy: (key, by) => schedules.lastTickBy(key, by),
    ticks: (key, span) => schedules.ticks(key, span),
    forgetTicks: (key, span) => schedules.forgetTicks(key, span),
    schedule: (key) => schedules.schedule(key),
    saveSchedule: (schedule) => schedules.save(schedule),
    schedules: () => schedules.schedules(),
    removeSchedule: (key) => schedules.remove(key),
    pause: (key, atMs) => schedules.setPaused(key, atMs, atMs),
    resume: (key, atMs) => schedules.setPaused(key, null, atMs),
    [Symbol.dispose]: () => db[Symbol.dispose](),
  };
}
