/** What the values of a batch come to at most, beside its rows. */
export interface ContentAtMost {
  /** Of texts. */
  readonly characters: number;
  /** Of raw columns. */
  readonly bytes: number;
}

/** What gathers a column's values into a batch. */
export interface Weighed {
  readonly unit: keyof ContentAtMost;
  /** What these rows of the batch hold; numbers hold nothing that would count. */
  sizeIn(start: number, end: number): number;
}

/** Counts what a batch that grows has, so that it ends in time. */
export class BatchContent {
  /** Rows that are gathered before they are counted; undefined where they are not. */
  readonly rowsAtOnce: number | undefined;
  readonly #columns: readonly Weighed[];
  readonly #most: ContentAtMost | undefined;
  #has = { characters: 0, bytes: 0 };

  constructor(columns: readonly Weighed[], most: ContentAtMost | undefined) {
    const isOfBytes = columns.some(({ unit }) => unit === 'bytes');
    this.rowsAtOnce = most === undefined ? undefined : isOfBytes ? 1 : 64;
    this.#columns = columns;
    this.#most = most;
  }

  get isFull(): boolean {
    const most = this.#most;
    return most !== undefined && (this.#has.characters >= most.characters || this.#has.bytes >= most.bytes);
  }

  add(start: number, end: number): void {
    if (this.#most === undefined) return;
    for (const column of this.#columns) this.#has[column.unit] += column.sizeIn(start, end);
  }

  clear(): void {
    this.#has = { characters: 0, bytes: 0 };
  }
}
