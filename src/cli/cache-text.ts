import type { JobCache } from '../run/caches.ts';
import { bytesText, pluralText } from './aligned.ts';
import { settingSizeText } from './setting-size-text.ts';
import { shownPath } from './shown-path.ts';

/** `cache/late-flights  12,028 predictions, 3.4 MiB of 5GB`. */
export function cacheText({ folder, maxSizeBytes, ...kept }: JobCache, cwd: string): string {
  if (kept.state === 'damaged')
    return `${shownPath(folder, cwd)}  damaged, ${bytesText(kept.sizeBytes)}; \`nightshift cache clear\` removes it`;
  const what =
    kept.state === 'new'
      ? `nothing is kept there yet, ${settingSizeText(maxSizeBytes)} may be`
      : `${pluralText(kept.entries, 'prediction')}, ${bytesText(kept.sizeBytes)} of ${settingSizeText(maxSizeBytes)}`;
  return `${shownPath(folder, cwd)}  ${what}`;
}
