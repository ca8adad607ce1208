import type { ColumnSchema, PartFormat } from './contract.ts';

/** Which reject, in its file, a staged row is; kept beside its predictions. */
export const replayColumn = '__nightshift_reject';

export interface StageRejectsRequest {
  /** Rejects of one shard. */
  readonly rejects: string;
  /** Parquet with row_number, file where rejects have several, and the columns that were mended. */
  readonly fix: string | undefined;
  /** Columns of the input. */
  readonly columns: readonly ColumnSchema[];
  /** Where the rows go, as Parquet with the input's columns and `replayColumn`. */
  readonly path: string;
}

/** The rejected rows of one shard as a table. */
export interface StagedRejects {
  readonly rows: number;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
}

export interface MergeRequest {
  readonly rejects: string;
  /** The part as it is published. */
  readonly part: string;
  /** What was scored of the staged rows: kept columns, `replayColumn` and predictions. */
  readonly scored: string;
  /** What was rejected of them again. */
  readonly rejectedAgain: string | undefined;
  readonly format: PartFormat;
  /** Where the merged part goes. */
  readonly path: string;
  /** Where rejects that are left go. */
  readonly rejectsPath: string;
  readonly spillFolder: string;
}

/** A part with the replayed rows in it. */
export interface MergedPart {
  readonly rowsOut: number;
  readonly rejectedRows: number;
  readonly sizeBytes: number;
  readonly sha256: string;
}

export interface CheckFixRequest {
  readonly fix: string;
  /** All rejects that the fix is for. */
  readonly rejects: readonly string[];
  readonly columns: readonly ColumnSchema[];
}

/** The dataset room's door for replays. */
export interface RejectReplayer {
  /**
   * Refuses a fix that would not mend exactly what it names: columns that the input has not, rows that are no rejects or
   * come twice, values that are not of the column's type.
   * @throws AppError USAGE, COLUMN_MISSING, INPUT_UNREADABLE
   */
  checkFix(request: CheckFixRequest): Promise<void>;
  /**
   * Makes a table of rejected rows again, mended where a fix has them. Rows of a range that could not be read, and lines
   * that could not be parsed, hold no values to make a row of, and are left out.
   * @throws AppError INPUT_UNREADABLE
   */
  stage(request: StageRejectsRequest): Promise<StagedRejects>;
  /**
   * Puts replayed rows into their places in a Parquet part; those that were rejected again stay rejects.
   * @throws AppError INPUT_UNREADABLE, DISK_FULL, OUTPUT_UNWRITABLE
   */
  merge(request: MergeRequest): Promise<MergedPart>;
}
