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
      case 'checks':
        return Array.isArray(value) ? value.map(withoutShortCheck) : value;
      default:
        return value;
    }
  });
}

function withoutShortCheck(check: unknown): unknown {
  if (!isPlainMap(check)) return check;
  return mapValues(check, (value, key) => {
    switch (key) {
      case 'notNull':
      case 'unique':
        return isTextOrList(value) ? { columns: value } : value;
      case 'rowCount':
        return typeof value === 'string' || typeof value === 'number' ? { equals: value } : value;
      default:
        return value;
    }
  });
}

function isTextOrList(value: unknown): boolean {
  return typeof value === 'string' || Array.isArray(value);
}
