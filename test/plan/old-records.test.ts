import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { manifestSchema } from '../../src/checkpoint/manifest.ts';
import { predictedColumns } from '../../src/plan/predicted-columns.ts';
import { runPlanSchema } from '../../src/plan/run-plan.ts';

/** Files of runs that earlier versions published: before runs had a logical date, and with all steps of expressions that there were. */
const stored = (name: string): unknown =>
  JSON.parse(readFileSync(join(import.meta.dirname, '../../fixtures/records', name), 'utf8'));

it.each([
  ['plan-undated.json', runPlanSchema],
  ['plan-expressions.json', runPlanSchema],
  ['manifest-undated.json', manifestSchema],
])('%s, which an earlier version wrote, is read as it is', (name, schema) => {
  expect(schema.parse(stored(name))).toEqual(stored(name));
});

it('the output columns that an earlier version planned are read as they were then', () => {
  const plan = runPlanSchema.parse(stored('plan-expressions.json'));
  expect(predictedColumns(plan).map(({ name, source, steps, type }) => [name, source, steps, type])).toEqual([
    ['digit', 'logits', [{ type: 'argmax' }], 'int64'],
    ['best', 'logits', [{ type: 'max' }], 'float32'],
    ['seven', 'logits', [{ type: 'softmax' }, { type: 'index', index: 7 }], 'float32'],
    ['first', 'logits', [{ type: 'index', index: 0 }], 'float32'],
  ]);
});
