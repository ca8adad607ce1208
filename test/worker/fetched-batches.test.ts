import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RawColumn } from '../../src/model/preparer.ts';
import { type FetchedBatch, fetchedBatches } from '../../src/worker/fetched-batches.ts';

async function* batchesOf(sizes: readonly (readonly number[])[]): AsyncGenerator<FetchedBatch> {
  let row = 0;
  for (const batch of sizes) {
    const values = [Float32Array.from(batch.flatMap((_, at) => [row + at, -row - at]))];
    yield { rowCount: batch.length, values, raw: [batch.map(String)] };
    row += batch.length;
  }
}

/** A path names a file of so many bytes. */
const fetch = async (raw: readonly RawColumn[]) =>
  raw.map((column) => column.map((path) => new Uint8Array(Number(path))));

describe('fetchedBatches', () => {
  it('gives every row with its file, in order, by batches that no more is added to once they are full', async () => {
    const sizes = fc.array(fc.array(fc.nat(50), { minLength: 1, maxLength: 70 }), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(sizes, fc.integer({ min: 1, max: 2000 }), async (batches, bytesAtMost) => {
        const rows: unknown[] = [];
        for await (const { rowCount, values, raw } of fetchedBatches(batchesOf(batches), { fetch, bytesAtMost })) {
          const lengths = (raw[0] ?? []).map((value) => (value instanceof Uint8Array ? value.length : Number.NaN));
          expect(lengths).toHaveLength(rowCount);
          const full = lengths.slice(0, -16).reduce((sum, length) => sum + length, 0);
          expect(full).toBeLessThan(bytesAtMost);
          rows.push(...lengths.map((length, at) => [length, values[0]?.[2 * at], values[0]?.[2 * at + 1]]));
        }
        expect(rows).toEqual(batches.flat().map((length, row) => [length, row, -row]));
      }),
    );
  });

  it('throws what reading throws', async () => {
    const failing = async () => {
      throw new Error('the disk is gone');
    };
    await expect(fetchedBatches(batchesOf([[1]]), { fetch: failing, bytesAtMost: 1 }).next()).rejects.toThrow(
      'the disk is gone',
    );
  });
});
