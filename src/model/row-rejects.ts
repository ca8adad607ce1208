import type { ElementArray, RejectCode } from '../dataset/contract.ts';

/** A row whose value is none, by its place in the batch. */
export interface RowReject {
  readonly row: number;
  readonly code: Extract<RejectCode, 'NON_FINITE' | 'NO_LABEL'>;
  readonly message: string;
}

export interface NumbersSeen {
  /** Values a row. */
  readonly width: number;
  /** Of these, one each is looked at. */
  readonly blocks: number;
  readonly placeOf: (block: number) => number;
  /** Whether a value would be hidden by what is made of it. */
  readonly isHidden: (value: number) => boolean;
  /** What messages call the values. */
  readonly operand: () => string;
}

/** The rows of a batch that have no value, with the first reason of each. */
export class RowRejects {
  readonly #byRow = new Map<number, RowReject>();

  get isEmpty(): boolean {
    return this.#byRow.size === 0;
  }

  list(): readonly RowReject[] {
    return [...this.#byRow.values()];
  }

  noLabel(row: number, message: string): void {
    this.#add({ row, code: 'NO_LABEL', message });
  }

  /** An index or a bool says nothing any more of a NaN that it was made of. */
  notNumbers(data: ElementArray, { width, blocks, placeOf, isHidden, operand }: NumbersSeen): void {
    if (!(data instanceof Float32Array || data instanceof Float64Array)) return;
    for (let block = 0; block < blocks; block += 1) {
      const place = placeOf(block);
      const value = data[place] ?? 0;
      if (!isHidden(value)) continue;
      this.#add({ row: Math.floor(place / width), code: 'NON_FINITE', message: `${operand()} is ${value}` });
    }
  }

  #add(reject: RowReject): void {
    if (!this.#byRow.has(reject.row)) this.#byRow.set(reject.row, reject);
  }
}
