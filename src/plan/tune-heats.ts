import type { Setting } from './tune-grid.ts';
import { noScatter, type Rates, type Scatter, scatterOf, sumScatter } from './tune-rates.ts';

/** Settings to be measured by turns, so that a machine that slows down does so for all. */
export interface Wanted {
  readonly settings: readonly Setting[];
  readonly rounds: number;
  /** A first look at many: a short sample will do. */
  readonly isShort: boolean;
  /** The last ones, for which some of the budget is kept. */
  readonly isConfirming: boolean;
}

export interface Answer {
  /** Of each setting, a rate a round; fewer where there was no budget for more. A setting that fails has a rate of 0. */
  readonly rates: readonly Rates[];
  /** What is left of the budget, in the unit of `costOf`; while exploring, of what may be explored with. */
  readonly left: number;
}

/** A setting and the rates that it was measured with. */
export interface Trial {
  readonly setting: Setting;
  readonly rates: Rates;
}

export interface HeatOptions {
  readonly rounds: number;
  readonly isShort?: boolean;
  readonly isConfirming?: boolean;
}

/** All that was measured, and what it says of the machine. */
export class Heats {
  readonly #keyOf: (setting: Setting) => string;
  readonly #trials = new Map<string, { readonly setting: Setting; readonly rates: number[] }>();
  #scatter: Scatter = noScatter;
  #left = 0;
  #isComplete = true;

  constructor(keyOf: (setting: Setting) => string) {
    this.#keyOf = keyOf;
  }

  get scatter(): Scatter {
    return this.#scatter;
  }

  get left(): number {
    return this.#left;
  }

  /** Everything that was wanted was measured. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  trial(setting: Setting): Trial {
    return this.#trials.get(this.#keyOf(setting)) ?? { setting, rates: [] };
  }

  trials(): readonly Trial[] {
    return [...this.#trials.values()];
  }

  /** Settings that run alike once, under the first of their names. */
  unique(settings: readonly Setting[]): readonly Setting[] {
    const byKey = new Map<string, Setting>();
    for (const setting of settings) if (!byKey.has(this.#keyOf(setting))) byKey.set(this.#keyOf(setting), setting);
    return [...byKey.values()];
  }

  *run(settings: readonly Setting[], options: HeatOptions): Generator<Wanted, readonly Rates[], Answer> {
    const { rounds, isShort = false, isConfirming = false } = options;
    const { rates, left } = yield { settings, rounds, isShort, isConfirming };
    this.#left = left;
    this.#isComplete &&= settings.every((_, index) => rates[index]?.length === rounds);
    this.#scatter = sumScatter(this.#scatter, scatterOf(rates));
    for (const [index, setting] of settings.entries()) {
      const key = this.#keyOf(setting);
      const trial = this.#trials.get(key) ?? { setting, rates: [] };
      trial.rates.push(...(rates[index] ?? []));
      if (trial.rates.length > 0) this.#trials.set(key, trial);
    }
    return rates;
  }
}
