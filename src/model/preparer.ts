import type { RejectCode } from '../dataset/contract.ts';
import type { FedTensor } from './session.ts';

/** Turns scanned columns into model inputs that no column fills as it is: token ids, pixels. */
export interface Preparer {
  prepare(batch: PreparedFrom): Promise<Prepared>;
}
export interface PreparedFrom {
  readonly rowCount: number;
  /** One entry a column that the preparer asked for, in its order: texts or bytes, one a row. */
  readonly values: readonly (readonly string[] | readonly Uint8Array[])[];
}
export interface Prepared {
  /** Tokens of each row; undefined where all rows cost alike. */
  readonly lengths: Int32Array | undefined;
  /** Rows of the batch that cannot be prepared, ascending; they are not scored. */
  readonly rejects: readonly { readonly row: number; readonly code: RejectCode; readonly message: string }[];
  /** The inputs of these rows, in this order: shape `[rows.length, ...]`; of a row without any, blank ones. */
  feeds(rows: ArrayLike<number>): Readonly<Record<string, FedTensor>>;
}
