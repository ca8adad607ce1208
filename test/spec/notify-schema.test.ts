import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseStoredJob, storedJobText } from '../../src/spec/written-job.ts';
import { parseJob, refusal, withMinimalJob } from './parse-jobs.ts';

const lines = (...notify: readonly string[]) => withMinimalJob('notify:', ...notify.map((line) => `  ${line}`));
const notifyOf = (...notify: readonly string[]) => parseJob(lines(...notify)).notify;

const webhook = { type: 'webhook', url: 'https://a.example/x', timeoutMs: 10_000, attempts: 3, headers: {} };
const command = { type: 'command', command: ['./a.sh'] };
const secret = Buffer.alloc(24, 7).toString('base64');

describe('notices of a job', () => {
  it.each([
    ['onFailure: { webhook: https://a.example/x }', { onFailure: [webhook] }],
    ['onFailure: { webhook: { url: https://a.example/x } }', { onFailure: [webhook] }],
    ['onFailure: [{ webhook: https://a.example/x }, { command: ./a.sh }]', { onFailure: [webhook, command] }],
    ['onSuccess: { command: ./a.sh }', { onSuccess: [command] }],
    ['onSuccess: { command: [./a.sh, "", x y] }', { onSuccess: [{ type: 'command', command: ['./a.sh', '', 'x y'] }] }],
    ['onMissed: []', { onMissed: [] }],
    [
      `onMissed: { webhook: { url: http://a.example, secret: whsec_${secret}, timeout: 1m, attempts: 1, headers: { A: b } } }`,
      {
        onMissed: [
          {
            type: 'webhook',
            url: 'http://a.example',
            secret: `whsec_${secret}`,
            timeoutMs: 60_000,
            attempts: 1,
            headers: { A: 'b' },
          },
        ],
      },
    ],
    ['ping: https://hc.example/id', { ping: { url: 'https://hc.example/id', timeoutMs: 10_000 } }],
    ['ping: { url: https://hc.example/id, timeout: 3s }', { ping: { url: 'https://hc.example/id', timeoutMs: 3000 } }],
  ])('%s means what its long form says', (text, expected) => {
    expect(notifyOf(text)).toEqual({ onFailure: [], onSuccess: [], onMissed: [], ...expected });
  });

  it('come from the defaults where a job has none of its own', () => {
    const text = `version: 1
defaults: { notify: { onFailure: { command: a }, ping: https://hc.example/id } }
jobs: { a: { model: m, input: i, output: o, notify: { onFailure: { command: b } } } }`;
    expect(parseJob(text).notify).toMatchObject({
      onFailure: [{ command: ['b'] }],
      ping: { url: 'https://hc.example/id' },
    });
  });

  it.each([
    ['onFailure: 5', '8:7 jobs.a.notify.onFailure: 5 is not a target or a list of targets'],
    ['onFailure: {}', '8:7 jobs.a.notify.onFailure[0]: has neither command nor webhook'],
    ['onFailure: { comand: x }', '8:20 jobs.a.notify.onFailure[0]: unknown key "comand"'],
    [
      'onFailure: [{ command: x, webhook: "http://a" }]',
      '8:19 jobs.a.notify.onFailure[0]: has both command and webhook',
    ],
    ['onFailure: [x]', '8:19 jobs.a.notify.onFailure[0]: "x" is not a map of command or webhook'],
    [
      'onFailure: { command: [] }',
      '8:20 jobs.a.notify.onFailure[0].command: a list is not a program or a list of a program and its arguments',
    ],
    ['onFailure: { command: "" }', '8:20 jobs.a.notify.onFailure[0].command: names no program'],
    ['onFail: { command: x }', '8:7 jobs.a.notify: unknown key "onFail"'],
    [
      'onSuccess: { webhook: { url: "http://a", attempts: 0 } }',
      '8:48 jobs.a.notify.onSuccess[0].webhook.attempts: 0 is not a whole number from 1 to 10',
    ],
    [
      'onSuccess: { webhook: { url: "http://a", timeout: 2m } }',
      '8:48 jobs.a.notify.onSuccess[0].webhook.timeout: is longer than 60 s',
    ],
    ['onSuccess: { webhook: {} }', '8:20 jobs.a.notify.onSuccess[0].webhook.url: is missing'],
    [
      'onSuccess: { webhook: { url: "http://a", headers: { webhook-id: x } } }',
      '8:59 jobs.a.notify.onSuccess[0].webhook.headers.webhook-id: is a header that nightshift writes itself',
    ],
    ['ping: hc.example/id', '8:7 jobs.a.notify.ping.url: is not an http or https URL'],
  ])('%s is refused at its place', (text, message) => {
    expect(refusal(lines(text)).message).toBe(`jobs.yaml:${message}`);
  });

  it.each([
    ['a URL of another scheme', (text: string) => `ping: "ftp://a.example/${text}"`],
    ['a URL with a password', (text: string) => `ping: "https://me:${text}@a.example/"`],
    ['a secret', (text: string) => `onFailure: { webhook: { url: "https://a.example", secret: "${text}!" } }`],
    [
      'a header',
      (text: string) => `onFailure: { webhook: { url: "https://a.example", headers: { A: "${text}\\n" } } }`,
    ],
  ])('%s that is refused is not repeated', (_what, written) => {
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Za-z0-9]{16,40}$/), (text) => {
        expect(JSON.stringify(refusal(lines(written(text))))).not.toContain(text);
      }),
    );
  });

  it('are not kept with the job of a run, where secrets would lie on the disk', () => {
    const job = parseJob(lines(`onFailure: { webhook: { url: https://a.example/x, secret: ${secret} } }`));
    const { notify, ...rest } = job;
    expect(notify).toBeDefined();
    expect(storedJobText(job)).not.toMatch(/a\.example|notify/);
    expect(parseStoredJob(storedJobText(job))).toEqual(rest);
  });
});
