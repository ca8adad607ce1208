import type { RejectCode } from '../dataset/contract.ts';
import type { ImageError } from './image-error.ts';
import type { FedTensor } from './session.ts';

/** Turns scanned columns into model inputs that no column fills as it is: token ids, pixels. */
export interface Preparer {
  prepare(batch: PreparedFrom): Promise<Prepared>;
  /** Reads what the values only name, so that rows can be told from each other by it; absent where nothing is named. */
  readonly fetch?: (values: PreparedFrom['values']) => Promise<PreparedFrom['values']>;
}
export interface PreparedFrom {
  readonly rowCount: number;
  /** Rows to prepare, ascending; all, if left out. The others count as rows without any inputs. */
  readonly rows?: readonly number[] | undefined;
  /** One entry a column that the preparer asked for, in its order. */
  readonly values: readonly RawColumn[];
}
/** Texts or bytes, one a row; or why there are none. */
export type RawColumn = readonly (string | Uint8Array | ImageError)[];
export interface Prepared {
  /** Tokens of each row; undefined where all rows cost alike. */
  readonly lengths: Int32Array | undefined;
  /** Rows of the batch that cannot be prepared, ascending; they are not scored. */
  readonly rejects: readonly { readonly row: number; readonly code: RejectCode; readonly message: string }[];
  /** The inputs of these rows, in this order: shape `[rows.length, ...]`; of a row without any, blank ones. */
  feeds(rows: ArrayLike<number>): Readonly<Record<string, FedTensor>>;
}
