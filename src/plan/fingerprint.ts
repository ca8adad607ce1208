import { createHash } from 'node:crypto';

/** All that changes predictions, by the name that a person would use for it. */
export type RunIdentity = Readonly<Record<string, unknown>>;

/** SHA-256 of the identity in canonical JSON: equal for equal content, whatever the order of keys. */
export function fingerprintOf(identity: RunIdentity): string {
  return createHash('sha256').update(canonicalJson(identity)).digest('hex');
}

/** Top-level names whose values differ, sorted. */
export function changedFields(before: RunIdentity, after: RunIdentity): readonly string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].filter((name) => canonicalJson(before[name]) !== canonicalJson(after[name])).sort();
}

export function canonicalJson(value: unknown): string {
  return (
    JSON.stringify(value, (_key, inner: unknown) => {
      if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
      return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
    }) ?? 'undefined'
  );
}

/** The name under which an identity has the files of the input. */
export const inputFiles = 'input files';

/** The name under which an identity has what files of labels say. */
export const labelFiles = 'label files';

/** Whether two identities differ in their input files at most. */
export function differInInput(before: RunIdentity, after: RunIdentity): boolean {
  return changedFields(before, after).every((name) => name === inputFiles);
}
