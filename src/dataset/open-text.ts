import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import zlib from 'node:zlib';

/** A text file's bytes, decompressed by its name; undefined when its compression cannot be read here. */
export function openText(path: string): Readable | undefined {
  const file = createReadStream(path);
  if (/\.gz$/i.test(path)) return piped(file, zlib.createGunzip());
  if (!/\.zst$/i.test(path)) return file;
  // Node has it from 22.15 on.
  const { createZstdDecompress } = zlib;
  return typeof createZstdDecompress === 'function' ? piped(file, createZstdDecompress()) : undefined;
}

function piped<T extends NodeJS.ReadWriteStream & Readable>(file: Readable, decompressed: T): T {
  file.on('error', (error) => decompressed.destroy(error));
  decompressed.on('close', () => file.destroy());
  return file.pipe(decompressed);
}
