import { describe, expect, it } from 'vitest';
import { begunAhead } from '../../src/worker/begun-ahead.ts';

/** 0, 1, 2, … */
async function* read(count: number, log: string[], failAt = -1): AsyncGenerator<number> {
  try {
    for (let at = 0; at < count; at++) {
      if (at === failAt) throw new Error('the disk is gone');
      log.push(`read ${at}`);
      yield at;
    }
  } finally {
    log.push('closed');
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('begunAhead', () => {
  it.each([0, 1, 2, 9])('gives what is made of each, in order, %i ahead', async (ahead) => {
    // Later ones are made sooner.
    const begin = async (at: number) => {
      for (let turns = at; turns < 5; turns++) await turn();
      return 10 * at;
    };
    const made: number[] = [];
    for await (const each of begunAhead(read(5, []), { begin, ahead })) made.push(each);
    expect(made).toEqual([0, 10, 20, 30, 40]);
  });

  it('has begun one, and no more, before one is scored', async () => {
    const log: string[] = [];
    const begin = async (at: number) => at;
    for await (const at of begunAhead(read(3, log), { begin, ahead: 1 })) {
      await turn();
      log.push(`score ${at}`);
    }
    expect(log).toEqual(['read 0', 'read 1', 'score 0', 'read 2', 'score 1', 'closed', 'score 2']);
  });

  it.each([0, 1])('throws a failure when its item is due, and closes what it reads, %i ahead', async (ahead) => {
    const log: string[] = [];
    const scored: number[] = [];
    const begin = async (at: number) => {
      if (at === 2) throw new Error('the disk is gone');
      return at;
    };
    const all = async () => {
      for await (const at of begunAhead(read(4, log), { begin, ahead })) scored.push(at);
    };
    await expect(all()).rejects.toThrow('the disk is gone');
    expect(scored).toEqual([0, 1]);
    expect(log.at(-1)).toBe('closed');
  });

  it('throws what reading throws, and waits for what it has begun', async () => {
    const log: string[] = [];
    const begin = async (at: number) => {
      await turn();
      log.push(`made ${at}`);
    };
    const all = async () => {
      for await (const _ of begunAhead(read(3, log, 1), { begin, ahead: 1 })) log.push('scored');
    };
    await expect(all()).rejects.toThrow('the disk is gone');
    expect(log).toEqual(['read 0', 'closed', 'made 0']);
  });

  it.each([0, 1])('closes what it reads when nobody wants more, %i ahead', async (ahead) => {
    const log: string[] = [];
    for await (const _ of begunAhead(read(9, log), { begin: async (at) => at, ahead })) break;
    expect(log.at(-1)).toBe('closed');
  });
});
