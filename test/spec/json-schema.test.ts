import { readFile } from 'node:fs/promises';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { specJsonSchema } from '../../src/spec/json-schema.ts';
import { isPlainMap } from '../../src/spec/plain-data.ts';
import { withJob, withMinimalJob } from './parse-jobs.ts';

const validate = new Ajv2020({ allErrors: true, allowUnionTypes: true, strict: true, strictRequired: false }).compile(
  specJsonSchema(),
);
const accepts = (text: string) => validate(parseYaml(text, { merge: true }));

describe('the JSON Schema of a spec', () => {
  it('accepts the example', async () => {
    const isAccepted = accepts(await readFile('jobs.example.yaml', 'utf8'));
    expect(validate.errors).toBeNull();
    expect(isAccepted).toBe(true);
  });

  it.each([
    ['images', withMinimalJob('features: { x: { image: a, resize: 8 }, y: { image: { column: a, resize: [8, 8] } } }')],
    ['short forms', withJob('model: m', 'input: [a, b]', 'output: o', 'cache: k', 'features: { x: a, y: [a, b] }')],
    [
      'long forms',
      withJob('model: { path: m }', 'input: { path: i }', 'output: { path: o }', 'features: { x: { columns: a } }'),
    ],
    [
      'variables in place of numbers and keywords',
      withMinimalJob('execution: { batchSize: "${N}", fallback: "${F}", devices: ["${D}"] }'),
    ],
    [
      'jobs that leave to the defaults what they need',
      'version: 1\ndefaults: { model: m, output: { format: csv } }\njobs: { a: { input: i, output: { path: o } } }',
    ],
    ['a percentage of rejected rows', withMinimalJob('errors: { maxRejected: 0.1% }')],
    [
      'every check, short and long',
      withMinimalJob(
        'checks:',
        '- notNull: [a, b]',
        '- notNull: a',
        '- notNull: { columns: [a], severity: warn }',
        '- min: { column: a, value: 0 }',
        '- accepted: { column: a, values: [0, x, true] }',
        '- unique: a',
        '- rowCount: input',
        '- rowCount: { min: 1 }',
        '- psi: { column: a, max: "${MAX}" }',
      ),
    ],
    [
      'notices, short and long',
      withMinimalJob(
        'notify:',
        '  onFailure: { webhook: "${URL}" }',
        '  onSuccess: [{ command: ./a.sh }, { command: [a, b] }]',
        '  onMissed: [{ webhook: { url: "${URL}", secret: "${S}", timeout: 10s, attempts: 3, headers: { A: b } } }]',
        '  ping: { url: "https://hc-ping.com/${ID}", timeout: 5s }',
      ),
    ],
    ['one device', withMinimalJob('execution: { devices: cuda:0, maxWorkerMemory: 2GB }')],
  ])('accepts %s', (_what, text) => {
    expect(accepts(text), JSON.stringify(validate.errors)).toBe(true);
  });

  it.each([
    ['an unknown key', withMinimalJob('descripton: x')],
    ['an unknown key deep inside', withMinimalJob('execution: { batchSise: 1 }')],
    [
      'an unknown key in the defaults',
      'version: 1\ndefaults: { exection: {} }\njobs: { a: { model: m, input: i, output: o } }',
    ],
    ['an unknown format', withJob('model: m', 'input: i', 'output: { path: o, format: parket }')],
    ['a number out of range', withMinimalJob('execution: { readAhead: 9 }')],
    ['a check that does not exist', withMinimalJob('checks: [notNul: a]')],
    ['a job without a model, when there are no defaults', withJob('input: i', 'output: o')],
    ['another version', 'version: 2\njobs: {}'],
    ['a job name with a blank', 'version: 1\njobs: { a b: { model: m, input: i, output: o } }'],
  ])('rejects %s', (_what, text) => {
    expect(accepts(text)).toBe(false);
  });

  it('describes every key', () => {
    expect(undescribed(specJsonSchema())).toEqual([]);
  });

  it('closes every map that has named keys', () => {
    expect(JSON.stringify(specJsonSchema()).match(/"additionalProperties":false/g)?.length).toBeGreaterThan(6);
    expect(specJsonSchema()).toMatchObject({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      title: 'nightshift jobs',
      additionalProperties: false,
    });
  });
});

function undescribed(schema: unknown, path = ''): readonly string[] {
  if (Array.isArray(schema)) return schema.flatMap((item) => undescribed(item, path));
  if (!isPlainMap(schema)) return [];
  return Object.entries(schema).flatMap(([key, value]) => {
    if (key !== 'properties' || !isPlainMap(value) || path.startsWith('then'))
      return undescribed(value, `${path}${key}/`);
    return Object.entries(value).flatMap(([name, child]) => [
      ...(isPlainMap(child) && typeof child['description'] === 'string' ? [] : [`${path}${name}`]),
      ...undescribed(child, `${path}${name}/`),
    ]);
  });
}
