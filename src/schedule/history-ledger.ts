import type { History, JobKey, ScheduleRecord } from '../history/contract.ts';
import { lastTicks, type TickRule } from './cron-ticks.ts';
import type { TickLedger, TickState } from './tick-ledger.ts';

/** A timer fires at its tick or a little later: the last tick may be the first one of the schedule, older ones are not. */
const graceMs = 600_000;

export interface LedgerOptions {
  readonly key: JobKey;
  readonly rule: TickRule;
  /** Of what says when the job is due: ticks of another one are not made up for. */
  readonly digest: string;
}

/** The ticks of one job as the history knows them; a schedule that it does not know begins now. */
export function newHistoryLedger(history: History, { key, rule, digest }: LedgerOptions): TickLedger {
  return {
    read: (nowMs) => {
      const known = history.schedule(key);
      const isKnown = known !== undefined && known.digest === digest;
      const record = isKnown ? known : begun({ key, rule, digest, nowMs, known });
      if (!isKnown) history.saveSchedule(record);
      const sinceMs = Math.max(record.installedAtMs, history.lastTicks(key, 1)[0]?.tickMs ?? 0);
      return {
        sinceMs,
        settled: settledSince(history, key, { fromMs: sinceMs + 1, toMs: nowMs + 1 }),
        isPaused: record.pausedAtMs !== undefined,
        notes:
          known === undefined || isKnown ? [] : ['the schedule was changed: what it missed before is not made up for'],
      };
    },
    settle: (outcome) => void history.decideTick({ ...key, ...outcome, decidedAtMs: Date.now() }),
  };
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
function settledSince(history: History, key: JobKey, span: { fromMs: number; toMs: number }): TickState['settled'] {
  if (span.fromMs >= span.toMs) return new Set();
  const published = history.listRuns({ ...key, state: 'published', logicalDates: span });
  return new Set(published.flatMap(({ logicalDateMs }) => logicalDateMs ?? []));
}
