import type { Dimension, Setting } from './tune-grid.ts';

/** Differences below this are within what the next measurement may say, however alike the last ones were. */
const leastNoise = 0.03;
const passesAtMost = 3;
const timesEach = 2;
const timesOfContenders = 3;
const timesToConfirm = 4;

export interface Wanted {
  readonly setting: Setting;
  /** The last ones, for which some of the budget is kept. */
  readonly isConfirming: boolean;
}

/** What a measurement said; undefined when there is no budget for it. A setting that fails has a rate of 0. */
export type Answer = { readonly rate: number } | undefined;

export interface SearchOptions {
  readonly present: Setting;
  readonly grid: readonly Dimension[];
  /** Settings of one key run alike: `auto` and what it comes to. */
  readonly keyOf: (setting: Setting) => string;
}

/** A setting and the rates that it was measured with. */
export interface Trial {
  readonly setting: Setting;
  readonly rates: readonly number[];
}

export interface Found {
  readonly best: Trial;
  readonly present: Trial;
  /** Best over present, less 1. */
  readonly gain: number;
  /** What the gain had to exceed. */
  readonly noise: number;
  readonly trials: readonly Trial[];
  /** Everything that was wanted was measured. */
  readonly isComplete: boolean;
}

/**
 * Asks for measurements, one at a time, and tells what is best. Coordinate descent from the present setting: along each
 * dimension all steps are measured twice and the best of them once more beside the one that it would replace; until
 * nothing changes. Who replaces another must be better by more than the noise.
 */
export function* search(options: SearchOptions): Generator<Wanted, Found, Answer> {
  const trials = new Trials(options);
  let best = options.present;
  let isComplete = yield* trials.measure([best], timesEach);
  for (let pass = 0, isMoving = true; isComplete && isMoving && pass < passesAtMost; pass++) {
    isMoving = false;
    for (const steps of options.grid) {
      const rivals = trials.rivalsOf(best, steps);
      if (rivals.some((rival) => trials.rates(rival).length === 0)) isComplete = yield* trials.again(best);
      isComplete &&= yield* trials.measure(rivals, timesEach);
      const [contender] = [...rivals].sort((a, b) => median(trials.rates(b)) - median(trials.rates(a)));
      if (contender === undefined || median(trials.rates(contender)) <= median(trials.rates(best))) continue;
      isComplete &&= yield* trials.measure([contender, best], timesOfContenders);
      if (!isBetter(trials.rates(contender), trials.rates(best))) continue;
      best = contender;
      isMoving = true;
    }
  }
  return yield* confirmed(trials, { ...options, best, isComplete });
}

/** The best against the present once more, by turns; in doubt everything stays as it is. */
function* confirmed(
  trials: Trials,
  { present, keyOf, best, isComplete }: SearchOptions & { readonly best: Setting; readonly isComplete: boolean },
): Generator<Wanted, Found, Answer> {
  const isSame = keyOf(best) === keyOf(present);
  if (!isSame) yield* trials.measure([best, present], timesToConfirm, true);
  const isKept = !isSame && isBetter(trials.rates(best), trials.rates(present));
  const chosen = trials.trial(isKept ? best : present);
  const before = trials.trial(present);
  return {
    best: chosen,
    present: before,
    gain: isKept ? median(chosen.rates) / median(before.rates) - 1 : 0,
    noise: noiseBetween(chosen.rates, before.rates),
    trials: trials.all(),
    isComplete,
  };
}

class Trials {
  readonly #options: SearchOptions;
  readonly #trials = new Map<string, { readonly setting: Setting; readonly rates: number[] }>();

  constructor(options: SearchOptions) {
    this.#options = options;
  }

  rates(setting: Setting): readonly number[] {
    return this.#trials.get(this.#options.keyOf(setting))?.rates ?? [];
  }

  trial(setting: Setting): Trial {
    return this.#trials.get(this.#options.keyOf(setting)) ?? { setting, rates: [] };
  }

  all(): readonly Trial[] {
    return [...this.#trials.values()];
  }

  /** The steps from a setting that run otherwise than it does, each once. */
  rivalsOf(setting: Setting, steps: Dimension): readonly Setting[] {
    const { keyOf } = this.#options;
    const rivals = new Map(steps.map((step) => ({ ...setting, ...step })).map((rival) => [keyOf(rival), rival]));
    rivals.delete(keyOf(setting));
    return [...rivals.values()];
  }

  /** Until each has so many rates, by turns, so that a machine that slows down does so for all. */
  *measure(settings: readonly Setting[], times: number, isConfirming = false): Generator<Wanted, boolean, Answer> {
    for (let round = 1; round <= times; round++) {
      for (const setting of settings) {
        const isDue = this.rates(setting).length < round;
        if (isDue && !(yield* this.again(setting, isConfirming))) return false;
      }
    }
    return true;
  }

  *again(setting: Setting, isConfirming = false): Generator<Wanted, boolean, Answer> {
    const answer = yield { setting, isConfirming };
    if (answer === undefined) return false;
    const key = this.#options.keyOf(setting);
    const trial = this.#trials.get(key) ?? { setting, rates: [] };
    trial.rates.push(answer.rate);
    this.#trials.set(key, trial);
    return true;
  }
}

/** Only what was measured twice can be better. */
function isBetter(rates: readonly number[], than: readonly number[]): boolean {
  if (rates.length < timesEach || than.length < timesEach) return false;
  return median(rates) > median(than) * (1 + noiseBetween(rates, than));
}

/** Twice the standard error of the difference, as a share. */
function noiseBetween(a: readonly number[], b: readonly number[]): number {
  const error = (rates: readonly number[]) => spreadOf(rates) ** 2 / Math.max(1, rates.length);
  return Math.max(leastNoise, 2 * Math.sqrt(error(a) + error(b)));
}

/** The range of so many values of a normal distribution, in standard deviations. */
const rangeOfNormal = [1, 1, 1.128, 1.693, 2.059, 2.326, 2.534, 2.704, 2.847, 2.97] as const;

/** The standard deviation of rates as a share of their median, told from their range: they are few. */
export function spreadOf(rates: readonly number[]): number {
  const middle = median(rates);
  if (middle === 0) return 0;
  const range = Math.max(...rates) - Math.min(...rates);
  return range / (rangeOfNormal[rates.length] ?? 3.1) / middle;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}
