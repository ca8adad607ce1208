const units = [
  ['TiB', 2 ** 40],
  ['TB', 1e12],
  ['GiB', 2 ** 30],
  ['GB', 1e9],
  ['MiB', 2 ** 20],
  ['MB', 1e6],
  ['KiB', 2 ** 10],
  ['KB', 1e3],
] as const;

/** A size of a spec as people write it: 50MB is not 48 MiB. */
export function settingSizeText(bytes: number): string {
  const shown = units.map(([unit, size]) => ({ unit, count: bytes / size }));
  const found = shown.find(({ count }) => Number.isInteger(count) && count > 0);
  return found === undefined ? `${bytes / 1000}KB` : `${found.count}${found.unit}`;
}
