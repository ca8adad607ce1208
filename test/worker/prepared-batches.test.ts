import { describe, expect, it } from 'vitest';
import type { FeatureBatch } from '../../src/dataset/scan-rows.ts';
import type { Preparer } from '../../src/model/preparer.ts';
import { type PreparedBatch, preparedBatches } from '../../src/worker/prepared-batches.ts';

/** Batches of one row whose only value is 0, 1, 2, …, in one array that is filled again each time. */
async function* scanned(count: number, log: string[], failAt = -1): AsyncGenerator<FeatureBatch> {
  const values = new Float32Array(1);
  try {
    for (let at = 0; at < count; at++) {
      if (at === failAt) throw new Error('the disk is gone');
      values[0] = at;
      log.push(`read ${at}`);
      yield { rowCount: 1, values: [values], raw: [[`text ${at}`]] };
    }
  } finally {
    log.push('closed');
  }
}

const preparer: Preparer = {
  prepare: async ({ values }) => ({
    lengths: undefined,
    rejects: [{ row: 0, code: 'IMAGE_SIZE', message: String(values[0]?.[0]) }],
    feeds: () => ({}),
  }),
};

const messageOf = ({ prepared }: PreparedBatch) => prepared?.rejects[0]?.message;

describe('preparedBatches', () => {
  it.each([true, false])('keeps values and what was prepared together, ahead: %s', async (isAhead) => {
    const found: unknown[] = [];
    for await (const batch of preparedBatches(scanned(4, []), { preparer, isAhead })) {
      // What is read ahead is read while this waits.
      await new Promise((resolve) => setImmediate(resolve));
      found.push([batch.values[0]?.[0], messageOf(batch)]);
    }
    expect(found).toEqual([0, 1, 2, 3].map((at) => [at, `text ${at}`]));
  });

  it('reads one batch ahead and no more', async () => {
    const log: string[] = [];
    for await (const batch of preparedBatches(scanned(3, log), { preparer, isAhead: true })) {
      await new Promise((resolve) => setImmediate(resolve));
      log.push(`score ${batch.values[0]?.[0]}`);
    }
    expect(log).toEqual(['read 0', 'read 1', 'score 0', 'read 2', 'score 1', 'closed', 'score 2']);
  });

  it.each([true, false])('throws a failure when its batch is due, and closes the scan, ahead: %s', async (isAhead) => {
    const log: string[] = [];
    const scored: unknown[] = [];
    const all = async () => {
      for await (const batch of preparedBatches(scanned(3, log, 2), { preparer, isAhead }))
        scored.push(messageOf(batch));
    };
    await expect(all()).rejects.toThrow('the disk is gone');
    expect(scored).toEqual(['text 0', 'text 1']);
    expect(log.at(-1)).toBe('closed');
  });

  it.each([true, false])('closes the scan when nobody wants more, ahead: %s', async (isAhead) => {
    const log: string[] = [];
    for await (const _batch of preparedBatches(scanned(9, log), { preparer, isAhead })) break;
    expect(log.at(-1)).toBe('closed');
  });
});
