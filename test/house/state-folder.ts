import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where the commands that a script starts record their runs, instead of in the home of whoever tests; goes at its end. */
export function stateFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'nightshift-state-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
