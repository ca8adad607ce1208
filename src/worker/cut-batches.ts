export interface TokenRows {
  /** Which rows, ascending. */
  readonly rows: readonly number[];
  /** Tokens of each row of the window. */
  readonly lengths: Int32Array;
  /** Rows of different lengths must not meet, since the model cannot tell padding from text. */
  readonly mustBeEqual: boolean;
}

export interface TokenBatch {
  /** Rows of the window, longest first, and in their order where they are as long as each other. */
  readonly rows: Int32Array;
  /** Tokens that each row has once it is padded. */
  readonly width: number;
}

/**
 * Rows by length, cut where a batch would have more rows or padded tokens than it may; one row alone always may. The
 * longest come first: a session's memory grows to its largest batch and is not given back, and growing in small steps
 * leaves holes.
 */
export function cutBatches(
  { rows, lengths, mustBeEqual }: TokenRows,
  {
    batchRows,
    batchTokens = Number.POSITIVE_INFINITY,
  }: { readonly batchRows: number; readonly batchTokens?: number | undefined },
): readonly TokenBatch[] {
  const lengthOf = (row: number | undefined) => (row === undefined ? 0 : (lengths[row] ?? 0));
  const sorted = Int32Array.from(rows).sort((a, b) => lengthOf(b) - lengthOf(a) || a - b);
  const batches: TokenBatch[] = [];
  for (let start = 0; start < sorted.length; ) {
    const width = lengthOf(sorted[start]);
    const most = Math.max(1, Math.min(batchRows, Math.floor(batchTokens / Math.max(1, width))));
    let end = Math.min(sorted.length, start + most);
    if (mustBeEqual) while (lengthOf(sorted[end - 1]) !== width) end -= 1;
    batches.push({ rows: sorted.subarray(start, end), width });
    start = end;
  }
  return batches;
}
