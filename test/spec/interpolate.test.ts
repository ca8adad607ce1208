import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { interpolated } from '../../src/spec/interpolate.ts';
import { parseJob, refusal, withJob, withMinimalJob } from './parse-jobs.ts';

const env = { DAY: '2026-01-31', EMPTY: '', N: '256', YES: 'true', DOLLAR: '${DAY}', SECRET: 'hunter2' };

describe('a template', () => {
  it.each([
    ['in/${DAY}/x', 'in/2026-01-31/x'],
    ['${DAY}${N}', '2026-01-31256'],
    ['${DAY:-never}', '2026-01-31'],
    ['${NONE:-a:-b}', 'a:-b'],
    ['${NONE:-}', ''],
    ['${EMPTY}', ''],
    ['${EMPTY:-full}', 'full'],
    ['$${DAY}', '${DAY}'],
    ['$$${DAY}', '$${DAY}'],
    ['$DAY costs $5 { }', '$DAY costs $5 { }'],
    ['${DOLLAR}', '${DAY}'],
  ])('%s becomes %s', (template, text) => {
    expect(interpolated(template, env)).toEqual({ state: 'done', text });
  });

  it.each([
    ['${NONE}', 'the environment variable NONE is not set', 'set NONE, or give a default: ${NONE:-...}'],
    [
      '${toString}',
      'the environment variable toString is not set',
      'set toString, or give a default: ${toString:-...}',
    ],
    ['${}', '${} does not name a variable', 'write ${NAME} or ${NAME:-default}; write $${ for a literal ${'],
    ['${A-B}', '${A-B} does not name a variable', 'write ${NAME} or ${NAME:-default}; write $${ for a literal ${'],
    ['a ${DAY', '"${DAY" has no closing }', 'close it; write $${ for a literal ${'],
    [
      '${A:-${B}}',
      '"${A:-${B}" has a ${ within its braces',
      'a default is a text as it stands, without ${; write $${ for a literal ${',
    ],
    ...['date', 'date:yyyy', 'date-1d', 'date:-x', 'run.id', 'job'].map((name): [string, string, string] => [
      `\${${name}}`,
      `\${${name}} is not filled here`,
      "date, run.id and job are filled in input.path, input.where, output.path, model.path and a text's tokenizer; write $${ for a literal ${",
    ]),
  ])('%s fails: %s', (template, text, hint) => {
    expect(interpolated(template, env)).toMatchObject({ state: 'failed', text, hint });
  });

  it.each([
    ['${dat}', 'did you mean ${date}? Else set dat, or give a default: ${dat:-...}'],
    ['${DATE}', 'did you mean ${date}? Else set DATE, or give a default: ${DATE:-...}'],
    ['${DATE-1d:%Y}', 'did you mean ${date-1d:%Y}? Else write ${NAME} or ${NAME:-default}; write $${ for a literal ${'],
    ['${run_id}', 'did you mean ${run.id}? Else set run_id, or give a default: ${run_id:-...}'],
    ['${JOB}', 'did you mean ${job}? Else set JOB, or give a default: ${JOB:-...}'],
  ])('that is nearly one of a run fails with the one that is meant: %s', (template, hint) => {
    expect(interpolated(template, {}, 'path')).toMatchObject({ state: 'failed', hint });
    // Where it would not be filled it is not proposed.
    expect(interpolated(template, {})).toMatchObject({ state: 'failed', hint: expect.not.stringContaining('mean') });
    expect(interpolated(template, { dat: 'a', DATE: 'a', run_id: 'a', JOB: 'a' }, 'path').state).toBe(
      template.includes('-1d') ? 'failed' : 'done',
    );
  });

  it('without a dollar sign stays as it is', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('$')),
        (text) => {
          expect(interpolated(text, env)).toEqual({ state: 'done', text });
        },
      ),
    );
  });

  it('that is escaped stands for itself, whatever it says', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('$', '{', '}', 'A', ':', '-', ' ') }), (text) => {
        expect(
          interpolated(
            text.replaceAll('${', () => '$${'),
            {},
          ),
        ).toEqual({ state: 'done', text });
      }),
    );
  });
});

describe('variables in a spec', () => {
  it('fill values of jobs and defaults, never keys', () => {
    const job = parseJob(
      `version: 1
defaults: { execution: { fallback: "\${FALLBACK:-cpu}" } }
jobs:
  a:
    model: m
    input: ["in/\${DAY}/*.csv"]
    output: { path: o, columns: { "\${DAY}": label } }
`,
      { env },
    );
    expect(job.input.paths).toEqual(['in/2026-01-31/*.csv']);
    expect(job.execution.fallback).toBe('cpu');
    expect(job.output.columns).toEqual({ '${DAY}': 'label' });
  });

  it('are never read as YAML again', () => {
    const trap = { TRAP: '[a, b]: {c: d} # e' };
    expect(parseJob(withMinimalJob('description: ${TRAP}'), { env: trap }).description).toBe(trap.TRAP);
    expect(parseJob(withMinimalJob('description: ${N}'), { env }).description).toBe('256');
  });

  it('give numbers and booleans where only those will do', () => {
    const job = parseJob(
      withJob(
        'model: m',
        'input: { path: i, limit: "${N}", csv: { header: "${YES}" } }',
        'output: o',
        'execution: { batchSize: "${N}", readAhead: "${AHEAD:-2}" }',
        'errors: { maxRejected: "${N}" }',
      ),
      { env },
    );
    expect(job.input).toMatchObject({ limit: 256, csv: { header: true } });
    expect(job.execution).toMatchObject({ batchSize: 256, readAhead: 2 });
    expect(job.errors.maxRejected).toEqual({ rows: 256 });
  });

  it('that are not set are an error where they are named', () => {
    expect(refusal(withJob('model: m', 'input: [i, "${NONE}"]', 'output: o'))).toMatchObject({
      message: 'jobs.yaml:5:16 jobs.a.input.path[1]: the environment variable NONE is not set',
      hint: 'set NONE, or give a default: ${NONE:-...}',
    });
  });

  it('that are not set are not reported a second time as a wrong value', () => {
    expect(refusal(withMinimalJob('execution: { batchSize: "${NONE}" }')).message).toBe(
      'jobs.yaml:7:18 jobs.a.execution.batchSize: the environment variable NONE is not set',
    );
  });

  it('do not show their value in messages, since it may be a secret', () => {
    expect(refusal(withMinimalJob('execution: { fallback: "${SECRET}" }'), { env }).message).toBe(
      'jobs.yaml:7:18 jobs.a.execution.fallback: the value of "${SECRET}" is not one of fail, cpu',
    );
  });
});
