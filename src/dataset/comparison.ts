import type { DatasetFacts } from './contract.ts';

/** Two tables to be compared row by row. */
export interface ComparisonRequest {
  readonly a: DatasetFacts;
  readonly b: DatasetFacts;
  /** Columns that name a row; each combination occurs once in a table. */
  readonly keys: readonly string[];
  /** Columns to compare; undefined takes all that both have. */
  readonly columns: readonly string[] | undefined;
  /** Numbers that differ by no more are the same. */
  readonly tolerance: number;
  /** Where a join that is larger than memory may spill. */
  readonly spillFolder: string;
}

export interface ColumnComparison {
  readonly name: string;
  readonly type: string;
  /** Rows in both tables whose values differ by more than the tolerance. */
  readonly changedRows: number;
  /** Rows in which NaN, or a NaN in a list, stands against something else; they are changed too. */
  readonly nanRows: number;
  /** Rows in which null, or a null in a list, stands against something else; they are changed too. */
  readonly nullRows: number;
  /** Of numbers, and of lists of numbers element by element; undefined of everything else. */
  readonly maxDifference: number | undefined;
  readonly meanDifference: number | undefined;
}

export interface ChangedValue {
  readonly key: Readonly<Record<string, string>>;
  readonly column: string;
  readonly a: string;
  readonly b: string;
  /** Undefined of texts, and of NaN, null or another length against a number. */
  readonly difference: number | undefined;
}

export interface Comparison {
  readonly rowsInBoth: number;
  readonly rowsOnlyInA: number;
  readonly rowsOnlyInB: number;
  readonly columnsOnlyInA: readonly string[];
  readonly columnsOnlyInB: readonly string[];
  readonly columns: readonly ColumnComparison[];
  /** The ten that differ most. */
  readonly worst: readonly ChangedValue[];
}

/** @throws AppError COLUMN_MISSING; USAGE when a key occurs twice or columns cannot be compared */
export type TableComparer = (request: ComparisonRequest) => Promise<Comparison>;
