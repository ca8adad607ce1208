import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { newPorts } from '../../src/cli/context.ts';
import { tunedKeys, tuneGrid, wholeGrid } from '../../src/plan/tune-grid.ts';
import { median } from '../../src/plan/tune-search.ts';
import { type Bench, measureSetting } from '../../src/run/measure-setting.ts';
import { openJob, prepareJob } from '../../src/run/prepare-job.ts';
import { type Tuned, tuneJob } from '../../src/run/tune-job.ts';
import { loadSpec } from '../../src/spec/load-spec.ts';

/**
 * How near `tune` comes to the best of its grid, every setting of which is measured here, by turns:
 * `node test/bench/tune.ts SPEC JOB [rows] [budget seconds] [rounds] [settings...]`.
 */
const [path = 'jobs.example.yaml', name, rows = '10000', budget = '60', rounds = '3', ...given] = process.argv.slice(2);
const only = given.length === 0 ? undefined : tunedKeys.filter((key) => given.includes(key));
const spec = await loadSpec({ path, env: process.env });
const job = spec.jobs.find((candidate) => name === undefined || candidate.name === name);
if (job === undefined) throw new Error(`${path} has no job ${name}`);
const ports = newPorts();
const { signal } = new AbortController();
const request = { job, baseDir: resolve(spec.baseDir), locate: () => path, signal };

let tuned: Tuned | undefined;
const asked = { ...request, rows: Number(rows), budgetMs: Number(budget) * 1000, only };
for await (const event of tuneJob(ports, asked)) if (event.type === 'tuned') tuned = event;
if (tuned === undefined) throw new Error('nothing was tuned');
const { found, keyOf } = tuned;
const count = found.trials.reduce((sum, { rates }) => sum + rates.length, 0);
process.stdout.write(
  `tune: ${count} measurements in ${tuned.seconds.toFixed(0)} s, ${JSON.stringify(found.best.setting)}\n`,
);

const folder = await mkdtemp(join(tmpdir(), 'nightshift-bench-tune-'));
try {
  const devices = await ports.findDevices(job.execution.devices);
  const prepared = await prepareJob(ports, request);
  const places = { stagingFolder: folder, rejectsPath: join(folder, 'rejects.parquet') };
  const limited = { ...prepared, input: { ...prepared.input, limit: Number(rows) } };
  const { plan } = await openJob(ports, limited, places);
  const repeats = Math.max(1, Math.round(tuned.rows / plan.rowCount));
  const bench: Bench = { job, plan, devices, repeats, folder, signal };
  const grid = tuneGrid({
    cores: ports.cores,
    hasGpu: devices.some(({ kind }) => kind === 'cuda'),
    batchRowsAtMost: plan.rowCount / ports.cores,
    isBatchFixed: plan.fixedBatchRows !== undefined,
    only,
  });
  const settings = new Map(wholeGrid(found.present.setting, grid).map((setting) => [keyOf(setting), setting]));
  for (const { setting } of [found.present, found.best]) settings.set(keyOf(setting), setting);
  const rates = new Map<string, number[]>([...settings.keys()].map((key) => [key, []]));
  for (let round = 0; round < Number(rounds); round++)
    for (const [key, setting] of settings)
      rates.get(key)?.push((await measureSetting(ports, bench, setting)).rowsPerSecond);
  const sorted = [...rates].sort((a, b) => median(b[1]) - median(a[1]));
  for (const [key, measured] of sorted) {
    const marks = `${key === keyOf(found.best.setting) ? ' tuned' : ''}${key === keyOf(found.present.setting) ? ' present' : ''}`;
    process.stdout.write(
      `${Math.round(median(measured)).toLocaleString('en-US').padStart(12)} rows/s  ${key}${marks}\n`,
    );
  }
  const best = median(sorted[0]?.[1] ?? []);
  const share = median(rates.get(keyOf(found.best.setting)) ?? []) / best;
  process.stdout.write(`tuned / best of ${settings.size}: ${share.toFixed(3)}\n`);
} finally {
  await rm(folder, { recursive: true, force: true });
}
