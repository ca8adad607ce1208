import { describe, expect, it } from 'vitest';
import { planRun, withPublishing } from '../../src/plan/plan-run.ts';
import { type PlanCase, planInput, tensor } from './plan-input.ts';

const inputOf = (checks: readonly object[], output: PlanCase['outputs'] = [tensor('late', 'int64', ['N'])]) =>
  planInput({
    columns: { a: 'FLOAT', b: 'FLOAT', name: 'VARCHAR' },
    outputs: output,
    job: { features: { x: ['a', 'b'] }, output: { path: 'out', keep: ['name'] }, checks },
  });

describe('the columns of checks', () => {
  it.each([
    [
      { notNull: ['late', 'nam'] },
      'COLUMN_MISSING',
      'checks.0.notNull.columns.1: column nam is not in the output',
      'did you mean name?',
    ],
    [
      { psi: { column: 'probability', max: 1 } },
      'COLUMN_MISSING',
      'checks.0.psi.column: column probability is not in the output',
      'its columns are name, late',
    ],
    [
      { min: { column: 'name', value: 1 } },
      'SPEC_INVALID',
      'checks.0.min.column: name is VARCHAR, and min needs numbers',
      'choose a column of numbers, or check it with notNull, accepted or distinct',
    ],
    [
      { accepted: { column: 'late', values: [0, 'yes'] } },
      'SPEC_INVALID',
      'checks.0.accepted.column: late is BIGINT, and "yes" is no number',
      'write values as they are in the column',
    ],
  ])('of %o are refused', (check, code, message, hint) => {
    expect(() => planRun(inputOf([check]))).toThrow(expect.objectContaining({ code, message, hint }));
  });

  it('may be kept or predicted, and those of lists are no numbers', () => {
    const check = { mean: { column: 'late', max: 1 } };
    expect(planRun(inputOf([check])).checks).toHaveLength(1);
    expect(() => planRun(inputOf([check], [tensor('late', 'float32', ['N', 2])]))).toThrow(
      'late is FLOAT[], and mean needs numbers',
    );
  });

  it('may change without another fingerprint', () => {
    const before = planRun(inputOf([{ notNull: 'late' }]));
    const input = inputOf([{ unique: 'late' }]);
    expect(planRun(input).fingerprint).toBe(before.fingerprint);
    expect(withPublishing(before, input)).toEqual(planRun(input));
  });
});
