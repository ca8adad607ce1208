import type { ElementArray, FeatureRequest } from '../dataset/contract.ts';
import { newElementArray } from '../dataset/element-array.ts';

/** A row that is there is one that the model can take. */
export function filledUp(rows: Int32Array, rowCount: number): Int32Array {
  if (rows.length === rowCount) return rows;
  const filled = new Int32Array(rowCount).fill(rows[0] ?? 0);
  filled.set(rows);
  return filled;
}

/** The values of these rows, in this order. */
export function gathered(values: ElementArray, rows: Int32Array, feature: FeatureRequest): ElementArray {
  const width = feature.innerShape.reduce((product, dim) => product * dim, 1);
  if (Array.isArray(values)) {
    return Array.from(rows).flatMap((row) => values.slice(row * width, (row + 1) * width));
  }
  const found = newElementArray(feature.element, rows.length * width);
  if (Array.isArray(found)) throw new TypeError('strings and numbers do not mix');
  const size = width * values.BYTES_PER_ELEMENT;
  const to = new Uint8Array(found.buffer);
  const from = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  for (const [at, row] of rows.entries()) to.set(from.subarray(row * size, (row + 1) * size), at * size);
  return found;
}
