import { expect, it } from 'vitest';
import { backfillAfter, backfillBar, backfillStarted } from '../../src/cli/backfill-progress.ts';
import { newPaint } from '../../src/cli/colour.ts';
import type { BackfillEvent } from '../../src/schedule/backfill.ts';

const partition = (day: string) => {
  const logicalDate = `2026-11-${day}T00:00:00+00:00`;
  return { dateMs: Date.parse(logicalDate), logicalDate, output: `/out/${day}` };
};
const planned: BackfillEvent = { type: 'backfill-planned', partitions: 9, toRun: 8, leftOut: 0 };
const started = (day: string): BackfillEvent => ({ type: 'partition-started', partition: partition(day) });
const exitCodes = { published: 0, skipped: 0, failed: 3, interrupted: 143 } as const;
const ended = (day: string, state: keyof typeof exitCodes = 'published'): BackfillEvent => ({
  type: 'partition-ended',
  partition: partition(day),
  end: { exitCode: exitCodes[state], state, seconds: 1 },
});

const shown = (events: readonly BackfillEvent[], seconds: number, width = 100) =>
  backfillBar(events.reduce(backfillAfter, backfillStarted(0)), {
    nowMs: seconds * 1000,
    width,
    paint: newPaint(false),
  });

it.each([
  [[planned, started('01')], 100, '────────────────────────  0 of 8 dates  ETA –  2026-11-01'],
  [
    [planned, started('01'), started('02'), ended('02'), started('03')],
    100,
    '━━━─────────────────────  1 of 8 dates  ETA 1:10  2026-11-01, 2026-11-03',
  ],
  [
    [planned, started('01'), ended('01', 'failed'), started('02'), ended('02')],
    100,
    '━━━━━━──────────────────  2 of 8 dates  ETA 0:30  1 failed',
  ],
  [
    [planned, started('01'), ended('01', 'interrupted'), started('02'), ended('02', 'skipped')],
    100,
    '━━━━━━──────────────────  2 of 8 dates  ETA 0:30',
  ],
  [[planned, started('01'), ended('01')], 50, '━━━─────────────────────  1 of 8 dates  ETA 1:10'],
])('a backfill shows how many dates are done, those that go on, and the time left', (events, width, line) => {
  expect(shown(events, 10, width)).toBe(line);
});
