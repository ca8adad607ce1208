/** One change of the disk, by what it does and to what: names of runs, processes and chance are left out of the path. */
export interface DiskChange {
  readonly role: 'parent' | 'worker';
  readonly change: string;
  readonly path: string;
  /** Which time, from 1, that this process makes this change of this path. */
  readonly nth: number;
}

/** `during` leaves half a text, or a folder that is half removed. */
export type Moment = 'before' | 'during' | 'after';

/** Where a run is killed: the process that makes the change alone, or with all its family. */
export interface KillPoint extends DiskChange {
  readonly moment: Moment;
  readonly victims: 'self' | 'all';
}

/** Files in the folder that `CHAOS_FOLDER` names. */
export const recordFile = 'changes.jsonl';
export const killedFile = 'killed';

function changeKey({ role, change, path, nth }: DiskChange): string {
  return `${role} ${change} ${path} #${nth}`;
}

export function nameOf(point: KillPoint): string {
  return `${point.moment} ${changeKey(point)}, kill ${point.victims}`;
}

/** The same path in every run. */
export function stablePath(path: string): string {
  return path.replaceAll(/\d{8}T\d{6}Z-[0-9a-f]{6}/g, '<run>').replaceAll(/\.\d+(\.[0-9a-f]{6})?\.tmp$/g, '.<own>.tmp');
}

/** Every moment of every change that is recorded, for either set of victims. */
export function killPoints(changes: readonly DiskChange[]): readonly KillPoint[] {
  const distinct = new Map(changes.map((change) => [changeKey(change), change]));
  return [...distinct.values()].flatMap((change) => {
    const canTear = change.change === 'writeFile' || change.change === 'rm';
    const moments: readonly Moment[] = canTear ? ['before', 'during', 'after'] : ['before', 'after'];
    return moments.flatMap((moment) => [
      { ...change, moment, victims: 'self' as const },
      { ...change, moment, victims: 'all' as const },
    ]);
  });
}

/** As many as wanted, by a seed: a shuffle of Fisher and Yates over the numbers of mulberry32. */
export function sample<Item>(items: readonly Item[], options: { readonly count: number; readonly seed: number }) {
  const shuffled = [...items];
  let state = options.seed >>> 0;
  const random = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  for (let last = shuffled.length - 1; last > 0; last--) {
    const [taken] = shuffled.splice(Math.floor(random() * (last + 1)), 1);
    if (taken !== undefined) shuffled.push(taken);
  }
  return shuffled.slice(0, options.count);
}
