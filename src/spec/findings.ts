import { stringify } from 'yaml';
import type { z } from 'zod';
import { nearest } from '../core/suggest.ts';
import { formatPath, type SpecPath } from './location.ts';
import { valueAt } from './plain-data.ts';
import { type SchemaPlace, schemaPlace } from './schema-place.ts';

/** What a schema found wrong, before anyone knows where the value was written. */
export interface Finding {
  readonly path: SpecPath;
  /** What to point at: the path, or the unknown key under it. */
  readonly at: SpecPath;
  readonly text: string;
  readonly hint: string;
  /** Nothing is at the path, and something must be. */
  readonly isAbsent?: true;
  /** For an unknown key: the path that was probably meant. */
  readonly meant?: string;
}

export interface Checked {
  readonly schema: z.ZodType;
  readonly data: unknown;
  /** The template that a value was filled from; it is shown in the value's stead, which may be a secret. */
  readonly templateAt?: (path: SpecPath) => string | undefined;
}

export function findingsOf(error: z.ZodError, checked: Checked): readonly Finding[] {
  const findings = error.issues.flatMap(mostSpecific).flatMap((issue): readonly Finding[] => {
    const path = pathOf(issue);
    const place = schemaPlace(checked.schema, path);
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map(
        (key) => misplacedKey({ path, key, keys: place.keys }, checked) ?? unknownKey(path, key, place.keys),
      );
    const value = valueAt(checked.data, path)?.value;
    if (value === undefined) return [{ path, at: path, isAbsent: true, text: 'is missing', hint: missingHint(place) }];
    if (value === null) return [{ path, at: path, text: 'is empty', hint: emptyHint(place) }];
    if (issue.code === 'custom') return [{ path, at: path, text: issue.message, hint: hintOf(issue, value, place) }];
    const text = `${shown(value, checked.templateAt?.(path))} ${issue.message}`;
    return [{ path, at: path, text, hint: hintOf(issue, value, place) }];
  });
  // A mistyped key is one mistake, not an unknown key and a missing one.
  const meant = new Set(findings.map((finding) => finding.meant));
  return findings.filter((finding) => !finding.isAbsent || !meant.has(formatPath(finding.path)));
}

export function unknownKey(path: SpecPath, key: string, known: readonly string[]): Finding {
  const meant = nearest(key, known);
  const hint = meant === undefined ? `the keys here are ${known.join(', ')}` : `did you mean ${JSON.stringify(meant)}?`;
  const finding = { path, at: [...path, key], text: `unknown key ${JSON.stringify(key)}`, hint };
  return meant === undefined ? finding : { ...finding, meant: formatPath([...path, meant]) };
}

interface UnknownKey {
  readonly path: SpecPath;
  readonly key: string;
  readonly keys: readonly string[];
}

/** A key that stands beside the map that it belongs to. */
function misplacedKey({ path, key, keys }: UnknownKey, { schema, data }: Checked): Finding | undefined {
  const holder = keys.find((name) => {
    const at = [...path, name];
    return isMap(valueAt(data, at)?.value) && schemaPlace(schema, at).keys.includes(key);
  });
  if (holder === undefined) return undefined;
  const [first = key] = schemaPlace(schema, [...path, holder]).keys;
  const hint = `${key} belongs inside ${holder}: ${holder}: { ${first}: …, ${key}: … }`;
  return { ...unknownKey(path, key, []), hint };
}

function isMap(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function pathOf(issue: z.core.$ZodIssue): SpecPath {
  return issue.path.map((segment) => (typeof segment === 'symbol' ? String(segment) : segment));
}

/** When one way to write a value has the right shape and is wrong inside, what is wrong inside it says more. */
function mostSpecific(issue: z.core.$ZodIssue): readonly z.core.$ZodIssue[] {
  if (issue.code !== 'invalid_union') return [issue];
  const inside = issue.errors.find((issues) => issues.length > 0 && issues.every((inner) => inner.path.length > 0));
  return inside?.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] })) ?? [issue];
}

function missingHint({ advice }: SchemaPlace): string {
  return advice.hint ?? `add ${written(advice)}`;
}

function emptyHint({ advice }: SchemaPlace): string {
  return advice.hint ?? `give it a value, like ${written(advice)}, or remove it`;
}

function hintOf(issue: z.core.$ZodIssue, value: unknown, { advice, accepts }: SchemaPlace): string {
  const own = issue.code === 'custom' ? issue.params?.['hint'] : undefined;
  if (typeof own === 'string') return own;
  if (issue.code === 'invalid_value' && typeof value === 'string') {
    const meant = nearest(
      value,
      issue.values.filter((known) => typeof known === 'string'),
    );
    if (meant !== undefined) return `did you mean ${JSON.stringify(meant)}?`;
  }
  if ((Number.isFinite(value) || typeof value === 'boolean') && accepts(String(value))) {
    return `put it in quotes: "${String(value)}"`;
  }
  return advice.hint ?? `write for example ${written(advice)}`;
}

function written({ key, example }: SchemaPlace['advice']): string {
  const yaml = stringify(example, { collectionStyle: 'flow', lineWidth: 0, flowCollectionPadding: true }).trim();
  return `\`${key === undefined ? '' : `${key}: `}${yaml}\``;
}

function shown(value: unknown, template: string | undefined): string {
  if (template !== undefined) return `the value of ${JSON.stringify(template)}`;
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  const json = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return json.length > 80 ? `${json.slice(0, 77)}...` : json;
}
