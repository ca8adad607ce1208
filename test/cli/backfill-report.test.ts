import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { expect, it } from 'vitest';
import { newBackfillReport } from '../../src/cli/backfill-report.ts';
import { newPaint } from '../../src/cli/colour.ts';
import type { RunEnd } from '../../src/schedule/launcher.ts';

const published: RunEnd = { exitCode: 0, state: 'published', seconds: 1, message: 'all is well' };
const path = `/srv/${'folder/'.repeat(20)}2026-11-02.parquet`;
const failed: RunEnd = { exitCode: 4, state: 'failed', seconds: 1, code: 'INPUT_NOT_FOUND', message: `no ${path}` };

/** What is said of two days, one of which failed. */
function told(where: { readonly isWatched: boolean; readonly isOutWatched: boolean }, quiet = false) {
  const said = { out: '', err: '' };
  const paint = newPaint(false);
  const io = {
    out: (text: string) => {
      said.out += text;
    },
    err: (text: string) => {
      said.err += text;
    },
    ...{ paintOut: paint, paintErr: paint, ...where },
  };
  const flags = { every: 'day', maxParallel: '1', stateDir: '/state', quiet } as const;
  const report = newBackfillReport(io, { job: 'days', flags, stream: new PassThrough() });
  for (const [day, end] of [['01', published] as const, ['02', failed] as const]) {
    const logicalDate = `2026-11-${day}T00:00:00+00:00`;
    const partition = { dateMs: Date.parse(logicalDate), logicalDate, output: `/out/${day}` };
    report.see({ type: 'partition-ended', partition, end });
  }
  return { exitCode: report.end(), ...said };
}

it('names what failed whole where a file takes it, and cuts it where a terminal would wrap it', () => {
  const piped = told({ isWatched: true, isOutWatched: false });
  expect(piped.out).toContain(path);
  expect(piped.err).not.toContain(path);
  const logged = told({ isWatched: false, isOutWatched: true });
  expect(logged.out).not.toContain(path);
  expect(logged.err).toContain(path);
});

it.each([
  [{ isWatched: true, isOutWatched: true }, false, ['2026-11-02']],
  [{ isWatched: true, isOutWatched: true }, true, ['2026-11-01', '2026-11-02']],
  [{ isWatched: true, isOutWatched: false }, false, ['2026-11-01', '2026-11-02']],
  [{ isWatched: false, isOutWatched: true }, false, ['2026-11-01', '2026-11-02']],
])('at %j, quiet: %s, has in its table %j', (where, quiet, days) => {
  const { out, err, exitCode } = told(where, quiet);
  expect(out.match(/^\S+/gm)).toEqual(days);
  expect(err).toMatch(/1 published, 1 failed\n$/);
  expect(exitCode).toBe(4);
});

it('has a bar at the foot of a terminal, which goes at the end', () => {
  const stream = Object.assign(new PassThrough(), { isTTY: true, columns: 80 });
  let written = '';
  stream.on('data', (piece: Buffer) => {
    written += piece.toString('utf8');
  });
  const paint = newPaint(false);
  const err = (text: string) => void stream.write(text);
  const io = { out: () => undefined, err, isWatched: true, isOutWatched: true, paintOut: paint, paintErr: paint };
  const flags = { every: 'day', maxParallel: '1', stateDir: '/state' } as const;
  using report = newBackfillReport(io, { job: 'days', flags, stream });
  report.see({ type: 'backfill-planned', partitions: 3, toRun: 3, leftOut: 0 });
  for (const day of ['01', '02']) {
    const logicalDate = `2026-11-${day}T00:00:00+00:00`;
    const partition = { dateMs: Date.parse(logicalDate), logicalDate, output: `/out/${day}` };
    report.see({ type: 'partition-started', partition });
    if (day === '01') report.see({ type: 'partition-ended', partition, end: published });
  }
  report.note('stopping');
  report.end();
  const text = stripVTControlCharacters(written);
  expect(text).toMatch(/1 of 3 dates {2}ETA \d/);
  expect(text).toContain('2026-11-02');
  expect(text).toContain('stopping\n');
  // The cursor is back.
  expect(written.lastIndexOf('\u001B[?25h')).toBeGreaterThan(written.lastIndexOf('\u001B[?25l'));
  expect(text.trimEnd().endsWith('1 published')).toBe(true);
});
