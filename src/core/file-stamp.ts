import { stat } from 'node:fs/promises';

/** A file, and what tells cheaply that it is still the same: another stamp may be another file, or the same bytes anew. */
export interface FileStamp {
  /** Absolute. */
  readonly path: string;
  readonly stamp: string;
}

/** @throws what `stat` throws */
export async function fileStamp(path: string): Promise<FileStamp> {
  const { ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
  return { path, stamp: [ino, size, mtimeNs, ctimeNs].join('-') };
}
