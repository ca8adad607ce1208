import type { SqliteFile } from '../core/sqlite.ts';
import {
  type JobKey,
  type ScheduleRecord,
  type Span,
  scheduleRecordSchema,
  type TickRecord,
  tickSchema,
} from './contract.ts';
import { insertInto, paramsOf, recordsOf } from './rows.ts';

const ofKey = '"specPath" = $specPath AND "job" = $job';
const inSpan = `${ofKey} AND "tickMs" >= $fromMs AND "tickMs" < $toMs`;

/** What is installed, and what became of its ticks. */
export class ScheduleTable {
  readonly #db: SqliteFile;

  constructor(db: SqliteFile) {
    this.#db = db;
  }

  decideTick(tick: TickRecord): boolean {
    const params = paramsOf(tick);
    return this.#db.run(`INSERT OR IGNORE ${insertInto('ticks', params)}`, params).changes === 1;
  }

  nameTickRun({ specPath, job, tickMs }: JobKey & { readonly tickMs: number }, runId: string): void {
    this.#db.run(`UPDATE ticks SET "runId" = $runId WHERE ${ofKey} AND "tickMs" = $tickMs`, {
      ...{ specPath, job, tickMs, runId },
    });
  }

  lastTicks({ specPath, job }: JobKey, count: number): readonly TickRecord[] {
    const sql = `SELECT * FROM ticks WHERE ${ofKey} ORDER BY "tickMs" DESC LIMIT $count`;
    return recordsOf(tickSchema, this.#db.all(sql, { specPath, job, count }));
  }

  lastTickBy({ specPath, job }: JobKey, by: Pick<TickRecord, 'tickMs' | 'decidedAtMs'>): number | undefined {
    const { tickMs, decidedAtMs } = by;
    const sql = `SELECT * FROM ticks WHERE ${ofKey} AND "tickMs" <= $tickMs AND "decidedAtMs" <= $decidedAtMs
      ORDER BY "tickMs" DESC LIMIT 1`;
    return recordsOf(tickSchema, this.#db.all(sql, { specPath, job, tickMs, decidedAtMs }))[0]?.tickMs;
  }

  ticks({ specPath, job }: JobKey, { fromMs, toMs }: Span): readonly TickRecord[] {
    const sql = `SELECT * FROM ticks WHERE ${inSpan} ORDER BY "tickMs"`;
    return recordsOf(tickSchema, this.#db.all(sql, { specPath, job, fromMs, toMs }));
  }

  forgetTicks({ specPath, job }: JobKey, { fromMs, toMs }: Span): number {
    return this.#db.run(`DELETE FROM ticks WHERE ${inSpan}`, { specPath, job, fromMs, toMs }).changes;
  }

  schedules(): readonly ScheduleRecord[] {
    return recordsOf(scheduleRecordSchema, this.#db.all('SELECT * FROM schedules ORDER BY "specPath", "job"'));
  }

  schedule({ specPath, job }: JobKey): ScheduleRecord | undefined {
    const rows = this.#db.all(`SELECT * FROM schedules WHERE ${ofKey}`, { specPath, job });
    return recordsOf(scheduleRecordSchema, rows)[0];
  }

  save(schedule: ScheduleRecord): void {
    const params = paramsOf({ pausedAtMs: undefined, ...schedule });
    this.#db.run(`INSERT OR REPLACE ${insertInto('schedules', params)}`, params);
  }

  remove({ specPath, job }: JobKey): boolean {
    return this.#db.run(`DELETE FROM schedules WHERE ${ofKey}`, { specPath, job }).changes === 1;
  }

  setPaused({ specPath, job }: JobKey, pausedAtMs: number | null, updatedAtMs: number): boolean {
    const sql = `UPDATE schedules SET "pausedAtMs" = $pausedAtMs, "updatedAtMs" = $updatedAtMs WHERE ${ofKey}`;
    return this.#db.run(sql, { specPath, job, pausedAtMs, updatedAtMs }).changes === 1;
  }
}
