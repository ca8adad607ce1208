import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa, execaNode } from 'execa';
import { sampleProcesses } from './memory.ts';
import { median, megabytes, print, row, thousands } from './report.ts';
import { type TextSet, texts } from './text-data.ts';

export interface TextBench {
  readonly bin: string;
  readonly folder: string;
  readonly rounds: number;
  /** With pyarrow, numpy, tokenizers and onnxruntime. */
  readonly python: string | undefined;
  readonly cores: number;
}

const maxLength = 256;
const textCount = 6000;

/**
 * Embeds 6,000 texts with MiniLM: our run against plain Python, in input order and sorted by length, all taken in turn;
 * the same with rows that come twice, and without the sorting that we do.
 */
export async function embedTexts(bench: TextBench): Promise<void> {
  const set = await texts(textCount);
  const twice = await texts(textCount, 2);
  const rates = new Map<string, number[]>();
  const note = (name: string, rate: number) => rates.set(name, [...(rates.get(name) ?? []), rate]);
  let peakBytes = 0;
  for (let round = 0; round < bench.rounds; round++) {
    const ours = await embed(bench, set, []);
    peakBytes = Math.max(peakBytes, ours.peakBytes);
    note('nightshift', ours.rate);
    if (bench.python !== undefined) {
      note('Python, sorted by length', await plainPython(bench, set, true));
      note('Python, in input order', await plainPython(bench, set, false));
    }
    note('nightshift, rows twice', (await embed(bench, twice, [])).rate);
    note('nightshift, rows twice, dedupe', (await embed(bench, twice, ['dedupe=true'])).rate);
  }
  const of = (name: string) => median(rates.get(name) ?? []);
  const ratio = (name: string, other: string) => (of(name) / of(other)).toFixed(2);
  print(`\ntext: ${thousands(textCount)} texts to MiniLM embeddings, at most ${maxLength} tokens`);
  for (const other of ['Python, sorted by length', 'Python, in input order'])
    if (rates.has(other)) row(`nightshift / ${other}`, ratio('nightshift', other));
  row('rows twice: dedupe / without', ratio('nightshift, rows twice, dedupe', 'nightshift, rows twice'));
  row('peak resident memory of a worker', megabytes(peakBytes));
  for (const [name, values] of rates) row(name, `${median(values).toFixed(0)} texts/s`);
}

async function embed({ bin, folder }: TextBench, set: TextSet, overrides: readonly string[]) {
  const spec = join(folder, 'text.yaml');
  const out = join(folder, 'out-text');
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
  const child = execaNode(bin, ['run', spec, '--quiet', ...overrides.flatMap((override) => ['--set', override])]);
  const samples = sampleProcesses(child.pid ?? 0, 250);
  await child;
  const rate = set.rows / ((performance.now() - started) / 1000);
  const { peakWorkerBytes } = samples.stop();
  await rm(out, { recursive: true, force: true });
  return { rate, peakBytes: peakWorkerBytes };
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
  await execa(python, [join(import.meta.dirname, 'python_text.py'), JSON.stringify(job)]);
  return set.rows / ((performance.now() - started) / 1000);
}
