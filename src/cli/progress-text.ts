import { countText, pluralText } from './aligned.ts';
import { barPieces, fitted, type LineFrame, type Piece, piece } from './bar-line.ts';
import { etaText } from './duration-text.ts';
import { type Pace, paceAt, type RunProgress } from './run-progress.ts';

const barWidthAtMost = 40;
const barWidthAtLeast = 8;
/** A line, and when it is. */
export interface ProgressFrame extends LineFrame {
  readonly nowMs: number;
}

const rateWidth = '999,999 rows/s'.length;
const etaWidth = 'ETA 59:59'.length;

/** The lines of a moving display: one for the run, one for what it is at, one for each device. */
export function progressLines(state: RunProgress, frame: ProgressFrame): readonly string[] {
  const pace = paceAt(state, frame.nowMs);
  const label = Math.max(state.job.length, ...state.devices.map(({ name }) => name.length + 2));
  if (state.phase === 'opening') return [fitted([piece(`${state.job}  reading the input …`)], frame)];
  return [
    runLine(state, pace, { ...frame, label }),
    fitted([piece(' '.repeat(label)), ...countPieces(state)], frame),
    ...pace.devices.map((device) =>
      fitted(
        [
          piece(`  ${device.name}`.padEnd(label), 'dim'),
          piece(pluralText(device.workers, 'worker'), 'dim'),
          piece(rateText(device.rowsPerSecond), 'dim'),
        ],
        frame,
      ),
    ),
  ];
}

function runLine(state: RunProgress, pace: Pace, frame: ProgressFrame & { readonly label: number }): string {
  const head = piece(state.job.padEnd(frame.label), 'bold');
  const percent = piece(`${Math.floor(pace.fraction * 100)} %`.padStart(5));
  // Texts that grow and shrink would make the bar do so too.
  const rate = piece(rateText(pace.rowsPerSecond).padStart(rateWidth));
  const left = piece(etaText(pace.secondsLeft).padEnd(etaWidth));
  const total = countText(state.rows);
  const rows = piece(`${countText(pace.rows).padStart(total.length)} of ${total} rows`);
  // What matters least goes first when the terminal is narrow.
  const variants = [[percent, rows, rate, left], [percent, rate, left], [percent, left], [percent]];
  for (const tail of variants) {
    const taken = head.text.length + tail.reduce((sum, { text }) => sum + text.length + 2, 0) + 2;
    const room = frame.width - 1 - taken;
    if (room < barWidthAtLeast) continue;
    return fitted([head, ...barPieces(pace.fraction, Math.min(room, barWidthAtMost)), ...tail], frame);
  }
  return fitted([head, percent], frame);
}

function countPieces(state: RunProgress): readonly Piece[] {
  const pieces = [piece(`${countText(state.shardsDone)} of ${pluralText(state.shards, 'shard')}`, 'dim')];
  if (state.rejected > 0) pieces.push(piece(`${countText(state.rejected)} rejected`, 'yellow'));
  if (state.retries > 0) pieces.push(piece(`${countText(state.retries)} retried`, 'yellow'));
  return pieces;
}

function rateText(rowsPerSecond: number | undefined): string {
  return rowsPerSecond === undefined ? '– rows/s' : `${countText(Math.round(rowsPerSecond))} rows/s`;
}
