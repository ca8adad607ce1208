import type { Setting } from '../plan/tune-grid.ts';
import type { Trial } from '../plan/tune-heats.ts';
import { median, type Rates, spreadOf } from '../plan/tune-rates.ts';
import type { Measurement } from '../run/measure-setting.ts';
import { changesTo, type Tuned } from '../run/tune-job.ts';
import { aligned, bytesText, countText, pluralText } from './aligned.ts';
import type { Paint } from './colour.ts';
import { durationText } from './duration-text.ts';
import { sharesText } from './times-text.ts';
import { lineDiff, type SpecChange } from './tune-write.ts';

/** What is told of tuning. */
type TuningFacts = Omit<Tuned, 'sample' | 'grid'>;

export interface ShownTuning {
  readonly job: string;
  readonly tuned: TuningFacts;
  /** What is written, or would be. */
  readonly change: SpecChange | undefined;
  readonly isWritten: boolean;
}

const chartWidth = 16;
const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'] as const;

/** `auto × 1, batch 256, ahead 0, all`. */
export function settingText(setting: Setting): string {
  const { workersPerDevice, intraOpThreads, readAhead, graphOptimization } = setting;
  return `${workersPerDevice} × ${intraOpThreads}, batch ${sizeText(setting)}, ahead ${readAhead}, ${graphOptimization}`;
}

function sizeText({ batchSize, batchTokens }: Setting): string {
  const rows = batchSize === 'auto' ? undefined : String(batchSize);
  const tokens = batchTokens === 'auto' ? undefined : pluralText(batchTokens, 'token');
  return [rows, tokens].filter((text) => text !== undefined).join(', ') || 'auto';
}

/** What was measured, what is chosen first and then the fastest, why, and what holds the job up. */
export function tuneText({ job, tuned, change, isWritten }: ShownTuning, paint: Paint): string {
  const { found, seconds } = tuned;
  const { trials, gridSize } = found;
  const count = trials.reduce((sum, { rates }) => sum + rates.length, 0);
  const tried = `${countText(trials.length)} of ${pluralText(gridSize, 'setting')}`;
  const head = `${paint('bold', job)}  ${pluralText(count, 'measurement')} of ${tried} in ${durationText(seconds)}`;
  const sentences = [
    found.isComplete ? undefined : endedText(tuned),
    gainText(tuned),
    higherText(tuned),
    ...noteTexts(tuned),
    isWritten && change !== undefined ? `written to ${change.path}` : undefined,
  ].filter((sentence) => sentence !== undefined);
  return `${head}\n\n${tableText(tuned)}\n${sentences.map((sentence) => `${sentence}\n`).join('')}`;
}

function endedText({ found, seconds }: TuningFacts): string {
  const { trials, gridSize } = found;
  if (trials.length === gridSize)
    return `the budget ended when each of the ${pluralText(gridSize, 'setting')} had been measured, but not often enough to tell them apart: give it ${moreBudget(seconds)}`;
  return `the budget ended when ${countText(trials.length)} of ${pluralText(gridSize, 'setting')} had been measured: give it ${moreBudget(seconds)}`;
}

function moreBudget(seconds: number): string {
  return `--budget ${Math.max(5, Math.ceil((2 * seconds) / 60))}m`;
}

/** What is chosen, which others may be above in a single figure, and then the fastest first. */
function inOrder({ found, keyOf }: TuningFacts): readonly Trial[] {
  const isBest = ({ setting }: Trial) => keyOf(setting) === keyOf(found.best.setting);
  const others = found.trials.filter((trial) => !isBest(trial));
  return [...found.trials.filter(isBest), ...others.sort((a, b) => median(b.rates) - median(a.rates))];
}

function tableText(tuned: TuningFacts): string {
  const { found, measurements, keyOf } = tuned;
  const trials = inOrder(tuned);
  const measured = (trial: Trial) => measurements.get(keyOf(trial.setting));
  const most = {
    rate: Math.max(...trials.map(({ rates }) => median(rates))),
    bytes: Math.max(...trials.map((trial) => measured(trial)?.peakBytes ?? 0)),
  };
  const lines = trials.map((trial) => {
    const { setting, rates } = trial;
    const { peakBytes = 0, isPeakShared = false, batch } = measured(trial) ?? {};
    const rate = median(rates);
    const size = sizeText(setting);
    const mark = keyOf(setting) === keyOf(found.best.setting) ? '*' : ' ';
    const name = keyOf(setting) === keyOf(found.present.setting) ? 'present' : '';
    return [
      `${mark} ${setting.workersPerDevice} × ${setting.intraOpThreads}`,
      size === 'auto' && batch !== undefined ? `auto (${batch.batchTokens ?? batch.batchRows})` : size,
      String(setting.readAhead),
      setting.graphOptimization,
      rateText(rates),
      barText(rate / most.rate),
      `${isPeakShared ? '≤ ' : ''}${bytesText(peakBytes)}`,
      barText(peakBytes / most.bytes),
      name,
    ];
  });
  const head = ['  workers × threads', 'batch', 'ahead', 'graph', 'rows/s', '', 'memory', '', ''];
  return aligned([head, ...lines], { indent: 0 });
}

/** One measurement has no spread. */
function rateText(rates: Rates): string {
  const rate = median(rates);
  if (rate === 0) return 'failed';
  const spread = rates.length < 2 ? '' : ` ± ${Math.ceil(spreadOf(rates) * 100)} %`;
  return `${countText(Math.round(rate))}${spread}`;
}

function barText(share: number): string {
  if (!Number.isFinite(share) || share <= 0) return '';
  const parts = Math.max(1, Math.round(share * chartWidth * 8));
  return '█'.repeat(Math.floor(parts / 8)) + (eighths[parts % 8] ?? '');
}

function gainText({ found }: TuningFacts): string {
  if (found.gridSize === 1) return 'the present setting stays: there is no other to hold against it';
  if (!Number.isFinite(found.noise)) return 'the present setting stays: there was no time to hold others against it';
  const noise = found.noise > 1 ? 'more than 100 %' : `${(found.noise * 100).toFixed(0)} %`;
  const changes = Object.entries(changesTo(found.best.setting, found.present.setting));
  if (changes.length === 0) return `the present setting stays: nothing is faster by more than the noise of ${noise}`;
  const written = changes.map(([key, value]) => `${key}: ${value}`).join(', ');
  return `${(found.gain * 100).toFixed(0)} % faster than the present setting, with a noise of ${noise}: execution: { ${written} }`;
}

/** Why what has a higher figure is not chosen: a machine is not as fast at all times. */
function higherText({ found }: TuningFacts): string | undefined {
  const { best, trials, noise, gain } = found;
  const count = trials.filter(({ rates }) => median(rates) > median(best.rates)).length;
  if (count === 0 || !Number.isFinite(noise)) return undefined;
  const [have, who] = count === 1 ? ['has a higher figure', 'it was not'] : ['have higher figures', 'none was'];
  const by = gain > 0 ? '' : ' by more than the noise';
  return `${pluralText(count, 'setting')} ${have}, of another moment of the machine: measured by turns, ${who} ahead of the first${by}`;
}

function noteTexts({ found, measurements, keyOf }: TuningFacts): readonly string[] {
  const best = measurements.get(keyOf(found.best.setting));
  const changes = changesTo(found.best.setting, found.present.setting);
  const level =
    'graphOptimization' in changes
      ? ['graphOptimization changes the last bits of predictions: an unfinished run cannot be gone on with']
      : [];
  const isShared = found.trials.some(({ setting }) => measurements.get(keyOf(setting))?.isPeakShared === true);
  return [
    ...(isShared ? ['memory with ≤ is of workers that scored in batches of other sizes, too'] : []),
    ...(best === undefined ? [] : [limitText(best)]),
    ...level,
  ];
}

/** What a job's time goes to, and what the rest could give at most. */
function limitText({ timings }: Measurement): string {
  const shares = sharesText(timings);
  if (timings.session <= 0) return `of the workers' time ${shares}`;
  const rest = timings.total / timings.session;
  return `of the workers' time ${shares}; were ONNX Runtime all, it would be ${rest.toFixed(rest < 10 ? 2 : 0)} times as fast`;
}

export function tuneJson({ job, tuned, change, isWritten }: ShownTuning): string {
  const { found, rows, seconds, measurements, keyOf } = tuned;
  const shown = ({ setting, rates }: Trial) => {
    const measurement = measurements.get(keyOf(setting));
    const { peakBytes, isPeakShared, batch, workers, timings } = measurement ?? {};
    return {
      setting,
      rowsPerSecond: median(rates),
      rates,
      spread: rates.length < 2 ? undefined : spreadOf(rates),
      peakBytes,
      peakShared: isPeakShared,
      ...batch,
      workers,
      timings,
    };
  };
  const document = {
    v: 1,
    job,
    rows,
    seconds,
    complete: found.isComplete,
    measuredSettings: found.trials.length,
    gridSettings: found.gridSize,
    hint: found.isComplete ? undefined : `give it ${moreBudget(seconds)}`,
    present: shown(found.present),
    best: shown(found.best),
    gain: found.gain,
    noise: found.noise,
    changes: changesTo(found.best.setting, found.present.setting),
    settings: inOrder(tuned).map(shown),
    diff: change === undefined ? undefined : lineDiff(change),
    written: isWritten,
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}
