import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { newPaint } from '../../src/cli/colour.ts';
import type { Io } from '../../src/cli/io.ts';
import { newBarReporter } from '../../src/cli/report-bar.ts';
import { eventAt, runPlanned, runPublished, runStarted, shardDone, shardFailed, workerReady } from './run-events.ts';

const hideCursor = '\u001B[?25l';
const showCursor = '\u001B[?25h';
const wrapOff = '\u001B[?7l';
const wrapOn = '\u001B[?7h';

/** A reporter on a terminal that keeps all that is written to it. */
function newTerminal() {
  const stream = Object.assign(new PassThrough(), { isTTY: true, columns: 80 });
  let written = '';
  stream.on('data', (piece: Buffer) => {
    written += piece.toString('utf8');
  });
  const io: Io = {
    out: () => undefined,
    err: (text) => void stream.write(text),
    isWatched: true,
    isOutWatched: false,
    paintOut: newPaint(false),
    paintErr: newPaint(false),
  };
  const reporter = newBarReporter(io, { stream, verbosity: 'normal', folder: '/work' });
  return { reporter, written: () => written };
}

function expectRestored(text: string): void {
  expect(text).toContain(hideCursor);
  expect(text.lastIndexOf(showCursor)).toBeGreaterThan(text.lastIndexOf(hideCursor));
  expect(text.lastIndexOf(wrapOn)).toBeGreaterThan(text.lastIndexOf(wrapOff));
}

describe('the display in a terminal', () => {
  it('goes when the run ends, and leaves what is worth keeping', () => {
    const { reporter, written } = newTerminal();
    const events = [runStarted(), runPlanned(), workerReady(0), shardDone(0), shardFailed(1, true), runPublished()];
    for (const [index, body] of events.entries()) reporter.report(eventAt(index * 1000, body));
    expectRestored(written());
    const text = stripVTControlCharacters(written());
    expect(text).toContain('10,000 rows of 2 files in 10 shards; 2 workers on cpu\n');
    expect(text).toContain('1 of 10 shards  3 rejected  1 retried');
    const end = text.slice(text.indexOf('flights  published'));
    expect(end).toMatch(
      /^flights {2}published 9,990 rows in 12 s, 810 rows\/s\n {2}rows .*\n {2}output .*\n {2}ran on .*\n {2}rejects .*\n$/,
    );
  });

  it('goes when the run fails', () => {
    const { reporter, written } = newTerminal();
    reporter.report(eventAt(0, runStarted()));
    reporter.report(eventAt(0, runPlanned()));
    reporter[Symbol.dispose]();
    expectRestored(written());
  });

  it('comes back for the next run', () => {
    const { reporter, written } = newTerminal();
    for (let run = 0; run < 2; run++)
      for (const body of [runStarted(), runPlanned(), runPublished()]) reporter.report(eventAt(run * 1000, body));
    expect(written().split(hideCursor)).toHaveLength(3);
    expectRestored(written());
  });

  it('shows notes above the bars', () => {
    const { reporter, written } = newTerminal();
    reporter.report(eventAt(0, runStarted()));
    reporter.note('stopping after the current batch');
    reporter[Symbol.dispose]();
    expect(stripVTControlCharacters(written())).toContain('stopping after the current batch\n');
  });
});
