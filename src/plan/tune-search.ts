import { type Dimension, type Setting, wholeGrid } from './tune-grid.ts';
import { type Answer, Heats, type Trial, type Wanted } from './tune-heats.ts';
import { compared, leastNoise, median, noiseOf, type Rates } from './tune-rates.ts';

/** How many of the dimensions are searched together: the first ones, which depend on each other. */
const coupledDimensions = 2;
/** What is left of many when the others follow. */
const finalistsAtMost = 4;
const passesAtMost = 2;
/** Who is not further behind the first may be ahead of it in truth. */
const closeShare = 0.8;
const rounds = { ofSteps: 3, ofLast: 16 } as const;
const pairs = { first: 4, more: 4, most: 40 } as const;

export interface SearchOptions {
  readonly present: Setting;
  readonly grid: readonly Dimension[];
  /** Settings of one key run alike: `auto` and what it comes to. */
  readonly keyOf: (setting: Setting) => string;
  /** Of one round of settings, in the unit of what is left of the budget. */
  readonly costOf: (settings: readonly Setting[], isShort?: boolean) => number;
}

export interface Found {
  readonly best: Trial;
  readonly present: Trial;
  /** Best over present, less 1. */
  readonly gain: number;
  /** What the gain had to exceed. */
  readonly noise: number;
  readonly trials: readonly Trial[];
  /** Settings that the grid has. */
  readonly gridSize: number;
  /** The budget did not end before the search did. */
  readonly isComplete: boolean;
}

type Steps<T> = Generator<Wanted, T, Answer>;

/** A setting and the rates by which it is held against others of the same heats. */
interface Ranked {
  readonly setting: Setting;
  readonly rates: Rates;
}

/**
 * Asks for measurements, and tells what is best. Of the settings of the first two dimensions all are looked at and the
 * better ones again, until few are left; the others follow, one after the other. Until then whoever has the best median
 * is the best. Only who is to replace the present setting must be better by more than the noise, by turns.
 */
export function* search(options: SearchOptions): Steps<Found> {
  const { present, grid, keyOf } = options;
  const heats = new Heats(keyOf);
  yield* heats.run([present], { rounds: 1 });
  const finalists = heats.isComplete ? yield* coupled(heats, options) : [];
  let best = finalists[0]?.setting ?? present;
  const rivals = close(finalists)
    .slice(1)
    .map(({ setting }) => setting);
  const alternatives: Partial<Setting>[] = [];
  for (const steps of grid.slice(coupledDimensions)) {
    const found = yield* ranking(heats, options, stepsFrom(best, steps));
    best = found[0]?.setting ?? best;
    for (const { setting } of close(found).slice(1)) alternatives.push(pick(setting, steps));
  }
  const others = pick(best, grid.slice(coupledDimensions).flat());
  const last = [
    best,
    ...rivals.map((rival) => ({ ...rival, ...others })),
    ...alternatives.map((step) => ({ ...best, ...step })),
  ];
  best = (yield* race(heats, options, last)) ?? best;
  return yield* confirmed(heats, options, best);
}

function* coupled(heats: Heats, options: SearchOptions): Steps<readonly Ranked[]> {
  const { present, grid, costOf } = options;
  const dimensions = grid.slice(0, coupledDimensions);
  const settings = heats.unique([present, ...wholeGrid(present, dimensions)]);
  if (settings.length === 1) return [];
  const reserve = costOf(grid.slice(coupledDimensions).flatMap((steps) => stepsFrom(present, steps)));
  // The fewer are kept of a round, the less it costs and the more luck there is in it.
  const divisor = [2, 3, 4].find((each) => halvingCost(settings, each, costOf) + reserve <= heats.left);
  return divisor === undefined ? yield* descent(heats, options) : yield* halving(heats, settings, divisor);
}

/** Of settings that are measured round by round, the better part of each round, until few are left. */
function* halving(heats: Heats, settings: readonly Setting[], divisor: number): Steps<readonly Ranked[]> {
  let rest: readonly Ranked[] = settings.map((setting) => ({ setting, rates: [] }));
  for (let round = 0; round === 0 || (rest.length > finalistsAtMost && heats.isComplete); round++) {
    // Forth and back, so that who comes late has no disadvantage of it.
    const kept = new Set(rest.map(({ setting }) => setting));
    const inOrder = settings.filter((setting) => kept.has(setting));
    const order = round % 2 === 0 ? inOrder : inOrder.reverse();
    const rates = yield* heats.run(order, { rounds: 1, isShort: round === 0 });
    const before = new Map(rest.map((ranked) => [ranked.setting, ranked.rates]));
    const now = order.map((setting, index) => ({
      setting,
      rates: [...(before.get(setting) ?? []), ...(rates[index] ?? [])],
    }));
    rest = ranked(now).slice(0, Math.max(finalistsAtMost, Math.ceil(rest.length / divisor)));
  }
  return rest;
}

function halvingCost(settings: readonly Setting[], divisor: number, costOf: SearchOptions['costOf']): number {
  let cost = costOf(settings, true);
  let rest = settings.filter((_, index) => index % divisor === 0);
  for (; rest.length > finalistsAtMost; rest = rest.filter((_, index) => index % divisor === 0)) cost += costOf(rest);
  return cost;
}

/** Along one dimension after the other from the present setting, until nothing changes. */
function* descent(heats: Heats, options: SearchOptions): Steps<readonly Ranked[]> {
  const { present, grid, keyOf, costOf } = options;
  let found: readonly Ranked[] = [{ setting: present, rates: [] }];
  for (let pass = 0; pass < passesAtMost; pass++) {
    if (pass > 0 && heats.left < 2 * costOf(grid.flatMap((steps) => stepsFrom(present, steps)))) break;
    const before = found[0]?.setting ?? present;
    for (const steps of grid.slice(0, coupledDimensions)) {
      const from = found[0]?.setting ?? present;
      const looked = yield* heats.run(heats.unique(stepsFrom(from, steps)), { rounds: 1, isShort: true });
      const first = ranked(
        heats.unique(stepsFrom(from, steps)).map((setting, i) => ({ setting, rates: looked[i] ?? [] })),
      );
      const better = first.slice(0, finalistsAtMost).reverse();
      if (better.length === 0 || !heats.isComplete) return first.length === 0 ? found : first.slice(0, finalistsAtMost);
      const again = yield* heats.run(
        better.map(({ setting }) => setting),
        { rounds: 1 },
      );
      found = ranked(better.map(({ setting, rates }, i) => ({ setting, rates: [...rates, ...(again[i] ?? [])] })));
    }
    if (keyOf(found[0]?.setting ?? present) === keyOf(before)) break;
  }
  return found;
}

/** Settings by what they do in some rounds, as the budget has it; best first. */
function* ranking(heats: Heats, { costOf }: SearchOptions, settings: readonly Setting[]): Steps<readonly Ranked[]> {
  const unique = heats.unique(settings);
  if (unique.length < 2 || !heats.isComplete) return [];
  const payable = Math.floor(heats.left / 3 / costOf(unique));
  const rates = yield* heats.run(unique, { rounds: Math.min(rounds.ofSteps, Math.max(1, payable)) });
  return ranked(unique.map((setting, index) => ({ setting, rates: rates[index] ?? [] })));
}

/** Rounds over settings of which those that fall behind leave, until one is left or the budget is spent. */
function* race(heats: Heats, { costOf }: SearchOptions, settings: readonly Setting[]): Steps<Setting | undefined> {
  let rest: readonly Ranked[] = heats.unique(settings).map((setting) => ({ setting, rates: [] }));
  for (let round = 0; round < rounds.ofLast && rest.length > 1 && heats.isComplete; round += 2) {
    const runners = rest.map(({ setting }) => setting);
    if (heats.left < 2 * costOf(runners)) break;
    const rates = yield* heats.run(runners, { rounds: 2 });
    const now = ranked(rest.map((runner, index) => ({ ...runner, rates: [...runner.rates, ...(rates[index] ?? [])] })));
    const [first] = now;
    rest = now.filter((runner) => first === runner || first === undefined || !isBehind(runner, first, heats));
  }
  return rest[0]?.setting;
}

function isBehind(runner: Ranked, first: Ranked, { scatter }: Heats): boolean {
  const comparison = compared(first.rates, runner.rates, scatter);
  return comparison === undefined || comparison.gain > comparison.noise;
}

/** The best against the present once more, by turns; in doubt everything stays as it is. */
function* confirmed(heats: Heats, { present, keyOf, grid }: SearchOptions, best: Setting): Steps<Found> {
  const rates: [number[], number[]] = [[], []];
  const isSame = keyOf(best) === keyOf(present);
  const comparison = () => compared(...rates, heats.scatter);
  for (let more: number = pairs.first; !isSame && rates[0].length < pairs.most; more = pairs.more) {
    const [ofBest = [], ofPresent = []] = yield* heats.run([best, present], { rounds: more, isConfirming: true });
    rates[0].push(...ofBest);
    rates[1].push(...ofPresent);
    const { gain, noise } = comparison() ?? { gain: 0, noise: 0 };
    if (ofPresent.length < more || gain > noise || gain + noise <= leastNoise) break;
  }
  const { gain, noise } = comparison() ?? { gain: 0, noise: noiseOf(heats.scatter, pairs.first) };
  const isKept = !isSame && gain > noise;
  return {
    best: heats.trial(isKept ? best : present),
    present: heats.trial(present),
    gain: isKept ? gain : 0,
    noise,
    trials: heats.trials(),
    gridSize: heats.unique([present, ...wholeGrid(present, grid)]).length,
    isComplete: heats.isComplete,
  };
}

function stepsFrom(setting: Setting, steps: Dimension): readonly Setting[] {
  return [setting, ...steps.map((step) => ({ ...setting, ...step }))];
}

/** What a dimension says of a setting. */
function pick(setting: Setting, steps: Dimension): Partial<Setting> {
  const keys = new Set(steps.flatMap(Object.keys));
  return Object.fromEntries(Object.entries(setting).filter(([key]) => keys.has(key)));
}

/** Best first; who was not measured is not among them. */
function ranked(settings: readonly Ranked[]): readonly Ranked[] {
  const measured = settings.filter(({ rates }) => rates.length > 0);
  return measured.sort((a, b) => median(b.rates) - median(a.rates));
}

function close(ranked: readonly Ranked[]): readonly Ranked[] {
  const [first] = ranked;
  return first === undefined ? [] : ranked.filter(({ rates }) => median(rates) >= closeShare * median(first.rates));
}
