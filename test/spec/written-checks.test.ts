import { describe, expect, it } from 'vitest';
import { checkSchema } from '../../src/spec/check.ts';
import { parseJob, refusal, withMinimalJob } from './parse-jobs.ts';

const severity = 'error';
const lines = (check: string) => withMinimalJob('checks:', `- ${check}`);

describe('checks', () => {
  it.each([
    ['notNull: a', { type: 'notNull', columns: ['a'], severity }],
    ['notNull: [a, b]', { type: 'notNull', columns: ['a', 'b'], severity }],
    ['notNull: { columns: a, severity: warn }', { type: 'notNull', columns: ['a'], severity: 'warn' }],
    ['min: { column: a, value: -0.5 }', { type: 'min', column: 'a', value: -0.5, severity }],
    ['max: { column: a, value: 1, severity: warn }', { type: 'max', column: 'a', value: 1, severity: 'warn' }],
    [
      'accepted: { column: a, values: [0, x, true] }',
      { type: 'accepted', column: 'a', values: [0, 'x', true], severity },
    ],
    ['unique: [a, b]', { type: 'unique', columns: ['a', 'b'], severity }],
    ['rowCount: input', { type: 'rowCount', equals: 'input', severity }],
    ['rowCount: 12', { type: 'rowCount', equals: 12, severity }],
    ['rowCount: { min: 1, max: 9 }', { type: 'rowCount', min: 1, max: 9, severity }],
    ['mean: { column: a, min: 0.1, max: 0.4 }', { type: 'mean', column: 'a', min: 0.1, max: 0.4, severity }],
    ['nullFraction: { column: a, max: 0.01 }', { type: 'nullFraction', column: 'a', max: 0.01, severity }],
    ['distinct: { column: a, min: 2 }', { type: 'distinct', column: 'a', min: 2, severity }],
    ['psi: { column: a, max: 0.2 }', { type: 'psi', column: 'a', max: 0.2, severity }],
  ])('may be written as %s', (written, check) => {
    expect(parseJob(lines(written)).checks).toEqual([check]);
    expect(checkSchema.parse(check)).toEqual(check);
  });

  it.each([
    ['notNul: a', '8:7 jobs.a.checks[0]: unknown key "notNul"', 'did you mean "notNull"?'],
    ['{}', '8:7 jobs.a.checks[0]: names no check', 'write one item for each check: `- notNull: [flight_id]`'],
    [
      '{ unique: a, notNull: a }',
      '8:7 jobs.a.checks[0]: names more than one check',
      'write one item for each check: `- notNull: [flight_id]`',
    ],
    ['min: { column: a }', '8:7 jobs.a.checks[0].min.value: is missing', 'add `value: 0`'],
    [
      'min: { column: a, value: x }',
      '8:25 jobs.a.checks[0].min.value: "x" is not a number',
      'write for example `value: 0`',
    ],
    ['mean: { column: a }', '8:7 jobs.a.checks[0].mean: has no bound', 'write min, max or both'],
    [
      'distinct: { column: a, min: 3, max: 2 }',
      '8:7 jobs.a.checks[0].distinct: has a min above its max',
      'swap the two',
    ],
    [
      'nullFraction: { column: a, max: 2 }',
      '8:34 jobs.a.checks[0].nullFraction.max: 2 is not a number from 0 to 1',
      'write for example `max: 0.01`',
    ],
    [
      'rowCount: output',
      '8:7 jobs.a.checks[0].rowCount.equals: "output" is not input',
      'write for example `equals: input`',
    ],
    [
      'notNull: { columns: a, severity: warning }',
      '8:30 jobs.a.checks[0].notNull.severity: "warning"',
      'write for example `severity: warn`',
    ],
  ])('are refused when written as %s', (written, message, hint) => {
    const refused = refusal(lines(written));
    expect(refused).toMatchObject({ code: 'SPEC_INVALID', hint });
    expect(refused.message).toContain(`jobs.yaml:${message}`);
  });
});
