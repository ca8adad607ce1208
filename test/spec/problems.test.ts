import { describe, expect, it } from 'vitest';
import { parse, refusal, withMinimalJob, withoutFolder } from './parse-jobs.ts';

const jobsHint =
  'write a name and under it model, input and output; `nightshift init MODEL DATASET` writes a whole spec';
const job = '{ model: m, input: i, output: o }';

/** Whole files whose YAML is right. */
const files: readonly (readonly [text: string, message: string, hint: string])[] = [
  ['', '1:1 is empty', '`nightshift init MODEL DATASET` writes a spec to start from'],
  ['# nothing\n', '1:1 is empty', '`nightshift init MODEL DATASET` writes a spec to start from'],
  ['- a', '1:1 a list is not a map', 'write `version: 1` and under `jobs:` a map of name to job'],
  [`jobs: { a: ${job} }`, '1:1 version: is missing', 'write `version: 1`, the only version there is'],
  [`version: 2\njobs: { a: ${job} }`, '1:1 version: 2 is not 1', 'write `version: 1`, the only version there is'],
  [`version: "1"\njobs: { a: ${job} }`, '1:1 version: "1" is not 1', 'write `version: 1`, the only version there is'],
  [`vresion: 1\njobs: { a: ${job} }`, '1:1 unknown key "vresion"', 'did you mean "version"?'],
  ['version: 1', '1:1 jobs: is missing', jobsHint],
  ['version: 1\njobs: [a]', '2:1 jobs: a list is not a map of name to job', jobsHint],
  ['version: 1\njobs: {}', '2:1 jobs: has no job', jobsHint],
  ['version: 1\njobs:\n  a:\n', '3:3 jobs.a: is empty', 'write model, input and output under it'],
  ['version: 1\njobs:\n  a: 5\n', '3:3 jobs.a: 5 is not a map', 'write model, input and output under it'],
  [
    `version: 1\njobs: { a b: ${job} }`,
    '2:9 jobs: "a b" is not a job name',
    'use letters, digits, dots, dashes and underscores, and begin with a letter or digit',
  ],
  [
    `version: 1\ndefaults:\njobs: { a: ${job} }`,
    '2:1 defaults: is empty',
    'write settings as under a job, or remove it',
  ],
  [
    `version: 1\ndefaults: { execution: { batchSise: 1 } }\njobs: { a: ${job}, b: ${job} }`,
    '2:26 defaults.execution: unknown key "batchSise"',
    'did you mean "batchSize"?',
  ],
  [
    'version: 1\ndefaults: { output: { format: csv } }\njobs:\n  a: { model: m, input: i }',
    '4:3 jobs.a.output.path: is missing',
    'add `path: out/scores`',
  ],
];

describe('a spec whose frame is wrong says where, what, and what to do', () => {
  it.each(files)('%j', (text, message, hint) => {
    expect(refusal(text)).toMatchObject({ code: 'SPEC_INVALID', message: `jobs.yaml:${message}`, hint });
  });
});

describe('a spec with several errors', () => {
  const text = withMinimalJob('execution: { batchSize: 0 }', 'errors: { maxRejects: 1 }', 'wat: 1');

  it('shows the first and counts the rest', () => {
    expect(refusal(text)).toMatchObject({
      message:
        'jobs.yaml:7:18 jobs.a.execution.batchSize: 0 is not auto or a whole number from 1 to 1000000 (and 2 more)',
      hint: 'write for example `batchSize: 256`',
    });
  });

  it('lists all of them for machines, in the order of the file', () => {
    const { details } = refusal(text);
    expect(details).toEqual({
      file: '/specs/jobs.yaml',
      line: 7,
      column: 18,
      path: 'jobs.a.execution.batchSize',
      problems: [
        {
          file: '/specs/jobs.yaml',
          line: 7,
          column: 18,
          path: 'jobs.a.execution.batchSize',
          message:
            '/specs/jobs.yaml:7:18 jobs.a.execution.batchSize: 0 is not auto or a whole number from 1 to 1000000',
          hint: 'write for example `batchSize: 256`',
        },
        {
          file: '/specs/jobs.yaml',
          line: 8,
          column: 15,
          path: 'jobs.a.errors',
          message: '/specs/jobs.yaml:8:15 jobs.a.errors: unknown key "maxRejects"',
          hint: 'did you mean "maxRejected"?',
        },
        {
          file: '/specs/jobs.yaml',
          line: 9,
          column: 5,
          path: 'jobs.a',
          message: '/specs/jobs.yaml:9:5 jobs.a: unknown key "wat"',
          hint: 'the keys here are description, model, input, features, output, execution, retry, resume, dedupe, cache, errors, checks, schedule, notify',
        },
      ],
    });
  });

  it('names an error in the defaults once, however many jobs have it', () => {
    const { message } = refusal(
      `version: 1\ndefaults: { execution: { batchSize: 0 } }\njobs: { a: ${job}, b: ${job} }`,
    );
    expect(message).toBe(
      'jobs.yaml:2:26 defaults.execution.batchSize: 0 is not auto or a whole number from 1 to 1000000',
    );
  });

  it('has none left when a default that is wrong is overridden everywhere', () => {
    const own = '{ model: m, input: i, output: o, execution: { batchSize: 1 } }';
    const { jobs } = parse(`version: 1\ndefaults: { execution: { batchSize: 0 } }\njobs: { a: ${own}, b: ${own} }`);
    expect(jobs.map(({ execution }) => execution.batchSize)).toEqual([1, 1]);
  });

  it('points at the anchor for what an alias brings in', () => {
    const { message } = refusal(`version: 1
jobs:
  a: &a { model: m, input: i, output: o, execution: { batchSize: 0 } }
  b: { <<: *a, output: p }
`);
    expect(withoutFolder(message)).toBe(
      'jobs.yaml:3:55 jobs.a.execution.batchSize: 0 is not auto or a whole number from 1 to 1000000 (and 1 more)',
    );
  });
});
