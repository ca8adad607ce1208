import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { execa, execaNode } from 'execa';
import sharp from 'sharp';
import { sampleProcesses } from './memory.ts';
import { median, megabytes, print, row } from './report.ts';
import type { TextBench } from './text.ts';

const imageCount = 2000;
const side = 32;
const model = resolve(import.meta.dirname, '../../fixtures/models/images/conv-nchw.onnx');

/** Scores 2,000 photo-like JPEGs with a small convolution, beside a plain Python script with Pillow and threads. */
export async function scoreImages(bench: TextBench): Promise<void> {
  const photos = await makePhotos();
  const rates = new Map<string, number[]>();
  const note = (name: string, rate: number) => rates.set(name, [...(rates.get(name) ?? []), rate]);
  let peakBytes = 0;
  for (let round = 0; round < bench.rounds; round++) {
    const ours = await score(bench, photos);
    peakBytes = Math.max(peakBytes, ours.peakBytes);
    note('nightshift', ours.rate);
    if (bench.python !== undefined) note('Python', await plainPython(bench, photos));
  }
  const of = (name: string) => median(rates.get(name) ?? []);
  print(`\nimages: ${imageCount} JPEGs of 512 × 384 pixels, made ${side} × ${side}`);
  if (rates.has('Python')) row('nightshift / Python, Pillow and threads', (of('nightshift') / of('Python')).toFixed(2));
  row('peak resident memory of a worker', megabytes(peakBytes));
  for (const [name, values] of rates) row(name, `${median(values).toFixed(0)} images/s`);
}

/** Noise over a gradient, which compresses about as photos do. */
async function makePhotos(): Promise<string> {
  const folder = join(tmpdir(), 'nightshift-bench', `photos-${imageCount}`);
  await mkdir(folder, { recursive: true });
  const there = new Set(await readdir(folder));
  for (let index = 0; index < imageCount; index++) {
    const name = `${String(index).padStart(5, '0')}.jpg`;
    if (there.has(name)) continue;
    const noise = { type: 'gaussian', mean: 128, sigma: 20 } as const;
    const background = { r: index % 256, g: (index * 7) % 256, b: (index * 13) % 256 };
    const photo = sharp({ create: { width: 512, height: 384, channels: 3, background, noise } });
    await photo.blur(1.5).jpeg({ quality: 85 }).toFile(join(folder, name));
  }
  return folder;
}

async function score({ bin, folder }: TextBench, photos: string) {
  const spec = join(folder, 'images.yaml');
  const out = join(folder, 'out-images');
  const input = join(folder, 'images.csv');
  const names = (await readdir(photos)).sort();
  await writeFile(input, `photo\n${names.join('\n')}\n`);
  const job = {
    model,
    input,
    features: { pixels: { image: 'photo', root: photos, resize: [side, side], fit: 'fill' } },
    output: { path: out, mode: 'overwrite', keep: ['photo'] },
    execution: { devices: 'cpu' },
  };
  await writeFile(spec, JSON.stringify({ version: 1, jobs: { images: job } }));
  const started = performance.now();
  const child = execaNode(bin, ['run', spec, '--quiet']);
  const samples = sampleProcesses(child.pid ?? 0, 100);
  await child;
  const rate = imageCount / ((performance.now() - started) / 1000);
  const { peakWorkerBytes } = samples.stop();
  await rm(out, { recursive: true, force: true });
  return { rate, peakBytes: peakWorkerBytes };
}

async function plainPython({ python = 'python3', folder, cores }: TextBench, photos: string): Promise<number> {
  const job = { model, modelInput: 'pixels', folder: photos, out: join(folder, 'python.parquet'), size: side };
  const started = performance.now();
  const script = join(import.meta.dirname, 'python_images.py');
  await execa(python, [script, JSON.stringify({ ...job, batch: 32, threads: cores })]);
  return imageCount / ((performance.now() - started) / 1000);
}
