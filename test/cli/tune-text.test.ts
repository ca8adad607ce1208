import { describe, expect, it } from 'vitest';
import { tuneJson, tuneText } from '../../src/cli/tune-text.ts';
import type { Setting } from '../../src/plan/tune-grid.ts';
import type { Rates } from '../../src/plan/tune-rates.ts';
import { present } from '../plan/simulated-machine.ts';

const timings = { total: 2, read: 0, prepare: 0, pack: 0, session: 1, predict: 0, write: 1 };
const keyOf = (setting: Setting) => JSON.stringify(setting);

interface Measured {
  readonly setting: Partial<Setting>;
  readonly rates: Rates;
  readonly isPeakShared?: boolean;
}

/** What came of settings of which the first is the present one, and another may be the best. */
function shownTuning(measured: readonly Measured[], found: { best?: number; noise?: number; complete?: boolean } = {}) {
  const trials = measured.map(({ setting, rates }) => ({ setting: { ...present, ...setting }, rates }));
  const none = { setting: present, rates: [] };
  const [first = none] = trials;
  const { best = 0, noise = 0.05, complete = true } = found;
  const gain = best === 0 ? 0 : 0.2;
  const measurements = new Map(
    trials.map(({ setting, rates }, index) => {
      const rowsPerSecond = rates[0] ?? 0;
      const { isPeakShared = false } = measured[index] ?? {};
      const counts = { rowsOut: 9, rejectedRows: 0, firstReject: undefined };
      const rest = {
        seconds: 1,
        peakBytes: 2 ** 20,
        isPeakShared,
        batch: { batchRows: 64 },
        workers: 1,
        timings,
        ...counts,
      };
      return [keyOf(setting), { rowsPerSecond, ...rest }];
    }),
  );
  const tuned = {
    found: {
      best: trials[best] ?? none,
      present: first,
      gain,
      noise,
      trials,
      gridSize: trials.length,
      isComplete: complete,
    },
    ...{ rows: 600, seconds: 60, measurements, keyOf },
  };
  return { job: 'flights', tuned, change: undefined, isWritten: false };
}

const text = (...given: Parameters<typeof shownTuning>) => tuneText(shownTuning(...given), (_style, shown) => shown);
const four = [100, 101, 102, 100];
/** Looked at in a good moment. */
const lucky = { setting: { batchSize: 16 }, rates: [150] };
const better = { setting: { batchSize: 256 }, rates: four.map((rate) => rate * 1.2) };

describe('the text of tuning', () => {
  it('tells no spread of a setting that was measured once', () => {
    const shown = text([{ setting: {}, rates: four }, lucky]);
    expect(shown).toMatch(/^ {2}auto × auto +16 .* 150 {2,}█/m);
    expect(shown).toMatch(/^\* auto × auto +auto .* 101 ± 1 %/m);
    const { settings } = JSON.parse(tuneJson(shownTuning([{ setting: {}, rates: four }, lucky])));
    expect(settings.map(({ spread }: { spread?: number }) => spread === undefined)).toEqual([false, true]);
  });

  it('begins with what was chosen, and says why a higher figure was not', () => {
    const shown = text([{ setting: {}, rates: four }, lucky, better], { best: 2 });
    expect(shown.split('\n').slice(3, 6)).toEqual([
      expect.stringMatching(/^\* auto × auto +256 /),
      expect.stringMatching(/^ {2}auto × auto +16 /),
      expect.stringMatching(/^ {2}auto × auto +auto /),
    ]);
    const why = 'of another moment of the machine: measured by turns, ';
    expect(shown).toContain(`\n1 setting has a higher figure, ${why}it was not ahead of the first\n`);
    expect(text([{ setting: {}, rates: four }, better, lucky])).toContain(
      `\n2 settings have higher figures, ${why}none was ahead of the first by more than the noise\n`,
    );
    expect(text([{ setting: {}, rates: four }, better], { best: 1 })).not.toContain('higher figure');
    const order = JSON.parse(
      tuneJson(shownTuning([{ setting: {}, rates: four }, lucky, better], { best: 2 })),
    ).settings;
    expect(order.map(({ setting }: { setting: Setting }) => setting.batchSize)).toEqual([256, 16, 'auto']);
  });

  it('says what more budget is for where every setting was measured', () => {
    const none = { noise: Number.POSITIVE_INFINITY, complete: false };
    expect(text([{ setting: {}, rates: four }, lucky], none)).toContain(
      'the budget ended when each of the 2 settings had been measured, but not often enough to tell them apart: give it --budget 5m\n',
    );
  });

  it('does not speak of time where there is nothing to choose from', () => {
    const shown = text([{ setting: {}, rates: [100] }], { noise: Number.POSITIVE_INFINITY });
    expect(shown).toContain('\nthe present setting stays: there is no other to hold against it\n');
  });

  it('says of which settings the memory is that of workers which scored in others, too', () => {
    const shared = 'memory with ≤ is of workers that scored in batches of other sizes, too';
    const shown = text([
      { setting: {}, rates: four },
      { ...lucky, isPeakShared: true },
    ]);
    expect(shown).toMatch(/^\* .* {2}1\.0 MiB/m);
    expect(shown).toMatch(/^ {2}.* {2}≤ 1\.0 MiB/m);
    expect(shown).toContain(`\n${shared}\n`);
    expect(text([{ setting: {}, rates: four }, lucky])).not.toContain(shared);
    const { settings } = JSON.parse(tuneJson(shownTuning([{ setting: {}, rates: four, isPeakShared: true }])));
    expect(settings).toMatchObject([{ peakBytes: 2 ** 20, peakShared: true }]);
  });
});
