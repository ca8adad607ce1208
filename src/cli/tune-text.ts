import type { Setting } from '../plan/tune-grid.ts';
import type { Trial } from '../plan/tune-heats.ts';
import { median, spreadOf } from '../plan/tune-rates.ts';
import type { Measurement } from '../run/measure-setting.ts';
import { changesTo, type Tuned } from '../run/tune-job.ts';
import { aligned, bytesText, countText, pluralText } from './aligned.ts';
import type { Paint } from './colour.ts';
import { durationText } from './duration-text.ts';
import { sharesText } from './times-text.ts';
import { lineDiff, type SpecChange } from './tune-write.ts';

export interface ShownTuning {
  readonly job: string;
  readonly tuned: Tuned;
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

/** What was measured, fastest first, what is best, and what holds the job up. */
export function tuneText({ job, tuned, change, isWritten }: ShownTuning, paint: Paint): string {
  const { found, seconds } = tuned;
  const { trials, gridSize } = found;
  const count = trials.reduce((sum, { rates }) => sum + rates.length, 0);
  const tried = `${countText(trials.length)} of ${pluralText(gridSize, 'setting')}`;
  const head = `${paint('bold', job)}  ${pluralText(count, 'measurement')} of ${tried} in ${durationText(seconds)}`;
  const sentences = [
    found.isComplete ? undefined : endedText(tuned),
    gainText(tuned),
    ...noteTexts(tuned),
    isWritten && change !== undefined ? `written to ${change.path}` : undefined,
  ].filter((sentence) => sentence !== undefined);
  return `${head}\n\n${tableText(tuned)}\n${sentences.map((sentence) => `${sentence}\n`).join('')}`;
}

function endedText({ found, seconds }: Tuned): string {
  const { trials, gridSize } = found;
  return `the budget ended when ${countText(trials.length)} of ${pluralText(gridSize, 'setting')} had been measured: give it ${moreBudget(seconds)}`;
}

function moreBudget(seconds: number): string {
  return `--budget ${Math.max(5, Math.ceil((2 * seconds) / 60))}m`;
}

function tableText({ found, measurements, keyOf }: Tuned): string {
  const trials = [...found.trials].sort((a, b) => median(b.rates) - median(a.rates));
  const measured = (trial: Trial) => measurements.get(keyOf(trial.setting));
  const most = {
    rate: Math.max(...trials.map(({ rates }) => median(rates))),
    bytes: Math.max(...trials.map((trial) => measured(trial)?.peakBytes ?? 0)),
  };
  const lines = trials.map((trial) => {
    const { setting, rates } = trial;
    const { peakBytes = 0, batch } = measured(trial) ?? {};
    const rate = median(rates);
    const size = sizeText(setting);
    const mark = keyOf(setting) === keyOf(found.best.setting) ? '*' : ' ';
    const name = keyOf(setting) === keyOf(found.present.setting) ? 'present' : '';
    return [
      `${mark} ${setting.workersPerDevice} × ${setting.intraOpThreads}`,
      size === 'auto' && batch !== undefined ? `auto (${batch.batchTokens ?? batch.batchRows})` : size,
      String(setting.readAhead),
      setting.graphOptimization,
      rate === 0 ? 'failed' : `${countText(Math.round(rate))} ± ${Math.ceil(spreadOf(rates) * 100)} %`,
      barText(rate / most.rate),
      bytesText(peakBytes),
      barText(peakBytes / most.bytes),
      name,
    ];
  });
  const head = ['  workers × threads', 'batch', 'ahead', 'graph', 'rows/s', '', 'memory', '', ''];
  return aligned([head, ...lines], { indent: 0 });
}

function barText(share: number): string {
  if (!Number.isFinite(share) || share <= 0) return '';
  const parts = Math.max(1, Math.round(share * chartWidth * 8));
  return '█'.repeat(Math.floor(parts / 8)) + (eighths[parts % 8] ?? '');
}

function gainText({ found }: Tuned): string {
  if (!Number.isFinite(found.noise)) return 'the present setting stays: there was no time to hold others against it';
  const noise = found.noise > 1 ? 'more than 100 %' : `${(found.noise * 100).toFixed(0)} %`;
  const changes = Object.entries(changesTo(found.best.setting, found.present.setting));
  if (changes.length === 0) return `the present setting stays: nothing is faster by more than the noise of ${noise}`;
  const written = changes.map(([key, value]) => `${key}: ${value}`).join(', ');
  return `${(found.gain * 100).toFixed(0)} % faster than the present setting, with a noise of ${noise}: execution: { ${written} }`;
}

function noteTexts({ found, measurements, keyOf }: Tuned): readonly string[] {
  const best = measurements.get(keyOf(found.best.setting));
  const changes = changesTo(found.best.setting, found.present.setting);
  const level =
    'graphOptimization' in changes
      ? ['graphOptimization changes the last bits of predictions: an unfinished run cannot be gone on with']
      : [];
  return [...(best === undefined ? [] : [limitText(best)]), ...level];
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
    const { peakBytes, batch, workers, timings } = measurement ?? {};
    return {
      setting,
      rowsPerSecond: median(rates),
      rates,
      spread: spreadOf(rates),
      peakBytes,
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
    settings: found.trials.map(shown),
    diff: change === undefined ? undefined : lineDiff(change),
    written: isWritten,
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}
