import type { History, JobKey, ScheduleRecord } from '../history/contract.ts';
import { lastTicks, type TickRule } from './cron-ticks.ts';
import type { TickLedger, TickState } from './tick-ledger.ts';
import { dayMs } from './wall-time.ts';

/** A timer fires at its tick or a little later: the last tick may be the first one of the schedule, older ones are not. */
const graceMs = 600_000;

export interface LedgerOptions {
  readonly key: JobKey;
  readonly rule: TickRule;
  /** Of what says when the job is due: ticks of another one are not made up for. */
  readonly digest: string;
}

/** By how much a clock may be set back; what was decided later than that from now was decided by a clock that was wrong. */
const trustedMs = dayMs;

/** The ticks of one job as the history knows them; a schedule that it does not know begins now. */
export function newHistoryLedger(history: History, options: LedgerOptions): TickLedger {
  const { key } = options;
  return {
    read: (nowMs) => {
      const { record, isNew } = recordOf(history, options, nowMs);
      // Before it is saved, it is another one still.
      const state = readTicks(history, options, nowMs);
      if (isNew) history.saveSchedule(record);
      return state;
    },
    settle: (outcome) => {
      const decidedAtMs = Date.now();
      const { tickMs } = outcome;
      if (history.decideTick({ ...key, ...outcome, decidedAtMs })) return;
      const span = { fromMs: tickMs, toMs: tickMs + 1 };
      const [other] = history.ticks(key, span);
      if (other === undefined || other.decidedAtMs <= decidedAtMs + trustedMs) return;
      history.forgetTicks(key, span);
      history.decideTick({ ...key, ...outcome, decidedAtMs });
    },
  };
}

/** What a ledger reads, by who only looks; there may be no history yet. */
export function readTicks(history: History | undefined, options: LedgerOptions, nowMs: number): TickState {
  const { key } = options;
  const decidedAtMs = nowMs + trustedMs;
  const { record, notes } = recordOf(history, options, nowMs);
  const lastMs = history?.lastTickBy(key, { tickMs: nowMs, decidedAtMs }) ?? 0;
  const sinceMs = Math.max(begunAt(record, options, nowMs), lastMs);
  const early = history?.ticks(key, { fromMs: nowMs + 1, toMs: decidedAtMs + 1 }) ?? [];
  const isAhead = history?.lastTicks(key, 1).some((tick) => tick.decidedAtMs > decidedAtMs) === true;
  return {
    sinceMs,
    settled: new Set([
      ...settledSince(history, key, { fromMs: sinceMs + 1, toMs: nowMs + 1 }),
      ...early.filter((tick) => tick.decidedAtMs <= decidedAtMs).map(({ tickMs }) => tickMs),
    ]),
    isPaused: record.pausedAtMs !== undefined,
    notes: isAhead ? [...notes, aheadNote] : notes,
  };
}

const aheadNote = 'the clock was ahead once: what was decided for dates that are still to come does not count';

/** What is known of the schedule; where it is new or another one, it begins now. */
function recordOf(history: History | undefined, options: LedgerOptions, nowMs: number) {
  const known = history?.schedule(options.key);
  if (known !== undefined && known.digest === options.digest) return { record: known, notes: [], isNew: false };
  const notes = known === undefined ? [] : ['the schedule was changed: what it missed before is not made up for'];
  return { record: begun({ ...options, nowMs, known }), notes, isNew: true };
}

/** A schedule that was installed while the clock was ahead begins with its next tick. */
function begunAt(record: ScheduleRecord, options: LedgerOptions, nowMs: number): number {
  if (record.installedAtMs - nowMs <= trustedMs) return record.installedAtMs;
  return begun({ ...options, nowMs, known: record }).installedAtMs;
}

interface Beginning extends LedgerOptions {
  readonly nowMs: number;
  readonly known: ScheduleRecord | undefined;
}

function begun({ key, rule, digest, nowMs, known }: Beginning): ScheduleRecord {
  const [firedMs] = lastTicks(rule, { fromExclusiveMs: nowMs - graceMs, toMs: nowMs }, 1);
  return {
    ...key,
    digest,
    target: known?.target ?? 'none',
    pausedAtMs: known?.pausedAtMs,
    installedAtMs: firedMs === undefined ? nowMs : firedMs - 1,
    updatedAtMs: nowMs,
  };
}

/** What somebody ran by hand, or a backfill, for the same logical date needs no other run. */
function settledSince(
  history: History | undefined,
  key: JobKey,
  span: { fromMs: number; toMs: number },
): TickState['settled'] {
  if (span.fromMs >= span.toMs) return new Set();
  const published = history?.listRuns({ ...key, state: 'published', logicalDates: span });
  return new Set(published?.flatMap(({ logicalDateMs }) => logicalDateMs ?? []));
}
