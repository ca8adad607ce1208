/** What is known before a run about how much work and output a row is. */
export interface RowWeight {
  readonly rowCount: number;
  readonly modelBytes: number;
  /** Bytes of one row's predictions, uncompressed. */
  readonly predictionBytes: number;
  /** Images that are decoded for one row. */
  readonly images?: number;
}

const secondsAtMost = 60;
const secondsAtLeast = 0.5;
const outputBytesAtMost = 64 * 2 ** 20;
/** So many shards that the last ones to finish leave no core idle for long, whatever the number of workers. */
const shardsWanted = 32;
/** A guess until a batch was measured: every model byte is touched about once a row, plus half a microsecond. */
const secondsPerModelByte = 1e-11;
const secondsPerRow = 5e-7;
/** A photo of 640 × 480 pixels, on one core. */
const secondsPerImage = 5e-3;

/**
 * Rows a shard when the job leaves it open: no more than about a minute of work and 64 MB of predictions, no less
 * than half a second of work, and enough shards to spread. The machine does not enter, so that a resumed run
 * on another one cuts the same shards.
 */
export function autoShardRows(weight: RowWeight): number {
  const seconds = secondsPerRow + weight.modelBytes * secondsPerModelByte + (weight.images ?? 0) * secondsPerImage;
  const most = Math.min(secondsAtMost / seconds, outputBytesAtMost / Math.max(weight.predictionBytes, 1));
  const least = secondsAtLeast / seconds;
  return Math.max(1, Math.floor(Math.min(most, Math.max(least, weight.rowCount / shardsWanted))));
}
