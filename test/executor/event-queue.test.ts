import { describe, expect, it } from 'vitest';
import { EventQueue } from '../../src/executor/event-queue.ts';

describe('EventQueue', () => {
  it('gives what was pushed, in order, before and while somebody waits', async () => {
    const queue = new EventQueue<number>();
    queue.push(1);
    queue.push(2);
    const seen: number[] = [];
    const reading = (async () => {
      for await (const event of queue) {
        seen.push(event);
        if (event === 2) queueMicrotask(() => queue.push(3));
        if (event === 3) queueMicrotask(() => queue.close());
      }
    })();
    await reading;
    expect(seen).toEqual([1, 2, 3]);
  });

  it('gives everything that came before a failure, then the first failure', async () => {
    const queue = new EventQueue<number>();
    queue.push(1);
    queue.fail(new Error('first'));
    queue.fail(new Error('second'));
    const seen: number[] = [];
    const reading = (async () => {
      for await (const event of queue) seen.push(event);
    })();
    await expect(reading).rejects.toThrow('first');
    expect(seen).toEqual([1]);
  });
});
