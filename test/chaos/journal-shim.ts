/**
 * Loaded before a run by `NODE_OPTIONS=--import`: keeps a journal of what it changes and flushes below the output folder,
 * with the bytes of each file when they are written or flushed.
 */
import { join, relative } from 'node:path';
import { type JournalEntry, journalFile } from './journal.ts';
import { patchDisk, untouched } from './patch-disk.ts';

const folder = process.env['CHAOS_FOLDER'] ?? '';
let copies = 0;

/** The name of a copy of a file's bytes. */
function copyOf(path: string): string {
  copies++;
  const name = `${process.pid}-${copies}`;
  untouched.copyFileSync(path, join(folder, name));
  return name;
}

function short(path: string): string {
  return relative(process.cwd(), path) || '.';
}

await patchDisk(async ({ change, path, from }, act) => {
  const isFolder = change === 'sync' && untouched.statSync(path).isDirectory();
  const hasBytes = change === 'writeFile' || (change === 'sync' && !isFolder);
  const result = await act();
  const entry: JournalEntry = {
    change: isFolder ? 'syncFolder' : change,
    path: short(path),
    ...(from === undefined ? {} : { from: short(from) }),
    ...(hasBytes ? { bytes: copyOf(path) } : {}),
  };
  untouched.appendFileSync(join(folder, journalFile), `${JSON.stringify(entry)}\n`);
  return result;
});
