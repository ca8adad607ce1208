/**
 * Loaded before a run by `NODE_OPTIONS=--import`, in parent and workers alike: records each change of the disk below the
 * output folder, or kills at one of them.
 */
import { join, relative, sep } from 'node:path';
import { type DiskChange, killedFile, type Moment, recordFile, stablePath } from './kill-point.ts';
import { type Change, patchDisk, untouched } from './patch-disk.ts';

const folder = process.env['CHAOS_FOLDER'] ?? '';
const wanted: unknown = JSON.parse(process.env['CHAOS_POINT'] ?? 'null');
const role = process.argv[1]?.includes(`${sep}worker${sep}`) === true ? 'worker' : 'parent';
const counts = new Map<string, number>();

function observed({ change, path }: Change): DiskChange {
  const stable = stablePath(relative(process.cwd(), path));
  const key = `${change} ${stable}`;
  const nth = (counts.get(key) ?? 0) + 1;
  counts.set(key, nth);
  const found: DiskChange = { role, change, path: stable, nth };
  untouched.appendFileSync(join(folder, recordFile), `${JSON.stringify(found)}\n`);
  return found;
}

function isWanted(found: DiskChange, moment: Moment): boolean {
  if (typeof wanted !== 'object' || wanted === null) return false;
  const theirs = new Map(Object.entries(wanted));
  return Object.entries({ ...found, moment }).every(([name, value]) => theirs.get(name) === value);
}

/** Once in a run: whoever tries the same again shall come through. */
function kill(): void {
  try {
    untouched.openSync(join(folder, killedFile), 'wx');
  } catch {
    return;
  }
  const all = typeof wanted === 'object' && wanted !== null && 'victims' in wanted && wanted.victims === 'all';
  process.kill(all ? 0 : process.pid, 'SIGKILL');
  // The signal may take an instant; nothing more may happen in it.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

await patchDisk(async (change, act) => {
  const found = observed(change);
  if (isWanted(found, 'before')) kill();
  if (isWanted(found, 'during')) {
    await change.half?.();
    kill();
  }
  const result = await act();
  if (isWanted(found, 'after')) kill();
  return result;
});
