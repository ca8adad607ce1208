import { createHash } from 'node:crypto';
import type { ElementArray } from '../dataset/contract.ts';
import type { RawColumn } from '../model/preparer.ts';
import type { FetchedBatch } from './fetched-batches.ts';

/** Bytes of a key; as many as make two rows with one key a matter of belief. */
const keyBytes = 16;

/**
 * A key for each row of a batch, from the values that fill the model's inputs: rows of one key have the same features,
 * bit for bit. A NaN is what its bits are, and 0 is not -0; an image is the bytes that it is encoded in.
 * @returns `keyBytes` bytes a row, as base64
 */
export function rowKeys({ rowCount, values, raw }: FetchedBatch): readonly string[] {
  const readers = [...values.map((array) => bytesOfRow(array, rowCount)), ...raw.map(rawOfRow)];
  return Array.from({ length: rowCount }, (_, row) => {
    const hash = createHash('sha256');
    for (const reader of readers) for (const bytes of reader(row)) hash.update(bytes);
    return hash.digest().toString('base64', 0, keyBytes);
  });
}

function bytesOfRow(array: ElementArray, rowCount: number): (row: number) => Iterable<Uint8Array | string> {
  const width = array.length / rowCount;
  if (Array.isArray(array)) return (row) => textsOf(array, { start: row * width, end: (row + 1) * width });
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  const size = width * array.BYTES_PER_ELEMENT;
  return (row) => [bytes.subarray(row * size, (row + 1) * size)];
}

/** With its length, and as what it is. */
function rawOfRow(column: RawColumn): (row: number) => readonly (Uint8Array | string)[] {
  return (row) => {
    const value = column[row] ?? '';
    if (value instanceof Uint8Array) return [`bytes ${value.length}:`, value];
    return typeof value === 'string' ? ['text ', ...textsOf([value], { start: 0, end: 1 })] : ['none ', value.message];
  };
}

/** With their lengths, so that `ab` and `c` are not `a` and `bc`; lone surrogates differ as UTF-8 does not. */
function* textsOf(
  texts: readonly string[],
  { start, end }: { readonly start: number; readonly end: number },
): Generator<Uint8Array | string> {
  for (let at = start; at < end; at++) {
    const text = texts[at] ?? '';
    yield `${text.length}:`;
    yield text.isWellFormed() ? text : Buffer.from(text, 'utf16le');
  }
}
