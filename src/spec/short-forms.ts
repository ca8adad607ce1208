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
      case 'cache':
        return typeof value === 'string' ? { path: value } : value;
      case 'input':
        return isTextOrList(value) ? { path: value } : value;
      case 'features':
        return isPlainMap(value) ? mapValues(value, withoutShortFeature) : value;
      case 'checks':
        return Array.isArray(value) ? value.map(withoutShortCheck) : value;
      case 'notify':
        return isPlainMap(value) ? mapValues(value, withoutShortNotice) : value;
      default:
        return value;
    }
  });
}

function withoutShortFeature(feature: unknown): unknown {
  if (isTextOrList(feature)) return { columns: feature };
  if (!isPlainMap(feature)) return feature;
  const { image, ...rest } = feature;
  return typeof image === 'string' ? { image: { column: image, ...rest } } : feature;
}

function withoutShortNotice(value: unknown, key: string): unknown {
  if (key === 'ping') return typeof value === 'string' ? { url: value } : value;
  if (Array.isArray(value)) return value.map(withoutShortTarget);
  return isPlainMap(value) ? [withoutShortTarget(value)] : value;
}

function withoutShortTarget(target: unknown): unknown {
  if (!isPlainMap(target)) return target;
  return mapValues(target, (value, key) => {
    if (typeof value !== 'string') return value;
    return key === 'webhook' ? { url: value } : key === 'command' ? [value] : value;
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
