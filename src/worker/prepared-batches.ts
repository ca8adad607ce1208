import type { FeatureBatch } from '../dataset/scan-rows.ts';
import type { Prepared, Preparer } from '../model/preparer.ts';

/** A batch whose raw columns are model inputs. */
export interface PreparedBatch extends FeatureBatch {
  /** Absent where no column needs preparing. */
  readonly prepared?: Prepared;
}

/**
 * Prepares each batch before it is scored; when reading ahead, the next one is begun before this one is scored. The
 * session's call holds this thread, so of the next one what is under way goes on, and the rest waits.
 */
export async function* preparedBatches(
  batches: AsyncIterable<FeatureBatch>,
  { preparer, isAhead }: { readonly preparer: Preparer | undefined; readonly isAhead: boolean },
): AsyncGenerator<PreparedBatch> {
  if (preparer === undefined) {
    yield* batches;
    return;
  }
  const iterator = batches[Symbol.asyncIterator]();
  const take = async (): Promise<PreparedBatch | undefined> => {
    const next = await iterator.next();
    if (next.done === true) return undefined;
    const { rowCount, raw } = next.value;
    // The scan fills its arrays again with the next batch.
    const values = isAhead ? next.value.values.map((array) => array.slice()) : next.value.values;
    return { rowCount, raw: [], values, prepared: await preparer.prepare({ rowCount, values: raw }) };
  };
  let next = take();
  try {
    for (let batch = await next; batch !== undefined; batch = await next) {
      if (isAhead) {
        next = take();
        // A failure is thrown when its batch is due.
        next.catch(() => undefined);
      }
      yield batch;
      if (!isAhead) next = take();
    }
  } finally {
    await next.catch(() => undefined);
    await iterator.return?.();
  }
}
