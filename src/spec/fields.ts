import { z } from 'zod';

/*
 * Building blocks of the spec's schema. Every `error` is a predicate that follows the value in a message:
 * `"parket"` + `is not one of parquet, csv`; that of a refinement stands alone. The first example of a field becomes the hint of its errors.
 */

export function field<T extends z.ZodType>(schema: T, description: string, ...examples: readonly unknown[]): T {
  return schema.meta(examples.length === 0 ? { description } : { description, examples: [...examples] });
}

export function closedMap<T extends z.ZodRawShape>(shape: T, error = 'is not a map') {
  return z.strictObject(shape, { error });
}

export function oneOf<const T extends readonly [string, ...string[]]>(values: T) {
  return z.enum(values, { error: `is not one of ${values.join(', ')}` });
}

export function text(what: string) {
  const error = `is not ${what}`;
  return z
    .string({ error })
    .regex(/\S/, { error })
    .refine((value) => !value.includes('\0'), { error: 'has a NUL character in it' });
}

export function wholeNumber(min: number, max?: number) {
  const error = `is not ${wholeNumberText(min, max)}`;
  const schema = z.int({ error }).min(min, { error });
  return max === undefined ? schema : schema.max(max, { error });
}

export function autoOrWholeNumber(min: number, max?: number) {
  const error = `is not auto or ${wholeNumberText(min, max)}`;
  const schema = z.int({ error }).min(min, { error });
  return z.union([z.literal('auto'), max === undefined ? schema : schema.max(max, { error })], { error });
}

function wholeNumberText(min: number, max: number | undefined): string {
  return max === undefined ? `a whole number of at least ${min}` : `a whole number from ${min} to ${max}`;
}

/** One text or a list of at least one; always a list afterwards. */
export function oneOrMore(what: string, whats: string) {
  const one = text(what);
  const error = `is not ${what} or a list of ${whats}`;
  return z
    .union([one, z.array(one, { error }).min(1, { error })], { error })
    .transform((value) => (typeof value === 'string' ? [value] : value));
}

const unitBytes = {
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
} as const;

const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A duration with its unit, `500ms`, `10s`, `5m`; milliseconds afterwards. */
export function duration(least: { readonly seconds: number } = { seconds: 0 }) {
  const error = 'is not a duration with a unit of ms, s, m, h or d';
  return z
    .string({ error })
    .regex(/^\d+(\.\d+)?\s*(ms|s|m|h|d)$/, { error })
    .transform((written) => {
      const unit = Object.entries(unitMs).find(([name]) => written.replace(/[\d.\s]/g, '') === name);
      return Math.round(Number.parseFloat(written) * (unit?.[1] ?? 1));
    })
    .refine((ms) => ms >= least.seconds * 1000, { error: `is shorter than ${least.seconds} s` });
}

/** A size with its unit, `2GB` or `512MiB`; bytes afterwards. */
export function size(least: { readonly bytes: number } = { bytes: 0 }) {
  const error = 'is not a size with a unit of KB, MB, GB, TB, KiB, MiB, GiB or TiB';
  return z
    .string({ error })
    .regex(/^\d+(\.\d+)?\s*[kKmMgGtT][iI]?[bB]$/, { error })
    .transform((written) => {
      const unit = Object.entries(unitBytes).find(([name]) => written.replace(/[\d.\s]/g, '').toLowerCase() === name);
      return Math.round(Number.parseFloat(written) * (unit?.[1] ?? 1));
    })
    .refine((bytes) => bytes >= least.bytes, { error: `is less than ${least.bytes / unitBytes.mb}MB` });
}
