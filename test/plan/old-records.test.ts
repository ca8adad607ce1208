import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { manifestSchema } from '../../src/checkpoint/manifest.ts';
import { runPlanSchema } from '../../src/plan/run-plan.ts';

/** Files of a run that was published before runs had a logical date. */
const stored = (name: string): unknown =>
  JSON.parse(readFileSync(join(import.meta.dirname, '../../fixtures/records', name), 'utf8'));

it.each([
  ['plan-undated.json', runPlanSchema],
  ['manifest-undated.json', manifestSchema],
])('%s, which an earlier version wrote, is read as it is', (name, schema) => {
  expect(schema.parse(stored(name))).toEqual(stored(name));
});
