import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { newPaint } from '../../src/cli/colour.ts';
import { progressLines } from '../../src/cli/progress-text.ts';
import { noProgress, progressAfter, type RunProgress } from '../../src/cli/run-progress.ts';
import { eventAt, msAt, runPlanned, runStarted, shardDone, shardProgress, workerReady } from './run-events.ts';

const plain = newPaint(false);

function twoDevices(): RunProgress {
  const devices = ['cuda:0', 'cuda:1'];
  return [
    eventAt(0, runStarted()),
    eventAt(0, runPlanned({ devices, rows: 10_000 })),
    eventAt(0, workerReady(0, 'cuda:0')),
    eventAt(0, workerReady(1, 'cuda:1')),
    ...[0, 1, 2, 3].map((shard) => eventAt(1000, shardDone(shard, shard === 3 ? 12 : 0, 'cuda:0'))),
    eventAt(2000, shardProgress(4, 800, 'cuda:1')),
  ].reduce(progressAfter, noProgress);
}

function shown(width: number): string {
  return `\n${progressLines(twoDevices(), { nowMs: msAt(2000), width, paint: plain }).join('\n')}\n`;
}

describe('the moving display', () => {
  it('shows rows, rate, time left, shards, rejects and devices', () => {
    expect(shown(120)).toMatchInlineSnapshot(`
      "
      flights   ━━━━━━━━━━━━━━━━━━━─────────────────────   48 %   4,800 of 10,000 rows    2,400 rows/s  ETA 0:03
                4 of 10 shards  12 rejected
        cuda:0  1 worker  2,000 rows/s
        cuda:1  1 worker  400 rows/s
      "
    `);
  });

  it('leaves out what matters least in a narrow terminal', () => {
    expect(shown(60)).toMatchInlineSnapshot(`
      "
      flights   ━━━━━━━────────   48 %    2,400 rows/s  ETA 0:03
                4 of 10 shards  12 rejected
        cuda:0  1 worker  2,000 rows/s
        cuda:1  1 worker  400 rows/s
      "
    `);
    expect(shown(34)).toMatchInlineSnapshot(`
      "
      flights   ━━━━━━━─────────   48 %
                4 of 10 shards
        cuda:0  1 worker  2,000 rows/s
        cuda:1  1 worker  400 rows/s
      "
    `);
  });

  it('never fills a line to its last character', () => {
    for (let width = 1; width <= 140; width++)
      for (const line of progressLines(twoDevices(), { nowMs: msAt(2000), width, paint: plain }))
        expect(line.length, `at width ${width}: ${line}`).toBeLessThan(Math.max(width, 1));
  });

  it('takes the same room with colours', () => {
    const frame = { nowMs: msAt(2000), width: 60 };
    const coloured = progressLines(twoDevices(), { ...frame, paint: newPaint(true) });
    const stripped = coloured.map(stripVTControlCharacters);
    expect(coloured).not.toEqual(stripped);
    expect(stripped).toEqual(progressLines(twoDevices(), { ...frame, paint: plain }));
  });

  it('says that the input is read before there is a plan', () => {
    const state = progressAfter(noProgress, eventAt(0, runStarted()));
    expect(progressLines(state, { nowMs: msAt(0), width: 80, paint: plain })).toEqual(['flights  reading the input …']);
  });
});
