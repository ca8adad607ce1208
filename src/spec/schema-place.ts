import { z } from 'zod';
import type { SpecPath } from './location.ts';

export interface SchemaPlace {
  /** The keys that a map at this place may have; empty for anything else. */
  readonly keys: readonly string[];
  readonly accepts: (value: unknown) => boolean;
  /** What the nearest described schema at or above this place says about how to write it. */
  readonly advice: {
    readonly key: string | number | undefined;
    readonly example: unknown;
    readonly hint: string | undefined;
  };
}

/** Looks a path up in a schema, through optionals, defaults, pipes and unions. */
export function schemaPlace(root: z.ZodType, path: SpecPath): SchemaPlace {
  let schema: unknown = root;
  let advice = adviceOf(root, undefined);
  for (const segment of path) {
    schema = childOf(schema, segment);
    if (!(schema instanceof z.ZodType)) return { keys: [], accepts: () => false, advice };
    const own = adviceOf(schema, segment);
    if (own.example !== undefined || own.hint !== undefined) advice = own;
  }
  const found = schema;
  const map = unwrapped(found);
  return {
    keys: map instanceof z.ZodObject ? Object.keys(map.shape) : [],
    accepts: (value) => found instanceof z.ZodType && found.safeParse(value).success,
    advice,
  };
}

function adviceOf(schema: z.ZodType, key: string | number | undefined): SchemaPlace['advice'] {
  const { examples, hint } = schema.meta() ?? {};
  return {
    key,
    example: Array.isArray(examples) ? examples[0] : undefined,
    hint: typeof hint === 'string' ? hint : undefined,
  };
}

function childOf(schema: unknown, segment: string | number): unknown {
  const parent = unwrapped(schema);
  if (parent instanceof z.ZodObject) return parent.shape[segment];
  if (parent instanceof z.ZodRecord) return parent.valueType;
  if (parent instanceof z.ZodArray) return parent.element;
  if (parent instanceof z.ZodUnion) {
    return parent.options.map((option) => childOf(option, segment)).find((child) => child !== undefined);
  }
  return undefined;
}

function unwrapped(schema: unknown): unknown {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    return unwrapped(schema.unwrap());
  }
  return schema instanceof z.ZodPipe ? unwrapped(schema.in) : schema;
}
