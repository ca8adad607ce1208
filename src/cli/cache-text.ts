import type { JobCache } from '../run/caches.ts';
import { bytesText, countText } from './aligned.ts';
import { shownPath } from './shown-path.ts';

/** `cache/late-flights  12,028 predictions, 3.4 MiB of 5.0 GiB`. */
export function cacheText({ folder, maxSizeBytes, ...kept }: JobCache, cwd: string): string {
  const what =
    kept.state === 'new'
      ? `nothing is kept there yet, ${bytesText(maxSizeBytes)} may be`
      : `${countText(kept.entries)} predictions, ${bytesText(kept.sizeBytes)} of ${bytesText(maxSizeBytes)}`;
  return `${shownPath(folder, cwd)}  ${what}`;
}
