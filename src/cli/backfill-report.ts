import { dateText } from '../run/date-job.ts';
import { type BackfillChoice, type BackfillEvent, isChosen, isLeftOut, type Partition } from '../schedule/backfill.ts';
import type { RunEnd } from '../schedule/launcher.ts';
import { aligned } from './aligned.ts';
import type { BackfillFlags } from './backfill-flags.ts';
import { backfillAfter, backfillBar, backfillStarted } from './backfill-progress.ts';
import { backfillLine, partitionCells, plannedText } from './backfill-text.ts';
import { type Display, newDisplay, type Terminal, widthOf } from './display.ts';
import type { Io } from './io.ts';
import type { FoundPartition } from './partition-state.ts';

interface DryRun {
  readonly partitions: readonly Partition[];
  readonly choice: BackfillChoice;
  readonly find: (partition: Partition) => Promise<FoundPartition>;
  readonly flags: BackfillFlags;
}

/** @returns the exit code */
export async function showDryRun(io: Io, { partitions, choice, find, flags }: DryRun): Promise<number> {
  const shown = [];
  for (const partition of partitions) {
    const { state, output } = await find(partition);
    const willRun = isChosen(choice, state);
    shown.push({ logicalDate: partition.logicalDate, output: willRun ? partition.output : output, state, willRun });
  }
  if (flags.json === true) {
    io.out(`${JSON.stringify({ v: 1, dryRun: true, partitions: shown }, undefined, 2)}\n`);
    return 0;
  }
  const lines = shown.map(({ logicalDate, output, state, willRun }) => [
    dateText(logicalDate),
    willRun ? 'run' : isLeftOut(choice, state) ? 'leave out' : 'pass over',
    state,
    output,
  ]);
  io.out(aligned(lines, { indent: 0 }));
  const toRun = shown.filter(({ willRun }) => willRun).length;
  const leftOut = shown.filter(({ state }) => isLeftOut(choice, state)).length;
  io.err(`${plannedText({ partitions: shown.length, toRun, leftOut })}\n`);
  return 0;
}

export interface BackfillReport extends Disposable {
  readonly see: (event: BackfillEvent) => void;
  /** What has to be said between. */
  readonly note: (text: string) => void;
  /** Prints the table. @returns the exit code: that of the failures where they agree, else 3 */
  readonly end: () => number;
}

interface ReportOptions {
  readonly job: string;
  readonly flags: BackfillFlags;
  /** Where a bar moves while somebody watches. */
  readonly stream: Terminal;
}

export function newBackfillReport(io: Io, { job, flags, stream }: ReportOptions): BackfillReport {
  let progress = backfillStarted(Date.now());
  const isMoving = io.isWatched && flags.json !== true && flags.quiet !== true;
  let display: Display | undefined;
  const note = (text: string) => (display === undefined ? io.err(`${text}\n`) : display.log(text));
  const endDisplay = () => {
    display?.end();
    display = undefined;
  };
  const ended: { readonly partition: Partition; readonly end: RunEnd }[] = [];
  let passed = 0;
  let leftOut = 0;
  let left = 0;
  const dateOf = ({ logicalDate }: Partition) => dateText(logicalDate);
  return {
    note,
    see: (event) => {
      progress = backfillAfter(progress, event);
      if (event.type === 'partition-ended') ended.push(event);
      if (event.type === 'partition-passed') passed++;
      if (event.type === 'backfill-planned') leftOut = event.leftOut;
      if (event.type === 'partition-left') left++;
      if (flags.json === true) io.out(`${JSON.stringify(eventJson(event, job))}\n`);
      else if (flags.quiet !== true) {
        const line = backfillLine(event, { dateOf, paint: io.paintErr, isWatched: io.isWatched });
        if (line !== undefined) note(line);
      }
      if (isMoving && event.type === 'backfill-planned' && event.toRun > 0)
        display = newDisplay(stream, () => [
          backfillBar(progress, { nowMs: Date.now(), width: widthOf(stream), paint: io.paintErr }),
        ]);
    },
    [Symbol.dispose]: endDisplay,
    end: () => {
      endDisplay();
      // Who saw them all go by needs those only that something has to be done about.
      const areSeen = io.isWatched && io.isOutWatched && flags.quiet !== true;
      const rows = ended
        .filter(({ end }) => !areSeen || end.exitCode !== 0)
        .toSorted((a, b) => a.partition.dateMs - b.partition.dateMs);
      if (flags.json !== true) {
        io.out(
          aligned(
            rows.map(({ partition, end }) =>
              partitionCells(dateOf(partition), end, { paint: io.paintOut, isWatched: io.isOutWatched }),
            ),
            { indent: 0 },
          ),
        );
        const count = (state: RunEnd['state']) => ended.filter(({ end }) => end.state === state).length;
        const parts = [
          [count('published'), 'published'],
          [count('skipped') + passed - leftOut, 'passed over'],
          [leftOut, 'left out'],
          [count('failed'), 'failed'],
          [count('interrupted'), 'interrupted'],
          [left, 'not begun'],
        ].flatMap(([number, what]) => (number === 0 ? [] : [`${number} ${what}`]));
        io.err(`${parts.join(', ')}\n`);
      }
      const codes = new Set(ended.map(({ end }) => end.exitCode).filter((code) => code !== 0));
      const [code = 0] = codes;
      return codes.size > 1 ? 3 : code;
    },
  };
}

function eventJson(event: BackfillEvent, job: string): object {
  const head = { v: 1, type: event.type, time: new Date().toISOString(), job };
  if (event.type === 'backfill-planned') {
    const { partitions, toRun, leftOut } = event;
    return { ...head, partitions, toRun, leftOut };
  }
  const { logicalDate, output } = event.partition;
  const where = { ...head, logicalDate, output };
  if (event.type === 'partition-passed') return { ...where, state: event.state };
  return event.type === 'partition-ended' ? { ...where, ...event.end } : where;
}
