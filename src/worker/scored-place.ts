/** Where a row was scored: what one attempt at a shard leaves, the next finds as its own. */
export interface ScoredPlace {
  readonly shard: number;
  /** Of the rows that the shard's scan gives. */
  readonly row: number;
}

const placeBytes = 8;

/** A prediction's bytes behind the place that they were made for. */
export function placed(bytes: Uint8Array, { shard, row }: ScoredPlace): Uint8Array {
  const place = Buffer.alloc(placeBytes);
  place.writeUInt32LE(shard, 0);
  place.writeUInt32LE(row, placeBytes / 2);
  return Buffer.concat([place, bytes]);
}

/** @returns undefined of what `placed` did not make */
export function takenApart(value: Uint8Array): { readonly bytes: Uint8Array; readonly place: ScoredPlace } | undefined {
  if (value.length < placeBytes) return undefined;
  const view = new DataView(value.buffer, value.byteOffset, placeBytes);
  const place = { shard: view.getUint32(0, true), row: view.getUint32(placeBytes / 2, true) };
  return { bytes: value.subarray(placeBytes), place };
}
