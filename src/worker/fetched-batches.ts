import type { ElementArray } from '../dataset/contract.ts';
import { elementsBetween } from '../dataset/element-array.ts';
import type { FeatureBatch } from '../dataset/scan-rows.ts';
import type { RawColumn } from '../model/preparer.ts';

/** Scanned rows; what their raw columns name may have been read. */
export interface FetchedBatch extends Pick<FeatureBatch, 'rowCount' | 'values'> {
  readonly raw: readonly RawColumn[];
}

export interface Fetching {
  readonly fetch: (raw: readonly RawColumn[]) => Promise<readonly RawColumn[]>;
  /** A batch ends once so much was read. */
  readonly bytesAtMost: number;
}

/** Rows that are read before their bytes are counted. */
const rowsAtOnce = 16;

/** The same rows in the same order with what they name, by batches that end where it becomes too much to hold. */
export async function* fetchedBatches(
  batches: AsyncIterable<FetchedBatch>,
  { fetch, bytesAtMost }: Fetching,
): AsyncGenerator<FetchedBatch> {
  for await (const batch of batches) {
    for (let start = 0; start < batch.rowCount; ) {
      const raw: RawColumn[number][][] = batch.raw.map(() => []);
      let end = start;
      for (let bytes = 0; end < batch.rowCount && bytes < bytesAtMost; ) {
        const next = Math.min(batch.rowCount, end + rowsAtOnce);
        const read = await fetch(batch.raw.map((column) => column.slice(end, next)));
        for (const [index, column] of read.entries()) raw[index]?.push(...column);
        bytes += read.flat().reduce((sum, value) => sum + (value instanceof Uint8Array ? value.length : 0), 0);
        end = next;
      }
      yield { rowCount: end - start, values: batch.values.map((array) => rowsOf(array, { batch, start, end })), raw };
      start = end;
    }
  }
}

/** The values of the rows `[start, end)`. */
export function rowsOf(
  values: ElementArray,
  { batch, start, end }: { readonly batch: FetchedBatch; readonly start: number; readonly end: number },
): ElementArray {
  const width = values.length / batch.rowCount;
  return elementsBetween(values, start * width, end * width);
}
