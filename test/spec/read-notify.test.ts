import { expect, it } from 'vitest';
import { notifyIn } from '../../src/spec/read-notify.ts';

const env = { PING: 'https://hc.example/id', TRIES: '5' };
const ping = { url: 'https://hc.example/id', timeoutMs: 10_000 };
const webhook = { type: 'webhook', url: 'https://a.example/x', timeoutMs: 10_000, headers: {} };
const spec = (defaults: string, job: string) => `version: 1
defaults: ${defaults}
jobs:
  nightly: ${job}
  other: { model: m, input: i, output: o }
`;

it.each([
  [
    'a condition names a variable that is not set',
    '{}',
    '{ input: { where: "${WHERE}" }, notify: { ping: "${PING}" } }',
    { ping },
  ],
  ['the job lacks all else, and the defaults have it', '{ notify: { ping: "${PING}" } }', '{}', { ping }],
  [
    'a number comes from a variable',
    '{ retry: 7 }',
    '{ notify: { onFailure: { webhook: { url: https://a.example/x, attempts: "${TRIES}" } } } }',
    { onFailure: [{ ...webhook, attempts: 5 }] },
  ],
])('who is told can be read where %s', (_what, defaults, job, notify) => {
  const read = notifyIn(spec(defaults, job), { path: 'jobs.yaml', env, job: 'nightly' });
  expect(read).toEqual({ onFailure: [], onSuccess: [], onMissed: [], ...notify });
});

it('a --set counts, as it does for the run', () => {
  const text = spec('{}', '{ notify: { ping: https://other.example } }');
  const overrides = ['notify.ping=https://hc.example/id'];
  expect(notifyIn(text, { path: 'jobs.yaml', env, job: 'nightly', overrides })).toMatchObject({ ping });
});

it.each([
  ['says nothing of it', '{}', '{ input: 7 }'],
  ['names a variable there that is not set', '{}', '{ notify: { onFailure: { command: [a, "${NONE}"] } } }'],
  ['is wrong there', '{}', '{ notify: { pnig: https://hc.example } }'],
  ['has no jobs that are maps', '{}', '7'],
])('nobody is told where the spec %s', (_what, defaults, job) => {
  expect(notifyIn(spec(defaults, job), { path: 'jobs.yaml', env, job: 'nightly' })).toBeUndefined();
});
