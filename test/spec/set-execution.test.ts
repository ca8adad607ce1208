import { describe, expect, it } from 'vitest';
import { parseSpec } from '../../src/spec/load-spec.ts';
import { setExecution } from '../../src/spec/set-execution.ts';

const settings = { batchSize: 256, readAhead: 0 };

/** What stands before and after, between which the job is written. */
function around(job: string): string {
  return `# a spec\nversion: 1\n\njobs:\n  other: { model: m, input: i, output: p } # stays\n${job}\n  # the end\n`;
}

describe('settings that are written into a job', () => {
  it.each([
    [
      'in place of those that are there, between comments',
      '  a:\n    model: m\n    input: i\n    output: o\n    execution:\n      # why\n      batchSize: auto   # measured\n      devices: [cpu] # here\n\n',
      '  a:\n    model: m\n    input: i\n    output: o\n    execution:\n      # why\n      batchSize: 256   # measured\n      devices: [cpu] # here\n      readAhead: 0\n\n',
    ],
    [
      'into a map on one line',
      '  a: { model: m, input: i, output: o, execution: { batchSize:  8, devices: cpu } } # c',
      '  a: { model: m, input: i, output: o, execution: { batchSize:  256, devices: cpu, readAhead: 0 } } # c',
    ],
    [
      'into an empty map',
      '  a: { model: m, input: i, output: o, execution: {} }',
      '  a: { model: m, input: i, output: o, execution: { batchSize: 256, readAhead: 0 } }',
    ],
    [
      'behind the others where there are none',
      '  a:\n    model: m # the model\n    input: i\n    output:\n      path: o\n      keep: "*"',
      '  a:\n    model: m # the model\n    input: i\n    execution: { batchSize: 256, readAhead: 0 }\n    output:\n      path: o\n      keep: "*"',
    ],
    [
      'before the others where all of them go over lines',
      '  a:\n    model:\n      path: m\n    input:\n      path: i\n    output:\n      path: o',
      '  a:\n    execution: { batchSize: 256, readAhead: 0 }\n    model:\n      path: m\n    input:\n      path: i\n    output:\n      path: o',
    ],
    [
      'as JSON into JSON',
      '  "a": {"model": "m", "input": "i", "output": "o", "execution": {"batchSize": "auto"}}',
      '  "a": {"model": "m", "input": "i", "output": "o", "execution": {"batchSize": 256, "readAhead": 0}}',
    ],
    [
      'beside line ends of another system',
      '  a:\r\n    model: m\r\n    input: i\r\n    output: o\r\n',
      '  a:\r\n    model: m\r\n    input: i\r\n    output: o\r\n    execution: { batchSize: 256, readAhead: 0 }\r\n',
    ],
  ])('go %s', (_where, before, after) => {
    const written = setExecution(around(before), 'a', settings) ?? '';
    expect(written).toBe(around(after));
    const job = (text: string) => parseSpec({ text, path: '/specs/jobs.yaml', env: {} }).jobs;
    const [other, a] = job(around(before));
    expect(job(written)).toEqual([other, { ...a, execution: { ...a?.execution, ...settings } }]);
  });

  it('are the same after a second time', () => {
    const once = setExecution(around('  a: { model: m, input: i, output: o }'), 'a', settings) ?? '';
    expect(setExecution(once, 'a', settings)).toBe(once);
  });

  it.each([
    ['a job that is an alias', '  b: &b { model: m, input: i, output: o }\n  a: *b'],
    [
      'an execution that is an alias',
      '  b: { model: m, input: i, output: o, execution: &e {} }\n  a: { execution: *e }',
    ],
    ['no such job', '  b: { model: m, input: i, output: o }'],
  ])('find no place in %s', (_what, job) => {
    expect(setExecution(around(job), 'a', settings)).toBeUndefined();
  });
});
