import type { DuckDBDataChunk } from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';
import type { ElementArray } from './contract.ts';

/** Rows that a table function hands over at a time: DuckDB's vector size. */
export const vectorRows = 2048;

/** A chunk's vector as the bindings see it; they, unlike the api package, make its memory public. */
export type RawVector = ReturnType<typeof duckdb.data_chunk_get_vector>;

export function rawVector(chunk: DuckDBDataChunk, column: number): RawVector {
  return duckdb.data_chunk_get_vector(chunk.chunk, column);
}

/** The innermost vector of nested fixed-size arrays. */
export function arrayLeaf(vector: RawVector, depth: number): RawVector {
  let leaf = vector;
  for (let level = 0; level < depth; level++) leaf = duckdb.array_vector_get_child(leaf);
  return leaf;
}

/** The vector's memory, valid until its chunk is dropped. Null slots hold undefined data. */
export function vectorBytes(vector: RawVector, byteCount: number): Uint8Array {
  return duckdb.vector_get_data(vector, byteCount);
}

/** Fills the vector from its start. */
export function writeVector(vector: RawVector, values: Exclude<ElementArray, string[]>): void {
  duckdb.copy_data_to_vector(vector, 0, arrayBufferOf(values), values.byteOffset, values.byteLength);
}

/** Lays out `rowCount` lists of `width` items each and returns the vector of the items. */
export function writeListLayout(vector: RawVector, rowCount: number, width: number): RawVector {
  const entries = new BigUint64Array(rowCount * 2);
  for (let row = 0; row < rowCount; row++) {
    entries[row * 2] = BigInt(row * width);
    entries[row * 2 + 1] = BigInt(width);
  }
  return writeListEntries(vector, entries, rowCount * width);
}

/** Lays out lists by pairs of first item and length, and returns the vector of the `itemCount` items. */
export function writeListEntries(vector: RawVector, entries: BigUint64Array, itemCount: number): RawVector {
  duckdb.list_vector_reserve(vector, itemCount);
  duckdb.list_vector_set_size(vector, itemCount);
  writeVector(vector, entries);
  return duckdb.list_vector_get_child(vector);
}

export function writeText(vector: RawVector, row: number, text: string): void {
  writeBytes(vector, row, Buffer.from(text, 'utf8'));
}

/** Sets one value of a VARCHAR or BLOB vector. */
export function writeBytes(vector: RawVector, row: number, bytes: Uint8Array): void {
  duckdb.vector_assign_string_element_len(vector, row, bytes);
}

/** Marks the rows whose bit is not set as null; bits as Arrow and DuckDB have them, least significant first. */
export function writeValidity(vector: RawVector, bits: Uint8Array): void {
  duckdb.vector_ensure_validity_writable(vector);
  duckdb.copy_data_to_vector_validity(vector, 0, arrayBufferOf(bits), bits.byteOffset, bits.byteLength);
}

/** Bits of the rows that are not null; undefined when none is null. */
export function readValidity(vector: RawVector, rowCount: number): Uint8Array | undefined {
  const bits = duckdb.vector_get_validity(vector, Math.ceil(rowCount / 64) * 8);
  return bits instanceof Uint8Array ? bits.slice(0, Math.ceil(rowCount / 8)) : undefined;
}

export function listChild(vector: RawVector): { readonly items: RawVector; readonly itemCount: number } {
  return { items: duckdb.list_vector_get_child(vector), itemCount: duckdb.list_vector_get_size(vector) };
}

export function structChild(vector: RawVector, field: number): RawVector {
  return duckdb.struct_vector_get_child(vector, field);
}

export function arrayChild(vector: RawVector): RawVector {
  return duckdb.array_vector_get_child(vector);
}

function arrayBufferOf({ buffer }: ArrayBufferView): ArrayBuffer {
  if (buffer instanceof ArrayBuffer) return buffer;
  throw new TypeError('values must not be in shared memory');
}
