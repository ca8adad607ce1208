import type { DatasetFormat } from './contract.ts';

/** One thing to find out about a written table; nulls count only where it says so. */
export type Measure =
  | { readonly type: 'rows' }
  | { readonly type: 'nulls'; readonly column: string }
  /** Values on the wrong side of a bound, and NaN. */
  | { readonly type: 'below' | 'above'; readonly column: string; readonly bound: number }
  /** Values that are none of these. */
  | { readonly type: 'outside'; readonly column: string; readonly values: readonly (string | number | boolean)[] }
  /** Rows whose key an earlier row has; nulls are equal. */
  | { readonly type: 'repeated'; readonly columns: readonly string[] }
  | { readonly type: 'mean'; readonly column: string }
  | { readonly type: 'distinct'; readonly column: string }
  /** How the values spread over the deciles of the reference. */
  | { readonly type: 'spread'; readonly column: string };

/** One of the rows that a measure counts, as texts. */
export interface ExampleRow {
  readonly key: Readonly<Record<string, string>>;
  readonly value?: string | undefined;
}

export interface Measurement {
  /** The lowest value of `below`, the highest of `above`, the mean; NaN if one is NaN, undefined if there is none. */
  readonly value?: number | undefined;
  /** What is counted: rows, nulls, values out of bounds, repeated keys, distinct values. */
  readonly count: number;
  readonly example?: ExampleRow | undefined;
  /** Rows in each bin, the last one for null and NaN; undefined when the reference has no number in this column. */
  readonly bins?: { readonly reference: readonly number[]; readonly table: readonly number[] } | undefined;
}

export interface WrittenColumn {
  readonly name: string;
  /** The DuckDB type that it was written with. */
  readonly type: string;
  /** A null in the file was NaN or an infinity, which JSON has no words for. */
  readonly nullIsNan: boolean;
}

/** Files that were written as parts. */
export interface WrittenFiles {
  readonly paths: readonly string[];
  readonly format: DatasetFormat;
}

export interface MeasureRequest {
  readonly table: WrittenFiles & { readonly columns: readonly WrittenColumn[] };
  /** What `spread` compares with; undefined when there is nothing. */
  readonly reference: WrittenFiles | undefined;
  readonly measures: readonly Measure[];
  /** Columns that name a row in examples. */
  readonly keys: readonly string[];
  /** An empty folder for copies, and for what does not fit into memory. */
  readonly spillFolder: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * @returns one measurement for each measure
 * @throws AppError INPUT_UNREADABLE, DISK_FULL
 */
export type TableMeasurer = (request: MeasureRequest) => Promise<readonly Measurement[]>;
