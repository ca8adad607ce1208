import type { RunEvent } from '../run/events.ts';
import { countText } from './aligned.ts';
import { durationText } from './duration-text.ts';
import type { Io } from './io.ts';
import { isShown, type Reporter, type Verbosity } from './reporter.ts';
import { noProgress, paceAt, progressAfter, type RunProgress } from './run-progress.ts';
import { type RunLine, type RunTextOptions, runLines } from './run-text.ts';

const progressEveryMs = 10_000;
const progressStep = 0.1;
const progressAtLeastEveryMs = 60_000;

/** Plain lines on stderr, for logs. */
export function newLineReporter(io: Io, options: { readonly verbosity: Verbosity; readonly folder: string }): Reporter {
  const { verbosity, folder } = options;
  const text: RunTextOptions = { paint: io.paintErr, folder };
  const progress = newProgressLog();
  return {
    report: (event) => {
      for (const line of [...runLines(event, text), ...progress(event, text)])
        if (isShown(line.level, verbosity)) io.err(`${line.text}\n`);
    },
    note: (note) => io.err(`${note}\n`),
    [Symbol.dispose]: () => undefined,
  };
}

/**
 * How far a run is, now and then: a line is due when ten seconds and a tenth of the rows passed since the last one,
 * or a minute.
 */
function newProgressLog(): (event: RunEvent, options: RunTextOptions) => readonly RunLine[] {
  let state: RunProgress = noProgress;
  let last = { ms: 0, fraction: 0 };
  return (event, { paint }) => {
    state = progressAfter(state, event);
    const ms = Date.parse(event.time);
    const pace = paceAt(state, ms);
    if (event.type === 'run-planned') last = { ms, fraction: pace.fraction };
    if (event.type !== 'shard-progress' && event.type !== 'shard-done') return [];
    const passedMs = ms - last.ms;
    const isDue = passedMs >= progressEveryMs && pace.fraction - last.fraction >= progressStep;
    if (!isDue && passedMs < progressAtLeastEveryMs) return [];
    last = { ms, fraction: pace.fraction };
    const parts = [
      `${Math.floor(pace.fraction * 100)} %`,
      `${countText(pace.rows)} of ${countText(state.rows)} rows`,
      `${countText(Math.round(pace.rowsPerSecond ?? 0))} rows/s`,
      ...(pace.secondsLeft === undefined ? [] : [`${durationText(pace.secondsLeft)} left`]),
      `${countText(state.shardsDone)} of ${countText(state.shards)} shards`,
      ...(state.rejected === 0 ? [] : [`${countText(state.rejected)} rejected`]),
    ];
    return [{ level: 'info', text: `${paint('bold', state.job)}  ${parts.join(', ')}` }];
  };
}
