import { type Dimension, type Setting, tuneGrid, wholeGrid } from '../../src/plan/tune-grid.ts';
import { type Found, search } from '../../src/plan/tune-search.ts';

export const present: Setting = {
  workersPerDevice: 'auto',
  intraOpThreads: 'auto',
  batchSize: 'auto',
  batchTokens: 'auto',
  readAhead: 'auto',
  graphOptimization: 'all',
};

/** What a setting comes to where `auto` is one worker a core, 1024 rows and reading ahead. */
function asRun(setting: Setting, cores: number) {
  const { workersPerDevice, intraOpThreads, batchSize, readAhead, graphOptimization } = setting;
  return {
    workers: workersPerDevice === 'auto' ? cores : workersPerDevice,
    threads: intraOpThreads === 'auto' ? 1 : intraOpThreads,
    rows: batchSize === 'auto' ? 1024 : batchSize,
    isAhead: readAhead === 'auto' || readAhead > 0,
    graph: graphOptimization,
  };
}

export interface Machine {
  readonly seed: number;
  readonly cores: number;
  /** Standard deviation of a measurement, as a share. */
  readonly noise: number;
  /** How far it slows down and speeds up meanwhile, as a share. */
  readonly drift: number;
  /** Measurements that may be made. */
  readonly budget: number;
  /** In place of what tuning tries. */
  readonly grid?: readonly Dimension[];
}

export interface Simulated {
  readonly found: Found;
  readonly measured: number;
  readonly isChanged: boolean;
  /** Of the best of the grid, without noise. */
  readonly ofBest: number;
  readonly ofPresent: number;
  /** The rates that its measurements scatter around. */
  readonly rateOf: (setting: Setting) => number;
}

/** Tunes a machine whose best batch depends on where workers are placed. */
export function tunedMachine(machine: Machine): Simulated {
  const { seed, cores, noise, drift, budget } = machine;
  const random = randomOf(seed);
  const rateOf = surfaceOf(random, cores);
  const keyOf = (setting: Setting) => JSON.stringify(asRun(setting, cores));
  const facts = { cores, hasGpu: false, batchRowsAtMost: 1e6, batchBound: 'rows' } as const;
  const { grid = tuneGrid(facts) } = machine;
  const most = Math.max(...[present, ...wholeGrid(present, grid)].map(rateOf));
  let measured = 0;
  const measure = (setting: Setting) => {
    const slowed = 1 + drift * Math.sin(measured++ / 17 + seed);
    return rateOf(setting) * slowed * Math.exp(noise * normal(random));
  };
  const steps = search({ present, grid, keyOf, costOf: (settings) => settings.length });
  let step = steps.next();
  while (step.done !== true) {
    const { settings, rounds, isConfirming } = step.value;
    const left = () => (isConfirming ? budget : 0.75 * budget) - measured;
    const rates = settings.map(() => [] as number[]);
    for (let round = 0; round < rounds; round++) {
      const order = [...settings.keys()];
      for (const index of round % 2 === 0 ? order : order.reverse()) {
        const setting = settings[index];
        if (setting !== undefined && left() >= 1) rates[index]?.push(measure(setting));
      }
    }
    step = steps.next({ rates, left: left() });
  }
  const found = step.value;
  const rate = rateOf(found.best.setting);
  return {
    found,
    measured,
    isChanged: keyOf(found.best.setting) !== keyOf(present),
    ofBest: rate / most,
    ofPresent: rate / rateOf(present),
    rateOf,
  };
}

/** Rates with a hill along batch sizes, which lies elsewhere for each placing, and some roughness. */
function surfaceOf(random: () => number, cores: number): (setting: Setting) => number {
  const [peak, width, tilt] = [2 + 12 * random(), 2 + 4 * random(), 2 * random() - 1];
  const ahead = 0.85 + 0.3 * random();
  const graphs = { all: 1, extended: 0.85 + 0.25 * random(), basic: 0.75 + 0.35 * random(), off: 0.5 };
  const salt = random();
  return (setting) => {
    const { workers, threads, rows, isAhead, graph } = asRun(setting, cores);
    const place = hashed(`${salt} ${workers} ${threads}`);
    const roughness = hashed(`${salt} ${workers} ${threads} ${rows}`);
    const off = (Math.log2(rows) - peak - tilt * Math.log2(workers / threads)) / width;
    const hill = 1 / (1 + off ** 2 / 2);
    return 1e5 * (0.5 + place / 2) * (0.9 + roughness / 10) * hill * (isAhead ? ahead : 1) * graphs[graph];
  };
}

/** From 0 to 1, the same for the same text. */
function hashed(text: string): number {
  return randomOf([...text].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 2 ** 31, 7))();
}

function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Mulberry32. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
