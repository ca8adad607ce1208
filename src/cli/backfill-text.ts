import { assertNever } from '../core/errors.ts';
import type { BackfillEvent, Partition } from '../schedule/backfill.ts';
import type { RunEnd } from '../schedule/launcher.ts';
import { cellText, pluralText } from './aligned.ts';
import type { Paint, Style } from './colour.ts';
import { durationText } from './duration-text.ts';

const widestMessage = 100;
const styles: Readonly<Record<RunEnd['state'], Style>> = {
  published: 'green',
  skipped: 'dim',
  failed: 'red',
  interrupted: 'yellow',
};

export interface CellsOptions {
  readonly paint: Paint;
  /** Whether people see it in a terminal, where a long line would wrap; a file takes all of it. */
  readonly isWatched: boolean;
}

/** A partition and what became of it, a cell each. */
export function partitionCells(
  date: string,
  { state, runId, rows, seconds, code, message }: Partial<RunEnd> & Pick<RunEnd, 'state'>,
  { paint, isWatched }: CellsOptions,
): readonly string[] {
  const why = [code, message].filter((text) => text !== undefined).join(': ');
  const what =
    rows === undefined
      ? cellText(why, isWatched ? widestMessage : Number.POSITIVE_INFINITY)
      : pluralText(rows.out, 'row');
  const took = seconds === undefined ? '' : durationText(seconds);
  return [date, runId ?? '', took, `${paint(styles[state], state)}  ${what}`.trimEnd()];
}

export interface PlannedCounts {
  readonly partitions: number;
  readonly toRun: number;
  /** Neither run nor published. */
  readonly leftOut: number;
}

/** What a backfill says while it goes on; undefined where there is nothing to say. */
export function backfillLine(
  event: BackfillEvent,
  { dateOf, ...options }: CellsOptions & { readonly dateOf: (partition: Partition) => string },
): string | undefined {
  switch (event.type) {
    case 'backfill-planned':
      return plannedText(event);
    case 'partition-ended':
      return partitionCells(dateOf(event.partition), event.end, options)
        .filter((cell) => cell !== '')
        .join('  ');
    case 'partition-passed':
    case 'partition-started':
    case 'partition-left':
      return undefined;
    default:
      return assertNever(event);
  }
}

/** How many are run, and why the others are not. */
export function plannedText({ partitions, toRun, leftOut }: PlannedCounts): string {
  const passed = partitions - toRun - leftOut;
  const rest = [
    ...(passed === 0 ? [] : [`, ${passed} passed over`]),
    ...(leftOut === 0
      ? []
      : [`, ${leftOut} left out that never ran or lost what was published; leave --failed away to run them, too`]),
  ];
  return `${pluralText(toRun, 'run')} to do${rest.join('')}`;
}
