import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lockFile } from '../../src/plan/layout.ts';
import { store, temporaryOutput } from './output.ts';

let output: Awaited<ReturnType<typeof temporaryOutput>>;
beforeEach(async () => {
  output = await temporaryOutput();
});
afterEach(() => output[Symbol.asyncDispose]());

const { signal } = new AbortController();
const longMs = 60_000;

/** Whether a promise is still pending after some time. */
const isPending = async (promise: Promise<void>) =>
  Promise.race([promise.then(() => false), setTimeout(100).then(() => true)]);

describe('waiting for a lock to change', () => {
  it('ends when the lock is left, and not when something else is written beside it', async () => {
    await using lock = await store.lock(output.path, '2026-01-02T03:04:05.000Z');
    const change = store.lockChange(output.path, { maxMs: longMs, signal });
    await setTimeout(50);
    await writeFile(join(output.path, '_nightshift/manifest.json'), '{}');
    expect(await isPending(change)).toBe(true);
    await lock[Symbol.asyncDispose]();
    await change;
  });

  it('ends when its time is over', async () => {
    await mkdir(join(output.path, '_nightshift'));
    await writeFile(join(output.path, lockFile), '');
    const before = performance.now();
    await store.lockChange(output.path, { maxMs: 120, signal });
    expect(performance.now() - before).toBeGreaterThan(100);
  });

  it('ends when its time is over where there is no folder to watch', async () => {
    await rm(output.path, { recursive: true });
    expect(await store.lockChange(output.path, { maxMs: 20, signal })).toBeUndefined();
  });

  it('ends with the reason of a signal', async () => {
    await using _lock = await store.lock(output.path, '2026-01-02T03:04:05.000Z');
    const abort = new AbortController();
    const change = store.lockChange(output.path, { maxMs: longMs, signal: abort.signal });
    abort.abort(new Error('stopped'));
    await expect(change).rejects.toThrow('stopped');
  });
});
