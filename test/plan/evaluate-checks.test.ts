import { describe, expect, it } from 'vitest';
import type { Measurement } from '../../src/dataset/contract.ts';
import { checkText, resultText } from '../../src/plan/check-result.ts';
import { checkResult, plannedChecks } from '../../src/plan/evaluate-checks.ts';
import type { Check } from '../../src/spec/check.ts';

const severity = 'error';
const rows = { input: 12, output: 10 };

/** The result of a check with one measure. */
function resultOf(check: Check, measured: Measurement) {
  const [planned, ...others] = plannedChecks([check]);
  if (planned === undefined || others.length > 0) throw new Error('expected one measure');
  return checkResult(planned, measured, rows);
}

describe('a check', () => {
  const min: Check = { type: 'min', column: 'p', value: 0, severity };
  const accepted: Check = { type: 'accepted', column: 'p', values: [0, 1], severity };
  const mean: Check = { type: 'mean', column: 'p', min: 0.1, max: 0.4, severity };
  const nullFraction: Check = { type: 'nullFraction', column: 'p', max: 0.1, severity };
  const distinct: Check = { type: 'distinct', column: 'p', min: 2, max: 2, severity };
  const psi: Check = { type: 'psi', column: 'p', max: 0.2, severity };
  const rowCount: Check = { type: 'rowCount', equals: 'input', severity };
  const unique: Check = { type: 'unique', columns: ['a', 'b'], severity };
  const notNull: Check = { type: 'notNull', columns: ['p'], severity };

  it.each<[Check, Measurement, string]>([
    [notNull, { count: 0 }, 'notNull: p'],
    [unique, { count: 0 }, 'unique: a, b'],
    [accepted, { count: 0 }, 'accepted: p is one of 0, 1'],
    [min, { count: 0, value: 0 }, 'min: p is 0, at least 0'],
    [min, { count: 0 }, 'min: p has no value'],
    [{ ...min, type: 'max', value: 1 }, { count: 0, value: 1 }, 'max: p is 1, at most 1'],
    [mean, { count: 10, value: 0.1 }, 'mean: p is 0.1, at least 0.1 and at most 0.4'],
    [nullFraction, { count: 1 }, 'nullFraction: p is 0.1, at most 0.1'],
    [distinct, { count: 2 }, 'distinct: p is 2, at least 2 and at most 2'],
    [rowCount, { count: 12 }, 'rowCount is 12, 12'],
    [{ type: 'rowCount', min: 10, severity }, { count: 10 }, 'rowCount is 10, at least 10'],
    [psi, { count: 0, bins: { reference: [5, 5], table: [10, 10] } }, 'psi: p is 0, at most 0.2'],
    [psi, { count: 0 }, 'psi: p (nothing is published to compare with)'],
  ])('%o passes with %o', (check, measured, text) => {
    const result = resultOf(check, measured);
    expect(result.passed).toBe(true);
    expect(resultText(result)).toBe(text);
  });

  it.each<[Check, Measurement, string]>([
    [notNull, { count: 1, example: { key: { id: '7' } } }, 'notNull: p is null in 1 row (e.g. id 7)'],
    [unique, { count: 3, example: { key: { a: '1', b: 'x' } } }, 'unique: a, b is repeated in 3 rows (e.g. a 1, b x)'],
    [accepted, { count: 2, example: { key: {}, value: '5' } }, 'accepted: p is none of 0, 1 in 2 rows (e.g. 5)'],
    [
      min,
      { count: 2, value: -0.5, example: { key: { id: '7' }, value: '-0.5' } },
      'min: p is -0.5, not at least 0 (2 rows, e.g. id 7 with -0.5)',
    ],
    [min, { count: 1, value: Number.NaN }, 'min: p is NaN, not at least 0 (1 row)'],
    [mean, { count: 10, value: 0.41 }, 'mean: p is 0.41, not at least 0.1 and at most 0.4'],
    [mean, { count: 10, value: 0.400000001 }, 'mean: p is 0.400000001, not at least 0.1 and at most 0.4'],
    [mean, { count: 10, value: Number.NaN }, 'mean: p is NaN, not at least 0.1 and at most 0.4'],
    [mean, { count: 0 }, 'mean: p has no value, not at least 0.1 and at most 0.4'],
    [nullFraction, { count: 2 }, 'nullFraction: p is 0.2, not at most 0.1 (2 rows)'],
    [distinct, { count: 3 }, 'distinct: p is 3, not at least 2 and at most 2'],
    [rowCount, { count: 10 }, 'rowCount is 10, not 12'],
    [{ ...rowCount, equals: 9, min: 1 }, { count: 10 }, 'rowCount is 10, not 9 and at least 1'],
    [psi, { count: 0, bins: { reference: [10, 0], table: [0, 10] } }, 'psi: p is 18.4188, not at most 0.2'],
    [psi, { count: 0, bins: { reference: [10, 0], table: [0, 0] } }, 'psi: p has no value, not at most 0.2'],
  ])('%o fails with %o', (check, measured, text) => {
    const result = resultOf(check, measured);
    expect(result).toMatchObject({ passed: false, severity });
    expect(checkText(result)).toBe(text);
  });

  it('of several columns has a result for each, unless they are a key', () => {
    const checks: readonly Check[] = [
      { type: 'notNull', columns: ['a', 'b'], severity: 'warn' },
      { type: 'unique', columns: ['a', 'b'], severity },
    ];
    expect(plannedChecks(checks).map(({ column, measure }) => ({ column, measure }))).toEqual([
      { column: 'a', measure: { type: 'nulls', column: 'a' } },
      { column: 'b', measure: { type: 'nulls', column: 'b' } },
      { column: 'a, b', measure: { type: 'repeated', columns: ['a', 'b'] } },
    ]);
  });

  it('keeps numbers that JSON cannot hold as texts', () => {
    expect(resultOf(min, { count: 1, value: Number.NEGATIVE_INFINITY })).toMatchObject({
      value: '-Infinity',
      bound: 0,
    });
  });
});
