import { resolve } from 'node:path';
import { newPorts } from '../../src/cli/context.ts';
import { settingText } from '../../src/cli/tune-text.ts';
import { type Setting, type TunedKey, wholeGrid } from '../../src/plan/tune-grid.ts';
import { median } from '../../src/plan/tune-rates.ts';
import { Measurer } from '../../src/run/measure-wanted.ts';
import { type Tuned, tuneJob } from '../../src/run/tune-job.ts';
import { loadSpec } from '../../src/spec/load-spec.ts';
import { print, row, thousands } from './report.ts';

export interface TuneBench {
  /** A spec and, unless it has one only, its job. */
  readonly path: string;
  readonly job: string | undefined;
  readonly rows: number | 'auto';
  readonly budgetSeconds: number;
  readonly rounds: number;
  readonly only?: readonly TunedKey[] | undefined;
}

/** Of the grid's settings, one in so many is measured again after each was looked at once. */
const keptShare = 4;
/** So many of the best are held against the tuned one at last. */
const leaders = 3;
const roundsOfLast = 6;

const ports = newPorts();

/** How near `tune` comes to the best of its grid, every setting of which is measured here, by turns. */
export async function tuneShare({ path, job: name, rows, budgetSeconds, rounds, only }: TuneBench): Promise<void> {
  const spec = await loadSpec({ path, env: process.env });
  const job = spec.jobs.find((candidate) => name === undefined || candidate.name === name);
  if (job === undefined) throw new Error(`${path} has no job ${name}`);
  const { signal } = new AbortController();
  const request = { job, baseDir: resolve(spec.baseDir), locate: () => path, signal };
  print(`\n${job.name}: tuned in ${budgetSeconds} s, against all of its grid`);
  // While this event is seen, the sample's folder is still there.
  for await (const event of tuneJob(ports, { ...request, rows, budgetMs: budgetSeconds * 1000, only }))
    if (event.type === 'tuned') await holdAgainstGrid(event, rounds);
}

async function holdAgainstGrid({ found, keyOf, sample, grid, seconds }: Tuned, rounds: number): Promise<void> {
  const started = performance.now();
  const measurer = new Measurer(ports, sample, { ms: Number.POSITIVE_INFINITY, started });
  const { best, present } = found;
  const count = found.trials.reduce((sum, { rates }) => sum + rates.length, 0);
  row('measurements of tune', `${count} of ${found.trials.length} settings in ${seconds.toFixed(0)} s`);
  row('tuned', settingText(best.setting));
  const unique = (settings: readonly Setting[]) => [
    ...new Map(settings.map((setting) => [keyOf(setting), setting])).values(),
  ];
  const ratesOf = async (settings: readonly Setting[], times: number) => {
    const isShort = times === 1;
    const measuring = measurer.measure({ settings, rounds: times, isShort, isConfirming: true });
    let step = await measuring.next();
    while (step.done !== true) step = await measuring.next();
    const { rates } = step.value;
    const measured = settings.map((setting, index) => ({ setting, rate: median(rates[index] ?? []) }));
    return measured.sort((a, b) => b.rate - a.rate);
  };
  const all = unique([...wholeGrid(present.setting, grid), present.setting, best.setting]);
  const looked = await ratesOf(all, 1);
  const better = looked.slice(0, Math.ceil(all.length / keptShare)).map(({ setting }) => setting);
  const again = await ratesOf(unique([...better, present.setting, best.setting]), rounds);
  const first = again.slice(0, leaders).map(({ setting }) => setting);
  // Who is first of many had luck as well: the last rounds are new for all, and enough to tell a few percent apart.
  const last = await ratesOf(unique([...first, present.setting, best.setting]), roundsOfLast * rounds);
  const rateOf = (wanted: Setting) => last.find(({ setting }) => keyOf(setting) === keyOf(wanted))?.rate ?? 0;
  for (const { setting, rate } of last) {
    const marks = [best, present].map((trial) => keyOf(trial.setting) === keyOf(setting));
    row(settingText(setting), `${thousands(rate)} rows/s${marks[0] ? ', tuned' : ''}${marks[1] ? ', present' : ''}`);
  }
  row('the grid took', `${((performance.now() - started) / 1000).toFixed(0)} s`);
  row('tuned / present', (rateOf(best.setting) / rateOf(present.setting)).toFixed(3));
  row(`tuned / best of ${all.length}`, (rateOf(best.setting) / (last[0]?.rate ?? 0)).toFixed(3));
}
