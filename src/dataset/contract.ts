import type { ChangedValue, Comparison, ComparisonRequest, TableComparer } from './comparison.ts';
import type { Measure, Measurement, TableMeasurer, WrittenColumn, WrittenFiles } from './measures.ts';

export type {
  ChangedValue,
  Comparison,
  ComparisonRequest,
  Measure,
  Measurement,
  TableComparer,
  TableMeasurer,
  WrittenColumn,
  WrittenFiles,
};

/** Element types of tensors, and so of feature columns; the names are ONNX Runtime's. */
export const elementTypes = [
  'float32',
  'float64',
  'float16',
  'int8',
  'int16',
  'int32',
  'int64',
  'uint8',
  'uint16',
  'uint32',
  'uint64',
  'bool',
  'string',
] as const;
export type ElementType = (typeof elementTypes)[number];

export type DatasetFormat = 'parquet' | 'csv' | 'jsonl' | 'arrow';

/**
 * How CSV is read. `auto` is decided by the first file: the delimiter by its first lines, the header by their types.
 * Quotes are as RFC 4180 has them; there are no comments.
 */
export interface CsvOptions {
  readonly delimiter: string;
  readonly header: boolean | 'auto';
  /** Texts that stand for null, quoted or not: with `""` among them, `,"",` is null as `,,` is. */
  readonly nullValues: readonly string[];
  /** Column name → DuckDB type name; a whole number type refuses fractions. */
  readonly types: Readonly<Record<string, string>>;
}

export interface ColumnSchema {
  readonly name: string;
  /** DuckDB type, e.g. `BIGINT`, `DECIMAL(18,4)`, `FLOAT[]`. */
  readonly type: string;
  /** True when the files disagree and values are widened to `type`. */
  readonly widened: boolean;
  /** Where the values come from: the file, or the `key=value` folders of its path. */
  readonly origin: 'file' | 'partition';
  /** Nulls in all rows by the files' statistics; undefined when they don't say. */
  readonly nullCount?: number | undefined;
  /** Bounds of a numeric column by the files' statistics, both inclusive; undefined when they don't say. */
  readonly range?: NumberRange | undefined;
}

export interface NumberRange {
  readonly min: number;
  readonly max: number;
}

export interface RowGroup {
  /** First row, inclusive. */
  readonly rowStart: number;
  readonly rowCount: number;
}

export interface InputFile {
  /** Absolute path that is scanned: the input itself, or its staged Parquet copy. */
  readonly path: string;
  /** Absolute path as the user knows it. */
  readonly source: string;
  readonly rowCount: number;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  readonly rowGroups: readonly RowGroup[];
}

/** What is known of a dataset without reading its rows. Files are in input order. */
export interface DatasetFacts {
  readonly format: DatasetFormat;
  readonly files: readonly InputFile[];
  readonly columns: readonly ColumnSchema[];
  readonly rowCount: number;
  readonly hasPartitions: boolean;
}

export type NullPolicy = 'reject' | 'nan' | { readonly value: string | number | boolean };

export interface FeatureColumn {
  readonly name: string;
  readonly type: string;
  /** The files' statistics say that there is no null, so none is looked for. */
  readonly nullFree: boolean;
  /** The files' statistics say that every value fits the element type, so no cast is checked. */
  readonly fits: boolean;
}

/** Columns that together become one tensor `[rows, ...innerShape]` of `element`. */
export interface FeatureRequest {
  readonly input: string;
  readonly columns: readonly FeatureColumn[];
  readonly element: ElementType;
  /** Dimensions after the batch dimension; their product is the number of values of a row. */
  readonly innerShape: readonly number[];
  readonly nulls: NullPolicy;
}

/** A column whose values a preparer turns into model inputs: texts, or bytes. */
export interface RawRequest {
  readonly raw: 'text' | 'bytes';
  readonly column: { readonly name: string; readonly nullFree: boolean };
}

/** What is read of a row. */
export type ScanRequest = FeatureRequest | RawRequest;

/** Values of one raw column, one a row. */
export type RawValues = readonly string[] | readonly Uint8Array[];

/** Values of one tensor or column, row-major; `bool` is 0/1 in a Uint8Array, `float16` is held as float32. */
export type ElementArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | string[];

/** A row set of the dataset: what a shard reads. */
export interface RowSelection {
  /** Rows `[rowStart, rowEnd)` of files, in input order; a file may come again with a later range. */
  readonly files: readonly {
    readonly path: string;
    readonly source: string;
    readonly rowStart: number;
    readonly rowEnd: number;
    readonly rowCount: number;
  }[];
  readonly columns: readonly ColumnSchema[];
  readonly hasPartitions: boolean;
  readonly where: string | undefined;
}

/** A predicted column of a shard: `rowCount × width` values. */
export interface PredictionColumn {
  readonly name: string;
  readonly element: ElementType;
  /** Dimensions of one row's value; empty for a scalar. */
  readonly innerShape: readonly number[];
  readonly values: ElementArray;
}

export interface PartFormat {
  readonly format: DatasetFormat;
  readonly compression: 'zstd' | 'snappy' | 'gzip' | 'none';
}

export type RejectCode =
  | 'NULL_VALUE'
  | 'CAST_LOSSY'
  | 'LIST_LENGTH'
  | 'CSV_LINE'
  | 'TEXT_TOO_LONG'
  | 'TEXT_EMPTY'
  | 'NON_FINITE'
  | 'NO_LABEL'
  | 'SESSION_FAILED'
  | 'IMAGE_UNREADABLE'
  | 'IMAGE_SIZE'
  | 'ROWS_UNREADABLE'
  | 'SHARD_FAILED';

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * dim, 1);
}

/** What a job says about its input. */
export interface InputRequest {
  /** Files, globs or folders, relative to `baseDir`. */
  readonly paths: readonly string[];
  readonly baseDir: string;
  readonly format: DatasetFormat | 'auto';
  readonly csv: CsvOptions;
  readonly where: string | undefined;
  readonly limit: number | undefined;
  /** Gives up what is being read. */
  readonly signal?: AbortSignal | undefined;
}

/** A dataset as far as it is known without reading its rows: enough to tell whether it is the same as before. */
export interface FoundDataset {
  readonly format: DatasetFormat;
  readonly files: readonly { readonly source: string; readonly sizeBytes: number; readonly mtimeMs: number }[];
  readonly columns: readonly { readonly name: string; readonly type: string }[];
}

export interface OpenedDataset {
  readonly facts: DatasetFacts;
  /** Shape of the first value of each list column that was asked for, outermost first. */
  readonly listShapes: ReadonlyMap<string, readonly number[]>;
  /** Where `limit` ends the dataset. */
  readonly cut: { readonly file: number; readonly rowEnd: number } | undefined;
  /** Lines that could not be parsed when the input was staged. */
  readonly rejectedLines: number;
  /** File, line and reason of the first of them. */
  readonly firstRejectedLine?: string | undefined;
}

export interface OpenOptions {
  /** An empty folder for Parquet copies. */
  readonly stagingFolder: string;
  /** Where lines that cannot be parsed are kept; its folder exists. */
  readonly rejectsPath: string;
  /** List columns whose shape is wanted. */
  readonly listColumns: readonly string[];
}

/** The dataset room's door for use cases. */
export interface DatasetReader {
  /** @throws AppError INPUT_NOT_FOUND, INPUT_UNREADABLE, INPUT_SCHEMA_MISMATCH */
  find(request: InputRequest): Promise<FoundDataset>;
  /**
   * Makes a found dataset ready to be sharded; formats that cannot be read from the middle are copied to Parquet in
   * `stagingFolder`, which exists.
   * @throws AppError PREDICATE_INVALID, COLUMN_MISSING, INPUT_UNREADABLE, DISK_FULL
   */
  open(found: FoundDataset, request: InputRequest, options: OpenOptions): Promise<OpenedDataset>;
}

/** What to find out about rows beyond what the footers of their files say. */
export interface ProfileRequest {
  /** Looks at this many rows from the start; undefined at all. */
  readonly sampleRows: number | undefined;
  /** Columns whose nulls are counted. */
  readonly nullsOf: readonly string[];
  /** Columns of numbers whose NaN and infinite values are counted. */
  readonly nonFiniteOf?: readonly string[];
  /** Columns of which to tell whether all values differ and none is null. */
  readonly uniqueOf: readonly string[];
  /** Sets of features; of each, how many rows at least one of its features would reject. */
  readonly rejectsOf: readonly (readonly FeatureRequest[])[];
  /** Columns in which to look for `texts`. */
  readonly textsIn: readonly string[];
  readonly texts: readonly string[];
  /** How many rows to give back as they are. */
  readonly firstRows: number;
  /** Rows are counted that differ in these. */
  readonly distinctOf?: readonly string[];
  /** Columns of texts whose mean length is told. */
  readonly lengthsOf?: readonly string[];
}

export interface RowProfile {
  /** Rows that were looked at. */
  readonly rowCount: number;
  readonly nullCounts: ReadonlyMap<string, number>;
  readonly nonFiniteCounts: ReadonlyMap<string, number>;
  readonly unique: ReadonlySet<string>;
  /** One entry for each set of `rejectsOf`. */
  readonly rejected: readonly number[];
  readonly textsFound: readonly string[];
  /** JSON-safe; integers of 64 bits and more are their digits. */
  readonly firstRows: readonly Readonly<Record<string, unknown>>[];
  readonly distinctRows: number;
  /** In characters; none where all are null. */
  readonly meanLengths: ReadonlyMap<string, number>;
}

/** Looks at the rows of an opened dataset while its staged copies are there. @throws AppError INPUT_UNREADABLE */
export type RowProfiler = (facts: DatasetFacts, request: ProfileRequest) => Promise<RowProfile>;
