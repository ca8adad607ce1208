import { expect, it } from 'vitest';
import { orAborted } from '../../src/run/or-aborted.ts';

const never = new Promise<never>(() => undefined);

it('gives what the work comes to', async () => {
  const { signal } = new AbortController();
  expect(await orAborted(signal, Promise.resolve(7))).toBe(7);
  expect(await orAborted(undefined, Promise.resolve(7))).toBe(7);
  await expect(orAborted(signal, Promise.reject(new Error('no')))).rejects.toThrow('no');
});

it('gives the reason as soon as the signal is aborted, while the work goes on', async () => {
  const controller = new AbortController();
  const result = orAborted(controller.signal, never);
  controller.abort(new Error('stopped'));
  await expect(result).rejects.toThrow('stopped');
});

it('gives the reason of a signal that was aborted before', async () => {
  await expect(orAborted(AbortSignal.abort(new Error('stopped')), never)).rejects.toThrow('stopped');
});

it('lets work fail unseen after it was given up', async () => {
  const { promise, reject } = Promise.withResolvers<never>();
  await expect(orAborted(AbortSignal.abort(new Error('stopped')), promise)).rejects.toThrow('stopped');
  // An unhandled rejection would fail this test.
  reject(new Error('too late'));
  await new Promise(setImmediate);
});
