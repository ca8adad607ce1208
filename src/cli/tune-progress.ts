import cliProgress from 'cli-progress';
import type { TuneEvent } from '../run/tune-job.ts';
import { countText, pluralText } from './aligned.ts';
import type { Io } from './io.ts';
import { settingText } from './tune-text.ts';

export interface TuneProgress extends Disposable {
  readonly see: (event: Exclude<TuneEvent, { readonly type: 'tuned' }>) => void;
}

/** A bar of the budget where somebody watches, else a line for each measurement; on stderr. */
export function newTuneProgress(io: Io, { isQuiet }: { readonly isQuiet: boolean }): TuneProgress {
  if (isQuiet) return { see: () => undefined, [Symbol.dispose]: () => undefined };
  if (!io.isWatched)
    return { see: (event) => io.err(`${percentText(event)}${eventText(event)}\n`), [Symbol.dispose]: () => undefined };
  const bar = new cliProgress.SingleBar({
    stream: process.stderr,
    format: '{bar} {percentage} %  {text}',
    barCompleteChar: '━',
    barIncompleteChar: '─',
    barsize: 24,
    hideCursor: true,
    clearOnComplete: true,
    linewrap: false,
  });
  bar.start(100, 0, { text: 'measuring how many rows tell settings apart …' });
  const stop = () => bar.stop();
  process.once('exit', stop);
  return {
    see: (event) =>
      bar.update(event.type === 'measured' ? Math.round(event.spent * 100) : 0, { text: eventText(event) }),
    [Symbol.dispose]: () => {
      process.off('exit', stop);
      stop();
    },
  };
}

type Seen = Parameters<TuneProgress['see']>[0];

function percentText(event: Seen): string {
  return event.type === 'measured' ? `${Math.round(event.spent * 100)} %`.padEnd(7) : '';
}

function eventText(event: Seen): string {
  if (event.type === 'sampled') {
    const times = event.repeats === 1 ? '' : `, ${event.repeats} times`;
    return `each measurement scores ${pluralText(event.rows, 'row')}${times}`;
  }
  const { setting, measurement, failure } = event;
  const said =
    measurement === undefined ? (failure?.code ?? '') : `${countText(Math.round(measurement.rowsPerSecond))} rows/s`;
  return `${settingText(setting)}: ${said}`;
}
