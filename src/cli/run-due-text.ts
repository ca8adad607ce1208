import { assertNever } from '../core/errors.ts';
import { formatLogicalDate } from '../core/zoned-date.ts';
import type { DueEvent } from '../schedule/due-event.ts';
import { pluralText } from './aligned.ts';
import type { Paint } from './colour.ts';
import { durationText } from './duration-text.ts';

export interface DueLook {
  readonly job: string;
  readonly timeZone: string;
}

/** What `schedule run-due` says on stderr, which is a log more often than a terminal. */
export function dueLine(event: DueEvent, { job, timeZone, paint }: DueLook & { readonly paint: Paint }): string {
  const at = (ms: number) => formatLogicalDate(ms, timeZone);
  const line = (text: string) => `${job}  ${text}`;
  switch (event.type) {
    case 'note':
      return line(`${paint('yellow', 'warning:')} ${event.message}`);
    case 'nothing-due':
      return line(`nothing is due; next is ${event.nextTickMs === undefined ? 'never' : at(event.nextTickMs)}`);
    case 'tick-decided':
      return line(`${event.logicalDate}  ${decidedText(event.action)}: ${event.reason}`);
    case 'ticks-decided':
      return line(`${event.reason}, up to ${at(event.beforeMs)}  ${decidedText(event.action)}`);
    case 'run-delayed':
      return line(`${at(event.tickMs)}  begins at ${at(event.untilMs)}`);
    case 'run-launched':
      return line(`${event.logicalDate}  runs: ${event.reason}`);
    case 'run-stopping':
      return line(`${at(event.tickMs)}  is stopped: ${event.reason}`);
    case 'run-ended': {
      const { state, runId, rows, seconds, code, message } = event.end;
      const why = [code, message].filter((text) => text !== undefined).join(': ');
      const what = rows === undefined ? why : pluralText(rows.out, 'row');
      const of = runId === undefined ? '' : ` (run ${runId})`;
      const shown = paint(state === 'published' ? 'green' : state === 'skipped' ? 'dim' : 'red', state);
      return line(`${event.logicalDate}  ${shown} ${what} in ${durationText(seconds)}${of}`);
    }
    default:
      return assertNever(event);
  }
}

function decidedText(action: string): string {
  return action === 'skip'
    ? 'passes'
    : action === 'wait'
      ? 'waits'
      : action === 'missed'
        ? 'is missed'
        : `would ${action}`;
}

/** An event as `--json` tells it; instants are ISO with the offset of the job's zone. */
export function dueEventJson(event: DueEvent, { job, timeZone }: DueLook): object {
  const at = (ms: number | undefined) => (ms === undefined ? undefined : formatLogicalDate(ms, timeZone));
  const head = { v: 1, type: event.type, time: new Date().toISOString(), job };
  switch (event.type) {
    case 'note':
      return { ...head, message: event.message };
    case 'nothing-due':
      return { ...head, nextTick: at(event.nextTickMs) };
    case 'tick-decided':
      return { ...head, logicalDate: event.logicalDate, action: event.action, reason: event.reason };
    case 'ticks-decided': {
      const { count, action, reason, fromExclusiveMs, beforeMs } = event;
      return { ...head, count, after: at(fromExclusiveMs), before: at(beforeMs), action, reason };
    }
    case 'run-delayed':
      return { ...head, logicalDate: at(event.tickMs), until: at(event.untilMs) };
    case 'run-launched':
      return { ...head, logicalDate: event.logicalDate, reason: event.reason };
    case 'run-stopping':
      return { ...head, logicalDate: at(event.tickMs), reason: event.reason };
    case 'run-ended':
      return { ...head, logicalDate: event.logicalDate, stopped: event.stopped?.reason, ...event.end };
    default:
      return assertNever(event);
  }
}
