import type { isAlive } from '../core/host.ts';
import type { SqliteFile, SqlParams, SqlValue } from '../core/sqlite.ts';
import {
  type JobKey,
  jobKeySchema,
  type PruneOptions,
  type RunEnd,
  type RunFilter,
  type RunRecord,
  type RunStart,
  runRecordSchema,
  shownState,
} from './contract.ts';
import { insertInto, paramsOf, recordsOf } from './rows.ts';

const newestFirst = 'ORDER BY "startedAtMs" DESC, "runId" DESC, "record" DESC';
/** What sorts after every id that begins with a prefix. */
const afterAll = '\u{10FFFF}';
const mostMatches = 8;

/** The records of runs. */
export class RunTable {
  readonly #db: SqliteFile;
  readonly #alive: typeof isAlive;

  constructor(db: SqliteFile, alive: typeof isAlive) {
    this.#db = db;
    this.#alive = alive;
  }

  begin(run: RunStart): number {
    const params = paramsOf({ ...run, state: 'running' });
    return this.#db.run(`INSERT ${insertInto('runs', params)}`, params).lastId;
  }

  end(record: number, end: RunEnd): void {
    const params = paramsOf(end);
    const changes = Object.keys(params).map((name) => `"${name}" = $${name}`);
    this.#db.run(`UPDATE runs SET ${changes.join(', ')} WHERE "record" = $record`, { ...params, record });
  }

  find(idOrPrefix: string): readonly RunRecord[] {
    const exact = this.#select('WHERE "runId" = $runId', { runId: idOrPrefix });
    if (exact.length > 0) return exact;
    const latest = `SELECT max("record") FROM runs WHERE "runId" >= $from AND "runId" < $to GROUP BY "runId"`;
    return this.#select(`WHERE "record" IN (${latest})`, { from: idOrPrefix, to: idOrPrefix + afterAll }, mostMatches);
  }

  list(filter: RunFilter): readonly RunRecord[] {
    const { state, limit, logicalDates } = filter;
    // Of those that say so, the dead and the living must be told apart first.
    const isOfProcess = state === 'running' || state === 'died';
    const isLocal = logicalDates?.local !== undefined;
    const unlessKnown = isLocal ? '"logicalDate" IS NOT NULL OR ' : '';
    const terms: readonly (readonly [string, SqlValue | undefined])[] = [
      ['"specPath" = $specPath', filter.specPath],
      ['"job" = $job', filter.job],
      ['"state" = $state', isOfProcess ? 'running' : state],
      ['"startedAtMs" >= $sinceMs', filter.sinceMs],
      ['"startedAtMs" < $untilMs', filter.untilMs],
      [`(${unlessKnown}"logicalDateMs" >= $fromMs)`, logicalDates?.fromMs],
      [`(${unlessKnown}"logicalDateMs" < $toMs)`, logicalDates?.toMs],
      ['("logicalDate" IS NULL OR instr("logicalDate", $local) = 1)', logicalDates?.local],
    ];
    const asked = terms.flatMap(([sql, value]) => (value === undefined ? [] : [{ sql, value }]));
    const where = asked.length === 0 ? '' : `WHERE ${asked.map(({ sql }) => sql).join(' AND ')}`;
    const params = Object.fromEntries(asked.map(({ sql, value }) => [/\$(\w+)/.exec(sql)?.[1] ?? '', value]));
    if (!isOfProcess) return this.#select(where, params, limit);
    return this.#select(where, params)
      .filter((run) => shownState(run, this.#alive) === state)
      .slice(0, limit);
  }

  latest(of: Partial<JobKey> = {}): readonly RunRecord[] {
    // One look-up each: as one statement it takes minutes for a hundred thousand records.
    const keys = recordsOf(jobKeySchema, this.#db.all('SELECT DISTINCT "specPath", "job" FROM runs ORDER BY 1, 2'));
    const isAsked = (key: JobKey) => key.specPath === (of.specPath ?? key.specPath) && key.job === (of.job ?? key.job);
    return keys.filter(isAsked).flatMap(({ specPath, job }) => this.list({ specPath, job, limit: 1 }));
  }

  of({ specPath, job, logicalDates }: JobKey & { readonly logicalDates: readonly number[] }): readonly RunRecord[] {
    // Left to itself, SQLite takes the index that has the order, and reads every record of the job.
    const where = `INDEXED BY runs_by_date WHERE "specPath" = $specPath AND "job" = $job
      AND "logicalDateMs" IN (SELECT value FROM json_each($dates))`;
    return this.#select(where, { specPath, job, dates: JSON.stringify(logicalDates) });
  }

  /** @returns what is removed, and which runs have no record any more */
  prune({ beforeMs, keep, dryRun }: PruneOptions): {
    readonly removed: readonly RunRecord[];
    readonly gone: readonly string[];
  } {
    const ranked = `SELECT "record", row_number() OVER (PARTITION BY "specPath", "job" ${newestFirst}) AS place FROM runs`;
    const where = `WHERE coalesce("endedAtMs", "startedAtMs") < $beforeMs
      AND "record" IN (SELECT "record" FROM (${ranked}) WHERE place > $keep)`;
    return this.#db.transaction(() => {
      const removed = this.#select(where, { beforeMs, keep }).filter((run) => {
        const state = shownState(run, this.#alive);
        return state !== 'running';
      });
      if (dryRun) return { removed, gone: [] };
      for (const { record } of removed) this.#db.run('DELETE FROM runs WHERE "record" = $record', { record });
      const ids = [...new Set(removed.map(({ runId }) => runId))];
      const gone = ids.filter((runId) => this.#select('WHERE "runId" = $runId', { runId }, 1).length === 0);
      return { removed, gone };
    });
  }

  #select(where: string, params: SqlParams, limit = -1): readonly RunRecord[] {
    const sql = `SELECT * FROM runs ${where} ${newestFirst} LIMIT $limit`;
    return recordsOf(runRecordSchema, this.#db.all(sql, { ...params, limit }));
  }
}
