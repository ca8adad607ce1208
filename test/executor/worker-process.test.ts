import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WorkerProcess } from '../../src/executor/worker-process.ts';
import { root, temporaryFolder } from '../e2e/nightshift.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder[Symbol.asyncDispose]());

const device = { name: 'cpu', kind: 'cpu', uuid: undefined, description: '', memoryBytes: undefined } as const;

/** A worker that runs this code, and what it says. */
async function startWorker(code: string, env: Readonly<Record<string, string>> = {}) {
  const entry = join(folder.path, 'worker.mjs');
  await writeFile(entry, code);
  let heard = 0;
  const waiting = new Set<() => void>();
  const process = new WorkerProcess({ entry, env, slot: { index: 0, device, intraOpThreads: 1 } }, () => {
    heard++;
    for (const look of waiting) look();
  });
  /** Until so many more messages have come, or the worker has ended. */
  const more = (count: number) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const wanted = heard + count;
    waiting.add(() => heard >= wanted && resolve());
    return Promise.race([promise, process.ended]);
  };
  return { process, more };
}

const alive = "process.send({ type: 'alive' })";
const lives = `setInterval(() => ${alive}, 50); process.on('disconnect', () => process.exit());`;

describe('a worker with a deadline for its batches', () => {
  it('is killed when it says nothing for so long', async () => {
    const { process, more } = await startWorker(`${alive}; setInterval(() => undefined, 1e6);`);
    await more(1);
    process.work(400);
    expect(await process.ended).toMatchObject({ type: 'died', error: { code: 'BATCH_TIMEOUT' } });
  });

  it('is not blamed for a while in which its parent did not run', async () => {
    const { process, more } = await startWorker(lives);
    await more(1);
    process.work(2000);
    // As if the machine had given the parent no time, or somebody had stopped it: what has come by then is read after
    // what is due by then was done.
    await readFile(import.meta.filename);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3000);
    // More than can have come meanwhile.
    await more(100);
    process.stop();
    process.kill();
    expect(await process.ended).toEqual({ type: 'stopped' });
  });
});

it.runIf(process.platform === 'linux')('a worker tokenizes on one thread, whatever its surroundings say', async () => {
  const counts = join(folder.path, 'threads.json');
  const { process } = await startWorker(
    `import { readdirSync, writeFileSync } from 'node:fs';
    import { stat } from 'node:fs/promises';
    const threads = () => readdirSync('/proc/self/task').length;
    // Starts the threads that Node has for all.
    await stat('.');
    const before = threads();
    const { Tokenizer } = await import(${JSON.stringify(import.meta.resolve('tokenizers'))});
    const tokenizer = Tokenizer.fromFile(${JSON.stringify(join(root, 'fixtures/models/tiny-bert/tokenizer.json'))});
    await tokenizer.encodeBatch(Array(1000).fill('the state of being'));
    writeFileSync(${JSON.stringify(counts)}, JSON.stringify([before, threads()]));
    process.exit();`,
    { TOKENIZERS_PARALLELISM: 'true' },
  );
  await process.ended;
  const [before, after] = JSON.parse(await readFile(counts, 'utf8'));
  expect(after).toBe(before);
});
