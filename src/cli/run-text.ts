import { assertNever } from '../core/errors.ts';
import { resultText } from '../plan/check-result.ts';
import { dateText } from '../run/date-job.ts';
import type { RunEvent } from '../run/events.ts';
import { bytesText, countText, pluralText } from './aligned.ts';
import { batchText } from './batch-text.ts';
import type { Paint } from './colour.ts';
import { durationText } from './duration-text.ts';
import { shareText } from './share-text.ts';
import { shownPath } from './shown-path.ts';

/** How much a line matters: `quiet` keeps only warnings, `verbose` adds details. */
export type Level = 'warning' | 'info' | 'detail';

export interface RunLine {
  readonly level: Level;
  readonly text: string;
}

export interface RunTextOptions {
  readonly paint: Paint;
  /** Paths below it are shown relative to it. */
  readonly folder: string;
}

/** What an event has to say in a log, if anything; progress is told from all events together. */
export function runLines(event: RunEvent, options: RunTextOptions): readonly RunLine[] {
  const { paint } = options;
  const line = (level: Level, text: string): RunLine => ({ level, text: `${paint('bold', event.job)}  ${text}` });
  const warning = (text: string) => line('warning', `${paint('yellow', 'warning:')} ${text}`);
  switch (event.type) {
    case 'lock-waiting':
      return [line('info', `waits up to ${durationText(event.maxSeconds)}: ${event.message}`)];
    case 'run-started':
      return event.resumes
        ? [line('info', `going on with unfinished run ${event.runId}`)]
        : [line('detail', `run ${event.runId} scores into ${shownPath(event.output, options.folder)}`)];
    case 'run-skipped':
      return [line('info', `nothing to do: ${event.reason} (${shownPath(event.output, options.folder)})`)];
    case 'input-staged': {
      const { format, files, seconds, rejectedLines } = event;
      const staged = line('info', `staged ${pluralText(files, `${format} file`)} in ${durationText(seconds)}`);
      const lines = `${pluralText(rejectedLines, 'line')} of the input cannot be parsed`;
      return rejectedLines === 0 ? [staged] : [staged, warning(lines)];
    }
    case 'shards-taken-over':
      return [line('info', takenText(event))];
    case 'run-planned':
      return [line('info', plannedText(event))];
    case 'worker-ready':
      return [line('detail', readyText(event))];
    case 'warning':
      return [warning(`${event.message} (${event.code})`)];
    case 'notice-failed':
      return [warning(`${event.target} did not get the notice ${event.notice}: ${event.message}`)];
    case 'worker-lost':
      return [warning(`${event.message} (${event.code})`)];
    case 'worker-recycled':
      return [line('detail', `worker on ${event.device} is replaced, it grew to ${bytesText(event.rssBytes)}`)];
    case 'batch-measured':
      return [line('detail', `batch: ${batchText(event)}`)];
    case 'batch-reduced':
      return [warning(`memory ran out; batches are ${batchText(event)} from now on (OUT_OF_MEMORY)`)];
    case 'shard-started':
      return [line('detail', `shard ${event.shard} begins on ${event.device}, attempt ${event.attempt}`)];
    case 'shard-progress':
      return [];
    case 'shard-done':
      return [line('detail', shardText(event))];
    case 'shard-failed':
      return shardFailed(event, { line, warning });
    case 'checks-evaluated':
      return checksLines(event, line);
    case 'run-published': {
      const summary = published(event, options).map(
        (text, index): RunLine => (index === 0 ? line('info', text) : { level: 'info', text: `  ${text}` }),
      );
      return event.rows.out > 0 ? summary : [...summary, warning(nothingText(event))];
    }
    default:
      return assertNever(event);
  }
}

type Of<Type extends RunEvent['type']> = Extract<RunEvent, { type: Type }>;

function takenText({ shards, rows, from }: Of<'shards-taken-over'>): string {
  const runs = `${from.slice(0, 3).join(', ')}${from.length > 3 ? ', …' : ''}`;
  return `took over ${pluralText(rows, 'row')} in ${pluralText(shards, 'shard')} from run ${runs}: the same input content`;
}

function readyText({ pid, device, providers, optimizedModel }: Of<'worker-ready'>): string {
  const kept = optimizedModel === 'kept' ? ', its optimised model is kept' : '';
  const loaded = optimizedModel === 'loaded' ? ', its model was optimised before' : '';
  return `worker ${pid} is ready on ${device} (${providers.join(', ')})${kept}${loaded}`;
}

function plannedText(event: Of<'run-planned'>): string {
  const { rows, files, shards, shardsDone, workers, devices, intraOpThreads } = event;
  const work = `${pluralText(rows, 'row')} of ${pluralText(files, 'file')} in ${pluralText(shards, 'shard')}`;
  const done = shardsDone === 0 ? '' : `, ${countText(shardsDone)} of them done already`;
  const threads = intraOpThreads === 1 ? '' : ` with ${intraOpThreads} threads each`;
  const by = workers === 0 ? '' : `; ${pluralText(workers, 'worker')} on ${devices.join(', ')}${threads}`;
  return `${work}${done}${by}`;
}

function shardText(event: Of<'shard-done'>): string {
  const { shard, rows, seconds, device, readSeconds, sessionSeconds, writeSeconds } = event;
  const rejected = rows.rejected === 0 ? '' : `, ${countText(rows.rejected)} rejected`;
  const split = `read ${seconds2(readSeconds)}, session ${seconds2(sessionSeconds)}, write ${seconds2(writeSeconds)}`;
  return `shard ${shard} is done: ${pluralText(rows.out, 'row')}${rejected} in ${seconds2(seconds)} on ${device} (${split})`;
}

function seconds2(seconds: number): string {
  return `${seconds.toFixed(2)} s`;
}

interface LineMakers {
  readonly line: (level: Level, text: string) => RunLine;
  readonly warning: (text: string) => RunLine;
}

function shardFailed(event: Of<'shard-failed'>, { line, warning }: LineMakers): readonly RunLine[] {
  const { shard, attempt, code, message, willRetry } = event;
  if (code === 'INTERRUPTED') return [line('detail', `shard ${shard} is stopped`)];
  const soon = (event.retryAfterMs ?? 0) < 1000 ? '' : ` in ${durationText((event.retryAfterMs ?? 0) / 1000)}`;
  const next = willRetry ? `it will be tried again${soon}` : 'it is given up';
  // How the worker died has a line of its own.
  const why = code === 'WORKER_CRASHED' || code === 'BATCH_TIMEOUT' ? '' : `: ${message}`;
  return [warning(`shard ${shard} failed in attempt ${attempt}, ${next}${why} (${code})`)];
}

function checksLines({ checks }: Of<'checks-evaluated'>, line: LineMakers['line']): readonly RunLine[] {
  const passed = checks.filter((check) => check.passed).length;
  const details = checks.map((check) =>
    line('detail', `check ${check.passed ? 'passed' : 'failed'}: ${resultText(check)}`),
  );
  return [line('info', `${countText(passed)} of ${pluralText(checks.length, 'check')} passed`), ...details];
}

function nothingText({ rows }: Of<'run-published'>): string {
  if (rows.in === 0) return '0 rows were published; the input has none';
  const why = rows.filtered === rows.in ? 'where filtered all of them' : 'every one was filtered or rejected';
  return `0 rows were published; of the ${pluralText(rows.in, 'row')} of the input, ${why}`;
}

function sharedText(rows: number, of: number): string {
  return `${countText(rows)} (${shareText(rows / of)})`;
}

function published(event: Of<'run-published'>, options: RunTextOptions): readonly string[] {
  const { rows, seconds, rowsPerSecond, parts, bytes, providers, rejects } = event;
  const { paint } = options;
  const rejected = `${countText(rows.rejected)} rejected`;
  const ledger = [
    `${countText(rows.in)} in`,
    `${countText(rows.out)} out`,
    rows.rejected === 0 ? rejected : paint('yellow', rejected),
    `${countText(rows.filtered)} filtered`,
  ];
  const isScoredBefore = rowsPerSecond === 0 && rows.out > 0;
  const { takenOverRows: taken = 0, repeatedRows: repeated = 0, cachedRows: cached = 0 } = event;
  const took = `${durationText(seconds)}, ${countText(rowsPerSecond)} rows/s`;
  const table = [
    ...(event.dated === true ? ([['date', dateText(event.logicalDate ?? '')]] as const) : []),
    ['rows', ledger.join(', ')],
    ...(taken === 0 ? [] : ([['', `${countText(taken)} taken over from earlier runs`]] as const)),
    ...(repeated === 0
      ? []
      : ([['', `${sharedText(repeated, rows.in)} are like another row, and were not scored`]] as const)),
    ...(cached === 0 ? [] : ([['', `${sharedText(cached, rows.in)} were in the cache`]] as const)),
    ['output', `${shownPath(event.output, options.folder)}  ${pluralText(parts, 'part')}, ${bytesText(bytes)}`],
    ['ran on', `${providers.join(', ')}, batches of ${batchText(event)}`],
    ...(event.profile === undefined ? [] : ([['profile', shownPath(event.profile, options.folder)]] as const)),
    ...rejects.slice(0, 3).map((path) => ['rejects', shownPath(path, options.folder)] as const),
    ...(rejects.length > 3 ? ([['', `and ${countText(rejects.length - 3)} more`]] as const) : []),
  ] as const;
  return [
    `${paint('green', 'published')} ${pluralText(rows.out, 'row')} ${isScoredBefore ? 'that were scored before' : `in ${took}`}`,
    ...table.map(([name, text]) => `${paint('dim', name.padEnd(8))} ${text}`),
  ];
}
