import { readFileSync, writeFileSync } from 'node:fs';

/** Writes bytes into a file that no database has there. */
export function damage(path: string, place: (size: number) => { readonly from: number; readonly to: number }): void {
  const bytes = readFileSync(path);
  const { from, to } = place(bytes.length);
  writeFileSync(path, bytes.fill(0xa5, from, to));
}
