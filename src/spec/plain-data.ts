import type { SpecPath } from './location.ts';

/** What a YAML map is once it is data. */
export type PlainMap = Readonly<Record<string, unknown>>;

export function isPlainMap(value: unknown): value is PlainMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function mapValues(map: PlainMap, change: (value: unknown, key: string) => unknown): PlainMap {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, change(value, key)]));
}

/** `over` wins; maps are merged, lists and scalars replaced. */
export function merged(under: unknown, over: unknown): unknown {
  if (!isPlainMap(under) || !isPlainMap(over)) return over;
  const mergedKeys = Object.entries(over).map(([key, value]) => [
    key,
    Object.hasOwn(under, key) ? merged(under[key], value) : value,
  ]);
  return { ...under, ...Object.fromEntries(mergedKeys) };
}

/** A box, so that a value of undefined differs from no value. */
export function valueAt(data: unknown, path: SpecPath): { readonly value: unknown } | undefined {
  const [segment, ...rest] = path;
  if (segment === undefined) return { value: data };
  if (Array.isArray(data))
    return typeof segment === 'number' && segment in data ? valueAt(data[segment], rest) : undefined;
  return isPlainMap(data) && Object.hasOwn(data, segment) ? valueAt(data[segment], rest) : undefined;
}

/** A copy with another value at a path that exists. */
export function withValueAt(data: unknown, path: SpecPath, value: unknown): unknown {
  const [segment, ...rest] = path;
  if (segment === undefined) return value;
  if (Array.isArray(data))
    return data.map((item, index) => (index === segment ? withValueAt(item, rest, value) : item));
  return isPlainMap(data)
    ? mapValues(data, (item, key) => (key === segment ? withValueAt(item, rest, value) : item))
    : data;
}

/** A copy in which `change` was applied to every text that is a value; keys stay. */
export function mapTexts(
  data: unknown,
  change: (text: string, path: SpecPath) => string,
  path: SpecPath = [],
): unknown {
  if (typeof data === 'string') return change(data, path);
  if (Array.isArray(data)) return data.map((item, index) => mapTexts(item, change, [...path, index]));
  return isPlainMap(data) ? mapValues(data, (item, key) => mapTexts(item, change, [...path, key])) : data;
}
