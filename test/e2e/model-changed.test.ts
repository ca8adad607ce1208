import { existsSync } from 'node:fs';
import { appendFile, copyFile, rename, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { flightsJob } from '../cli/flights-job.ts';
import { nightshift, start, temporaryFolder, writeSpec } from './nightshift.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  folder = await temporaryFolder();
  await copyFile(flightsJob.model, inFolder('model.onnx'));
  // Each worker is replaced after its first shard, and the one that follows opens the model again.
  const execution = { workersPerDevice: 1, shardRows: 100, batchSize: 100, maxWorkerMemory: '1MB' };
  const input = { path: flightsJob.input, limit: 3000 };
  await writeSpec(folder.path, { flights: { ...flightsJob, model: 'model.onnx', input, execution } });
});
afterEach(() => folder[Symbol.asyncDispose]());

const inFolder = (name: string) => join(folder.path, name);
const run = ['run', '--json'];

/** Ends once the run has ended; `change` comes after its first shard. */
async function runAndThen(change: () => Promise<void>) {
  const child = start(run, { cwd: folder.path });
  let isChanged = false;
  for await (const line of createInterface({ input: child.stdout })) {
    if (isChanged || !line.includes('"shard-done"')) continue;
    isChanged = true;
    await change();
  }
  return child;
}

/** An entry more in the metadata: a field of the model's message, which says nothing of its graph. */
const otherBytes = Uint8Array.of(0x72, 6, 0x0a, 1, 0x61, 0x12, 1, 0x62);

describe('a model that changes during a run', () => {
  it('that is another one now ends it, with what is scored kept for when the model is back', async () => {
    await copyFile(inFolder('model.onnx'), inFolder('former.onnx'));
    const { exitCode, stderr } = await runAndThen(async () => {
      await copyFile(inFolder('model.onnx'), inFolder('next.onnx'));
      await appendFile(inFolder('next.onnx'), otherBytes);
      await rename(inFolder('next.onnx'), inFolder('model.onnx'));
    });
    expect(exitCode).toBe(4);
    expect(stderr).toMatch(/error MODEL_CHANGED: .*model\.onnx is another one than when the run began/);
    expect(existsSync(inFolder('out/_SUCCESS'))).toBe(false);
    await rename(inFolder('former.onnx'), inFolder('model.onnx'));
    const again = await nightshift(run, { cwd: folder.path });
    expect(again).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('"shardsDone":') });
    expect(await nightshift(['verify', 'out'], { cwd: folder.path })).toMatchObject({ exitCode: 0 });
  });

  it('that has the same bytes, however new, is the same', async () => {
    const { exitCode } = await runAndThen(async () => {
      await copyFile(inFolder('model.onnx'), inFolder('next.onnx'));
      await rename(inFolder('next.onnx'), inFolder('model.onnx'));
      await utimes(inFolder('model.onnx'), 0, 0);
    });
    expect(exitCode).toBe(0);
  });
});
