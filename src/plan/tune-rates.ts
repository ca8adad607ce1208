/** Differences below this are within what the next measurement may say, however alike the last ones were. */
export const leastNoise = 0.03;

/** Rates of one setting, in the order in which they were measured. */
export type Rates = readonly number[];

/** What measurements that were taken by turns tell of how far one of them is off: a sum of squares of logarithms. */
export interface Scatter {
  readonly squares: number;
  /** How many independent differences are in the sum. */
  readonly count: number;
}

export const noScatter: Scatter = { squares: 0, count: 0 };

export function sumScatter(a: Scatter, b: Scatter): Scatter {
  return { squares: a.squares + b.squares, count: a.count + b.count };
}

/** What neither the setting nor the round explains: a machine that slows down does so for all of a round. */
export function scatterOf(heat: readonly Rates[]): Scatter {
  const logs = logsOf(heat);
  const rounds = Math.min(...logs.map(({ length }) => length));
  if (logs.length < 2 || rounds < 2) return noScatter;
  const whole = logs.map((rates) => rates.slice(0, rounds));
  const ofRounds = Array.from({ length: rounds }, (_, round) => mean(whole.map((rates) => rates[round] ?? 0)));
  const all = mean(ofRounds);
  const squares = whole.flatMap((rates) => {
    const ofSetting = mean(rates);
    return rates.map((rate, round) => (rate - ofSetting - (ofRounds[round] ?? 0) + all) ** 2);
  });
  return { squares: squares.reduce((sum, square) => sum + square, 0), count: (logs.length - 1) * (rounds - 1) };
}

export interface Comparison {
  /** By how much the first is faster than the second, as a share. */
  readonly gain: number;
  /** What the gain has to exceed; the less is known of the scatter, the more. */
  readonly noise: number;
}

/** Of two settings that were measured by turns; undefined where one of them failed or was measured less than twice. */
export function compared(a: Rates, b: Rates, scatter: Scatter): Comparison | undefined {
  const pairs = a.slice(0, b.length).map((rate, round) => Math.log(rate / (b[round] ?? 0)));
  if (pairs.length < 2 || !pairs.every(Number.isFinite)) return undefined;
  return { gain: Math.expm1(mean(middleHalf(pairs))), noise: noiseOf(scatter, pairs.length) };
}

/** What is within the scatter when settings are measured so many times by turns. */
export function noiseOf({ squares, count }: Scatter, rounds: number): number {
  if (count === 0) return Number.POSITIVE_INFINITY;
  const errors = 2 * (1 + 5 / count);
  return Math.max(leastNoise, Math.expm1(errors * Math.sqrt(squares / count) * Math.sqrt(2 / rounds)));
}

function logsOf(heat: readonly Rates[]): readonly Rates[] {
  return heat.filter((rates) => rates.every((rate) => rate > 0)).map((rates) => rates.map(Math.log));
}

/** Without the highest and the lowest quarter, which may have been luck, or somebody else's load. */
function middleHalf(values: Rates): Rates {
  const quarter = Math.floor(values.length / 4);
  return values.toSorted((a, b) => a - b).slice(quarter, values.length - quarter);
}

function mean(values: Rates): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

/** The range of so many values of a normal distribution, in standard deviations. */
const rangeOfNormal = [1, 1, 1.128, 1.693, 2.059, 2.326, 2.534, 2.704, 2.847, 2.97] as const;

/** The standard deviation of rates as a share of their median, told from their range: they are few. */
export function spreadOf(rates: Rates): number {
  const middle = median(rates);
  if (middle === 0) return 0;
  const range = Math.max(...rates) - Math.min(...rates);
  return range / (rangeOfNormal[rates.length] ?? 3.1) / middle;
}

export function median(values: Rates): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}
