import { z } from 'zod';
import { writtenSpecSchema } from './job-spec.ts';
import { isPlainMap, mapValues, type PlainMap } from './plain-data.ts';

/**
 * JSON Schema (draft 2020-12) of a spec as people write it, for completion and checks in editors.
 * It accepts every spec that `parseSpec` accepts, and leaves to it what takes more than one place to decide.
 */
export function specJsonSchema(): object {
  const { $schema, $defs, properties, ...root } = z.toJSONSchema(writtenSpecSchema, { io: 'input' });
  return {
    $schema,
    $id: 'urn:nightshift:jobs:1',
    title: 'nightshift jobs',
    description: 'Which tables to score with which ONNX models, and how.',
    ...root,
    properties,
    // Defaults may give what a job leaves out: only without them is it missing for sure.
    if: { not: { required: ['defaults'] } },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema, never awaited
    then: {
      type: 'object',
      properties: {
        jobs: { type: 'object', additionalProperties: { type: 'object', required: ['model', 'input', 'output'] } },
      },
    },
    $defs: { ...mapValues($defs ?? {}, forEditors), variable },
  };
}

/** What `${VAR}` looks like where a number, a boolean or a keyword is expected. */
const variable = { type: 'string', pattern: '\\$\\{', description: 'Filled from the environment.' } as const;

/** Requires no key, since `defaults` may have it, and lets a variable stand for every single value. */
function forEditors(schema: unknown): unknown {
  if (!isPlainMap(schema)) return schema;
  const { required: _required, ...rest } = schema;
  return mapValues(rest, (value, keyword) => {
    switch (keyword) {
      case 'properties':
        return isPlainMap(value) ? mapValues(value, valueForEditors) : value;
      case 'items':
      case 'additionalProperties':
        return valueForEditors(value);
      case 'anyOf':
        return Array.isArray(value) ? value.map(forEditors) : value;
      default:
        return value;
    }
  });
}

function valueForEditors(schema: unknown): unknown {
  const loose = forEditors(schema);
  if (!isPlainMap(loose) || acceptsVariable(loose)) return loose;
  const { description, default: usual, examples, anyOf, ...constraints } = loose;
  const choices = Array.isArray(anyOf) ? anyOf : [constraints];
  const notes = Object.entries({ description, default: usual, examples }).filter(([, note]) => note !== undefined);
  return { ...Object.fromEntries(notes), anyOf: [...choices, { $ref: '#/$defs/variable' }] };
}

/** Maps and lists aren't filled from variables; most texts match `${VAR}` as it is. */
function acceptsVariable({ type, pattern, anyOf, ...rest }: PlainMap): boolean {
  if (Array.isArray(anyOf)) return anyOf.some((choice) => isPlainMap(choice) && isText(choice));
  return type === 'object' || type === 'array' || isText({ type, pattern, ...rest });
}

function isText({ type, pattern, enum: values, const: value }: PlainMap): boolean {
  const isString = type === 'string' || (Array.isArray(type) && type.includes('string'));
  return isString && values === undefined && value === undefined && (pattern === undefined || pattern === '\\S');
}
