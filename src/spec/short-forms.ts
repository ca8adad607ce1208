import { isPlainMap, mapValues } from './plain-data.ts';

/**
 * Writes the short forms of a job out: `input: a.csv` is `input: { path: a.csv }`.
 * It happens before defaults are merged, so that a short form overrides the path and leaves the rest.
 */
export function withoutShortForms(job: unknown): unknown {
  if (!isPlainMap(job)) return job;
  return mapValues(job, (value, key) => {
    switch (key) {
      case 'model':
      case 'output':
        return typeof value === 'string' ? { path: value } : value;
      case 'input':
        return isTextOrList(value) ? { path: value } : value;
      case 'features':
        return isPlainMap(value)
          ? mapValues(value, (feature) => (isTextOrList(feature) ? { columns: feature } : feature))
          : value;
      default:
        return value;
    }
  });
}

function isTextOrList(value: unknown): boolean {
  return typeof value === 'string' || Array.isArray(value);
}
