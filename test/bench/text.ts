import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa, execaNode } from 'execa';
import { sampleProcesses } from './memory.ts';
import { median, megabytes, print, row, thousands } from './report.ts';
import { type TextSet, texts } from './text-data.ts';
import { type PeerName, peersHere, runPeer } from './text-peers.ts';

export interface TextBench {
  readonly bin: string;
  readonly folder: string;
  readonly rounds: number;
  /** With pyarrow, numpy, tokenizers and onnxruntime. */
  readonly python: string | undefined;
  readonly cores: number;
}

interface OtherRate {
  readonly name: string;
  readonly rate: number;
  readonly rateWithStart?: number;
  readonly lowestCosine?: number;
}

const maxLength = 256;
const textCount = 6000;

/**
 * Embeds 6,000 texts with MiniLM: our run against plain Python, in input order and sorted by length, and against the
 * peers, all taken in turn; the same with rows that come twice. Our start-up counts; the peers' own does not.
 */
export async function embedTexts(bench: TextBench, wanted: readonly PeerName[]): Promise<void> {
  const set = await texts(textCount);
  const twice = await texts(textCount, 2);
  const peers = await usable(bench, wanted);
  const rates = new Map<string, number[]>();
  const note = (name: string, rate: number) => rates.set(name, [...(rates.get(name) ?? []), rate]);
  const others = new Set<string>();
  let peakBytes = 0;
  let lowestCosine = 1;
  for (let round = 0; round < bench.rounds; round++) {
    const ours = await embed(bench, set, []);
    peakBytes = Math.max(peakBytes, ours.peakBytes);
    note('nightshift', ours.rate);
    for await (const other of othersOf(bench, set, peers)) {
      others.add(other.name);
      note(other.name, other.rate);
      if (other.rateWithStart !== undefined) note(`${other.name}, with its start`, other.rateWithStart);
      lowestCosine = Math.min(lowestCosine, other.lowestCosine ?? 1);
    }
    note('nightshift, rows twice', (await embed(bench, twice, [])).rate);
    note('nightshift, rows twice, dedupe', (await embed(bench, twice, ['dedupe=true'])).rate);
  }
  const of = (name: string) => median(rates.get(name) ?? []);
  const ratio = (name: string, other: string) => (of(name) / of(other)).toFixed(2);
  print(`\ntext: ${thousands(textCount)} texts to MiniLM embeddings, at most ${maxLength} tokens`);
  for (const other of others) row(`nightshift / ${other}`, ratio('nightshift', other));
  row('rows twice: dedupe / without', ratio('nightshift, rows twice, dedupe', 'nightshift, rows twice'));
  if (peers.length > 0) row("lowest cosine of a text's embeddings", lowestCosine.toFixed(6));
  row('peak resident memory of a worker', megabytes(peakBytes));
  for (const [name, values] of rates) row(name, `${median(values).toFixed(0)} texts/s`);
}

async function usable({ python, ...bench }: TextBench, wanted: readonly PeerName[]): Promise<readonly PeerName[]> {
  if (python !== undefined) return peersHere({ ...bench, python, maxLength }, wanted);
  if (wanted.length > 0) print(`${wanted.join(', ')}: skipped, since NIGHTSHIFT_BENCH_PYTHON names no Python`);
  return [];
}

async function* othersOf(bench: TextBench, set: TextSet, peers: readonly PeerName[]): AsyncGenerator<OtherRate> {
  const { python } = bench;
  if (python === undefined) return;
  yield { name: 'Python, sorted by length', rate: await plainPython(bench, set, true) };
  yield { name: 'Python, in input order', rate: await plainPython(bench, set, false) };
  for (const peer of peers) yield* await runPeer({ ...bench, python, maxLength }, { peer, set, ours: outputOf(bench) });
}

async function embed(bench: TextBench, set: TextSet, overrides: readonly string[]) {
  const spec = join(bench.folder, 'text.yaml');
  const out = outputOf(bench);
  await rm(out, { recursive: true, force: true });
  const job = {
    model: set.model,
    input: set.input,
    features: { text: { column: 'text', tokenizer: set.tokenizer, maxLength } },
    output: {
      path: out,
      mode: 'overwrite',
      keep: ['id'],
      columns: { embedding: 'normalize(meanPool(output_0))' },
    },
    execution: { devices: 'cpu' },
  };
  await writeFile(spec, JSON.stringify({ version: 1, jobs: { text: job } }));
  const started = performance.now();
  const child = execaNode(bench.bin, ['run', spec, '--quiet', ...overrides.flatMap((override) => ['--set', override])]);
  const samples = sampleProcesses(child.pid ?? 0, 250);
  await child;
  const rate = set.rows / ((performance.now() - started) / 1000);
  const { peakWorkerBytes } = samples.stop();
  return { rate, peakBytes: peakWorkerBytes };
}

function outputOf({ folder }: TextBench): string {
  return join(folder, 'out-text');
}

/** Rows a second, start-up counted as ours is. */
async function plainPython({ python = 'python3', folder, cores }: TextBench, set: TextSet, sort: boolean) {
  const { model, tokenizer, input } = set;
  const job = {
    model,
    tokenizer,
    input,
    maxLength,
    sort,
    batch: 32,
    threads: cores,
    out: join(folder, 'python.parquet'),
  };
  const started = performance.now();
  await execa(python, [join(import.meta.dirname, 'python_text.py'), JSON.stringify(job)], {
    env: { PYTHONDONTWRITEBYTECODE: '1' },
  });
  return set.rows / ((performance.now() - started) / 1000);
}
