import { AppError } from '../core/errors.ts';
import type { Setting } from '../plan/tune-grid.ts';
import type { Answer, Wanted } from '../plan/tune-heats.ts';
import { type LineUp, type Measurement, measureLineUp, resolveSetting, workersKey } from './measure-setting.ts';
import type { Ports } from './ports.ts';
import type { Sample } from './sample-job.ts';

export interface SettingMeasured {
  readonly type: 'measured';
  readonly setting: Setting;
  readonly measurement: Measurement | undefined;
  /** Why a setting cannot be used. */
  readonly failure: AppError | undefined;
  /** How much of the budget is spent, from 0 to 1. */
  readonly spent: number;
}

/** The rest of the budget is for the best and the present setting once more. */
const exploringShare = 0.65;
/** How much longer than a first look the others are. */
const longTimes = 2;

interface Tried {
  readonly measurements: readonly Measurement[];
  readonly failure: AppError | undefined;
}

/** Measures what the search wants, as long as the budget lasts. */
export class Measurer {
  readonly #ports: Ports;
  readonly #sample: Sample;
  readonly #budget: { readonly ms: number; readonly started: number };
  #count = 0;
  /** What a start of workers and a short look take, as it was of late: the machine may do other things, too. */
  #costs: { readonly start: number; readonly look: number };

  constructor(ports: Ports, sample: Sample, budget: { readonly ms: number; readonly started: number }) {
    this.#ports = ports;
    this.#costs = { start: sample.startSeconds, look: sample.lookSeconds };
    this.#sample = sample;
    this.#budget = budget;
  }

  /** Seconds of one round; each of so many workers that they share are started once. */
  costOf(settings: readonly Setting[], isShort = false): number {
    const { start, look } = this.#costs;
    const starts = new Set(settings.map((setting) => this.#workersOf(setting))).size;
    return starts * start + settings.length * look * (isShort ? 1 : longTimes);
  }

  async *measure({ settings, rounds, isShort, isConfirming }: Wanted): AsyncGenerator<SettingMeasured, Answer> {
    const rates = new Map(settings.map((setting) => [setting, [] as number[]]));
    const groups = [...Map.groupBy(settings, (setting) => this.#workersOf(setting)).values()];
    const repeats = this.#sample.repeats * (isShort ? 1 : longTimes);
    // Workers that nothing else is measured beside stay for all rounds. At last many are wanted, and starting costs most.
    const turns = groups.length === 1 ? 1 : isConfirming && rounds % 2 === 0 ? rounds / 2 : rounds;
    for (let turn = 0; turn < turns; turn++) {
      for (const group of turn % 2 === 0 ? groups : groups.toReversed()) {
        const order = turn % 2 === 0 ? group : group.toReversed();
        const each = rounds / turns;
        const payable = this.#payable(order.length * each, isShort, isConfirming);
        const lineUp = {
          settings: order.slice(0, payable),
          rounds: Math.min(each, Math.max(1, Math.floor(payable / order.length))),
          repeats,
        };
        for await (const event of this.#lineUp(lineUp)) {
          rates.get(event.setting)?.push(event.measurement?.rowsPerSecond ?? 0);
          yield event;
        }
        if (payable < order.length * each) return this.#answer(settings, rates, isConfirming);
      }
    }
    return this.#answer(settings, rates, isConfirming);
  }

  /** How many looks the rest of the budget has; the first are due, whatever they take: else there is nothing to tell. */
  #payable(looks: number, isShort: boolean, isConfirming: boolean): number {
    if (this.#count === 0) return looks;
    const { start, look } = this.#costs;
    const seconds = look * (isShort ? 1 : longTimes);
    return Math.max(0, Math.min(looks, Math.floor((this.#left(isConfirming) - start) / seconds)));
  }

  async *#lineUp(lineUp: LineUp): AsyncGenerator<SettingMeasured> {
    const { settings, rounds } = lineUp;
    const before = performance.now();
    const tried = settings.length === 0 ? [] : await this.#tried(lineUp);
    this.#learn(lineUp, tried, (performance.now() - before) / 1000);
    for (const [index, setting] of settings.entries()) {
      const { measurements, failure } = tried[index] ?? { measurements: [], failure: undefined };
      for (let round = 0; round < rounds; round++) {
        if (failure !== undefined && this.#count === 0) throw failure;
        this.#count++;
        const spent = Math.min(1, this.#elapsed() / this.#budget.ms);
        yield { type: 'measured', setting, measurement: measurements[round], failure, spent };
      }
    }
  }

  #learn({ repeats }: LineUp, tried: readonly Tried[], seconds: number): void {
    const measured = tried.flatMap(({ measurements }) => measurements.map((measurement) => measurement.seconds));
    const scoring = measured.reduce((sum, each) => sum + each, 0);
    if (measured.length === 0 || measured.length < tried.length) return;
    const look = (scoring / measured.length / repeats) * this.#sample.repeats;
    const { start, look: former } = this.#costs;
    this.#costs = { start: (start + seconds - scoring) / 2, look: (former + look) / 2 };
  }

  /** Who fails spoils the others' measurements: then each is measured alone. */
  async #tried(lineUp: LineUp): Promise<readonly Tried[]> {
    const { bench } = this.#sample;
    try {
      const measured = await measureLineUp(this.#ports, bench, lineUp);
      return measured.map((measurements) => ({ measurements, failure: undefined }));
    } catch (error) {
      bench.signal.throwIfAborted();
      if (!(error instanceof AppError)) throw error;
      if (lineUp.settings.length === 1) return [{ measurements: [], failure: error }];
      const alone: Tried[] = [];
      for (const setting of lineUp.settings) alone.push(...(await this.#tried({ ...lineUp, settings: [setting] })));
      return alone;
    }
  }

  #answer(settings: readonly Setting[], rates: ReadonlyMap<Setting, number[]>, isConfirming: boolean): Answer {
    return { rates: settings.map((setting) => rates.get(setting) ?? []), left: this.#left(isConfirming) };
  }

  #workersOf(setting: Setting): string {
    return workersKey(resolveSetting(this.#ports, this.#sample.bench, setting));
  }

  #left(isConfirming: boolean): number {
    return ((isConfirming ? 1 : exploringShare) * this.#budget.ms - this.#elapsed()) / 1000;
  }

  #elapsed(): number {
    return performance.now() - this.#budget.started;
  }
}
