import { type Timings, timingShares } from '../plan/sum-timings.ts';
import type { RunTimes } from '../run/run-times.ts';
import { pluralText } from './aligned.ts';
import { durationText } from './duration-text.ts';
import { shareText } from './share-text.ts';

const operatorsShown = 5;

/** `ONNX Runtime has 78 %, reading 12 %, writing 8 %, packing 2 %`. */
export function sharesText(timings: Timings): string {
  return timingShares(timings)
    .map(({ name, share }, index) => `${name}${index === 0 ? ' has' : ''} ${shareText(share, 0)}`)
    .join(', ');
}

/** Rows of `runs show`. */
export function timesRows(times: RunTimes | undefined): readonly (readonly [string, string])[] {
  if (times === undefined || times.timings.total <= 0) return [];
  const { timings, operators, profiles } = times;
  const spent = `${durationText(timings.total)} of all workers: ${sharesText(timings)}`;
  if (operators.length === 0) return [['time', spent]];
  const longest = operators
    .slice(0, operatorsShown)
    .map(
      ({ operator, provider, share }) =>
        `${operator}${provider === 'cpu' ? '' : ` (${provider})`} ${shareText(share, 0)}`,
    );
  return [
    ['time', spent],
    ['operators', `${longest.join(', ')}, as profiled in ${pluralText(profiles, 'worker')}`],
  ];
}
