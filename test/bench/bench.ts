import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { execa, execaNode } from 'execa';
import { glob } from 'tinyglobby';
import { stateFolder } from '../house/state-folder.ts';
import { type BenchSet, flights, mlp } from './data.ts';
import { scoreImages } from './images.ts';
import { cpuSeconds, sampleProcesses } from './memory.ts';
import { median, megabytes, print, row, thousands } from './report.ts';
import { embedTexts } from './text.ts';
import { readPeerNames } from './text-peers.ts';
import { tuneShare } from './tune-share.ts';

/**
 * Ratios of one run of one machine: end to end (start-up, reading, scoring, writing, publishing) against raw ONNX
 * Runtime on tensors in memory, same processes and threads, taken in turn. Never an absolute time as an assertion.
 * NIGHTSHIFT_BENCH_PYTHON names a Python with pyarrow and onnxruntime, to be measured beside; `text --peers ray,spark`
 * measures those too, where it has them.
 */
const bin = resolve(import.meta.dirname, '../../bin/nightshift.js');
const workers = availableParallelism();
process.env['XDG_STATE_HOME'] = stateFolder();
const rounds = Number(process.env['BENCH_ROUNDS'] ?? 3);
const python = process.env['NIGHTSHIFT_BENCH_PYTHON'];

const { positionals: wanted, values: flags } = parseArgs({
  allowPositionals: true,
  options: { peers: { type: 'string', default: '' } },
});
const peers = readPeerNames(flags.peers);

const parts: Readonly<Record<string, (folder: string) => Promise<void>>> = {
  ...{ throughput, grid, cold, memory, soak, tune },
  text: (folder) => embedTexts({ bin, folder, rounds, python, cores: workers }, peers),
  images: (folder) => scoreImages({ bin, folder, rounds, python, cores: workers }),
};
/** They fetch or make a lot first, or take long. */
const onDemand = ['text', 'images', 'tune'];
const folder = await mkdtemp(join(tmpdir(), 'nightshift-bench-run-'));
print(
  `${cpus()[0]?.model.trim()}, ${workers} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}; medians of ${rounds} rounds`,
);
try {
  for (const [name, part] of Object.entries(parts))
    if (wanted.length === 0 ? !onDemand.includes(name) : wanted.includes(name)) await part(folder);
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function throughput(): Promise<void> {
  for (const set of [await flights(), await mlp(5_000_000)]) {
    const raw: number[] = [];
    const ours: number[] = [];
    const peer: number[] = [];
    const parent: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const run = await nightshift(set, {});
      ours.push(run.rows / run.wallSeconds);
      parent.push(run.parentShare);
      raw.push(await rawRate(set, run.rows, run.batchRows));
      if (python !== undefined) peer.push(run.rows / (await pythonSeconds(set, python)));
    }
    print(`\n${set.name}: end to end, ${workers} workers × 1 thread`);
    row('nightshift / raw ONNX Runtime', median(ours.map((rate, index) => rate / (raw[index] ?? 0))).toFixed(2));
    if (peer.length > 0)
      row('nightshift / Python process pool', median(ours.map((rate, index) => rate / (peer[index] ?? 0))).toFixed(2));
    row('nightshift, rows/s', thousands(median(ours)));
    row('raw, rows/s', thousands(median(raw)));
    if (peer.length > 0) row('Python pool, rows/s', thousands(median(peer)));
    row("parent's CPU while shards are scored", `${(median(parent) * 100).toFixed(1)} %`);
  }
}

/** `auto` against each fixed batch size, and against read-ahead on and off. */
async function grid(): Promise<void> {
  for (const set of [await flights(), await mlp(5_000_000)]) {
    const settings: Readonly<Record<string, readonly string[]>> = {
      auto: [],
      ...Object.fromEntries(
        [256, 1024, 4096, 16_384].flatMap((size) =>
          [0, 2].map((ahead) => [
            `${size}, readAhead ${ahead}`,
            [`execution.batchSize=${size}`, `execution.readAhead=${ahead}`],
          ]),
        ),
      ),
    };
    const rates = new Map<string, number[]>();
    for (let round = 0; round < rounds; round++) {
      for (const [name, overrides] of Object.entries(settings)) {
        const run = await nightshift(set, { overrides });
        rates.set(name, [...(rates.get(name) ?? []), run.rows / run.wallSeconds]);
      }
    }
    const medians = [...rates].map(([name, values]) => ({ name, rate: median(values) }));
    const auto = medians.find(({ name }) => name === 'auto')?.rate ?? 0;
    const best = medians.filter(({ name }) => name !== 'auto').reduce((a, b) => (b.rate > a.rate ? b : a));
    print(`\n${set.name}: automatic batch and read-ahead`);
    row(`auto / best fixed (${best.name})`, (auto / best.rate).toFixed(2));
    for (const { name, rate } of medians) row(name, `${thousands(rate)} rows/s`);
  }
}

async function tune(): Promise<void> {
  const path = resolve(import.meta.dirname, '../../jobs.example.yaml');
  for (const job of ['late-flights', 'digits', 'glosses'])
    await tuneShare({
      path,
      job,
      rows: 'auto',
      budgetSeconds: Number(process.env['BENCH_TUNE_BUDGET'] ?? 120),
      rounds,
    });
}

async function cold(): Promise<void> {
  const set = await flights();
  const seconds: number[] = [];
  for (let round = 0; round < Math.max(rounds, 5); round++)
    seconds.push((await nightshift(set, { overrides: ['input.limit=1'] })).wallSeconds);
  print('\none row, cold: exec to published');
  row('seconds', median(seconds).toFixed(2));
}

async function memory(): Promise<void> {
  print('\npeak resident memory of a worker');
  for (const limit of [1_000_000, 5_000_000]) {
    const run = await nightshift(await flights(), { overrides: [`input.limit=${limit}`], sample: true });
    row(`${thousands(run.rows)} rows`, megabytes(run.peakWorkerBytes));
  }
}

/** Some 79,000 batches in one worker: does its memory still grow when it has long been warm? */
async function soak(): Promise<void> {
  const overrides = ['execution.batchSize=64', 'execution.workersPerDevice=1'];
  const { rows, workerBytes } = await nightshift(await flights(), { overrides, sample: true });
  const batches = rows / 64;
  const warm = workerBytes.slice(Math.floor(workerBytes.length / 3), -2);
  const third = Math.max(1, Math.floor(warm.length / 3));
  const [early, late] = [median(warm.slice(0, third)), median(warm.slice(-third))];
  print(`\nsoak: ${thousands(batches)} batches in one worker`);
  row('resident memory, when warm and at the end', `${megabytes(early)} and ${megabytes(late)}`);
  row('slope', `${((late - early) / 2 ** 20 / ((batches * 4) / 9 / 1000)).toFixed(2)} MB a thousand batches`);
}

interface Measured {
  readonly rows: number;
  readonly wallSeconds: number;
  readonly batchRows: number;
  /** CPU of the parent, as a share of a core, from the plan to the publication. */
  readonly parentShare: number;
  readonly peakWorkerBytes: number;
  readonly workerBytes: readonly number[];
}

async function nightshift(
  set: BenchSet,
  options: { readonly overrides?: readonly string[]; readonly sample?: boolean },
): Promise<Measured> {
  const spec = join(folder, `${set.name}.yaml`);
  const out = join(folder, `out-${set.name}`);
  await writeFile(
    spec,
    JSON.stringify({
      version: 1,
      jobs: {
        bench: {
          model: set.model,
          input: set.input,
          features: { [set.modelInput]: { columns: set.columns, nulls: set.nulls } },
          output: { path: out, mode: 'overwrite', keep: [set.key], columns: set.outputColumns },
          execution: { devices: 'cpu' },
        },
      },
    }),
  );
  const overrides = (options.overrides ?? []).flatMap((override) => ['--set', override]);
  const started = performance.now();
  const child = execaNode(bin, ['run', spec, '--json', ...overrides], { env: { NIGHTSHIFT_BENCH: '1' } });
  const samples = sampleProcesses(child.pid ?? 0, options.sample === true ? 50 : 250);
  const marks: { readonly at: number; readonly cpu: number }[] = [];
  child.stdout.on('data', (piece: Buffer) => {
    if (!/"type":"run-(planned|published)"/.test(piece.toString())) return;
    marks.push({ at: performance.now() / 1000, cpu: cpuSeconds(child.pid ?? 0) ?? 0 });
  });
  const { stdout } = await child;
  const wallSeconds = (performance.now() - started) / 1000;
  const usage = samples.stop();
  const published = stdout
    .split('\n')
    .map((line): unknown => JSON.parse(line))
    .find((event) => typeof event === 'object' && event !== null && 'type' in event && event.type === 'run-published');
  if (typeof published !== 'object' || published === null || !('rows' in published) || !('batchRows' in published))
    throw new Error(`no run-published event:\n${stdout}`);
  const { rows, batchRows } = published;
  if (typeof rows !== 'object' || rows === null || !('out' in rows)) throw new Error('the event has no rows');
  await rm(out, { recursive: true, force: true });
  const [planned, done] = [marks[0], marks.at(-1)];
  if (planned === undefined || done === undefined) throw new Error('the run was neither planned nor published');
  const parentShare = (done.cpu - planned.cpu) / (done.at - planned.at);
  return { rows: Number(rows.out), batchRows: Number(batchRows), wallSeconds, parentShare, ...usage };
}

async function rawRate(set: BenchSet, rows: number, batchRows: number): Promise<number> {
  const args = [
    set.model,
    set.input,
    set.modelInput,
    JSON.stringify(set.columns),
    JSON.stringify(set.outputs),
    String(Math.ceil(rows / workers)),
    String(batchRows),
  ];
  const children = Array.from({ length: workers }, () =>
    execaNode(join(import.meta.dirname, 'raw-session.ts'), args, { ipc: true }),
  );
  await Promise.all(children.map((child) => child.getOneMessage()));
  for (const child of children) await child.sendMessage('go');
  const results = await Promise.all(children.map(async (child): Promise<unknown> => JSON.parse((await child).stdout)));
  return results.reduce<number>((sum, result) => sum + rateOf(result), 0);
}

function rateOf(result: unknown): number {
  if (typeof result === 'object' && result !== null && 'rows' in result && 'seconds' in result)
    return Number(result.rows) / Number(result.seconds);
  throw new TypeError('the yardstick printed no rate');
}

async function pythonSeconds(set: BenchSet, command: string): Promise<number> {
  const files = (await glob(set.input)).sort();
  const out = join(folder, 'out-python');
  const job = {
    model: set.model,
    files,
    modelInput: set.modelInput,
    columns: set.columns,
    outputs: set.outputs,
    key: set.key,
    out,
    processes: workers,
  };
  const started = performance.now();
  await execa(command, [join(import.meta.dirname, 'python_pool.py'), JSON.stringify(job)]);
  const seconds = (performance.now() - started) / 1000;
  await rm(out, { recursive: true, force: true });
  return seconds;
}
