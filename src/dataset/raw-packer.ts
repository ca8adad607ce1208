import { DuckDBBlobVector, DuckDBVarCharVector } from '@duckdb/node-api';
import type { Weighed } from './batch-content.ts';
import type { RawRequest, RawValues } from './contract.ts';
import type { RawVector } from './raw-vector.ts';

/** Gathers the texts or bytes of a column over chunks into batches, each a copy outside of DuckDB's memory. */
export class RawPacker implements Weighed {
  readonly unit = 'bytes';
  readonly columnCount = 1;
  readonly #raw: RawRequest['raw'];
  readonly #texts: string[] = [];
  readonly #bytes: Uint8Array[] = [];

  constructor(raw: RawRequest['raw']) {
    this.#raw = raw;
  }

  /** The first rows; the next batch does not write into them. */
  batch(rowCount: number): RawValues {
    return this.#raw === 'text' ? this.#texts.splice(0, rowCount) : this.#bytes.splice(0, rowCount);
  }

  /** Of bytes; texts, which are paths, weigh next to nothing. */
  sizeIn(start: number, end: number): number {
    let sum = 0;
    for (let row = start; row < end; row++) sum += this.#bytes[row]?.length ?? 0;
    return sum;
  }

  /** @returns what copies a row of the vector to a row of the batch */
  load(vector: RawVector, rowCount: number): (from: number, to: number) => void {
    if (this.#raw === 'text') {
      const texts = DuckDBVarCharVector.fromRawVector(vector, rowCount);
      return (from, to) => {
        this.#texts[to] = texts.getItem(from) ?? '';
      };
    }
    const blobs = DuckDBBlobVector.fromRawVector(vector, rowCount);
    return (from, to) => {
      this.#bytes[to] = blobs.getItem(from)?.bytes ?? new Uint8Array(0);
    };
  }
}
