import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { noticeSchema } from '../../src/telemetry/contract.ts';
import { standardHeaders } from '../../src/telemetry/standard-webhook.ts';
import { sendToWebhook } from '../../src/telemetry/webhook-notice.ts';
import { closedPort, hang, listen, statuses } from './listener.ts';
import { around, failure } from './notices.ts';

const usual = { type: 'webhook', timeoutMs: 60_000, attempts: 3, headers: {} } as const;
const secret = `whsec_${Buffer.alloc(24, 5).toString('base64')}`;

describe('a webhook', () => {
  it('gets the notice as JSON, with an id and the headers of the job', async () => {
    await using server = await listen();
    const target = { ...usual, url: `${server.url}/a?b=c`, headers: { 'X-Team': 'night', 'User-Agent': 'me' } };
    expect(await sendToWebhook(target, failure, around())).toEqual({ isDelivered: true, answer: 'answered 200' });
    expect(server.heard).toMatchObject([{ method: 'POST', path: '/a?b=c' }]);
    const { headers, body } = server.heard[0] ?? { headers: {}, body: '' };
    expect(headers).toMatchObject({
      'content-type': 'application/json',
      'webhook-id': 'msg_id-0',
      'x-team': 'night',
      'user-agent': 'me',
    });
    expect(headers).not.toHaveProperty('webhook-signature');
    expect(noticeSchema.parse(JSON.parse(body))).toEqual(failure);
  });

  it('is signed so that the library of Standard Webhooks accepts it, at each attempt', async () => {
    await using server = await listen(statuses(500, 200));
    const sent = await sendToWebhook({ ...usual, url: server.url, secret }, failure, around());
    expect(sent).toEqual({ isDelivered: true, answer: 'answered 200 at attempt 2' });
    for (const { body, headers } of server.heard)
      expect(new Webhook(secret).verify(body, stringsOf(headers))).toEqual(failure);
    expect(new Set(server.heard.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  });

  it.each([
    ['429 with a Retry-After', [[429, { 'retry-after': '1' }], 200], 'answered 200 at attempt 2', 2],
    ['408', [408, 200], 'answered 200 at attempt 2', 2],
    ['500 again and again', [500], 'answered 500; tried 3 times', 3],
    ['400', [400], 'answered 400', 1],
    ['404 after a 503', [503, 404], 'answered 404; tried 2 times', 2],
    ['a redirect', [[302, { location: '/b' }]], 'answered 302, a redirect, which is not followed', 1],
    ['a wait that is too long', [[429, { 'retry-after': '3600' }]], 'answered 429 and asks to wait 3600 s', 1],
  ] as const)('that answers %s: %j', async (_what, answers, answer, requests) => {
    await using server = await listen(statuses(...answers));
    const sent = await sendToWebhook({ ...usual, url: server.url }, failure, around());
    expect(sent).toEqual({ isDelivered: answer.startsWith('answered 200'), answer });
    expect(server.heard).toHaveLength(requests);
  });

  it('that asks to wait is left alone for so long', async () => {
    await using server = await listen(statuses([503, { 'retry-after': '1' }], 200));
    await sendToWebhook({ ...usual, url: server.url }, failure, around());
    const [first, second] = server.heard;
    expect((second?.ms ?? 0) - (first?.ms ?? 0)).toBeGreaterThan(990);
  });

  it('that is not there is tried again, and its URL is not told', async () => {
    const sent = await sendToWebhook({ ...usual, url: `${closedPort}/s3cret` }, failure, around());
    expect(sent).toEqual({ isDelivered: false, answer: 'refused the connection; tried 3 times' });
  });

  it('that hangs is given up after its timeout', async () => {
    await using server = await listen(hang);
    const target = { ...usual, url: server.url, timeoutMs: 100, attempts: 2 };
    expect(await sendToWebhook(target, failure, around())).toEqual({
      isDelivered: false,
      answer: 'did not answer within 0.1 s; tried 2 times',
    });
  });

  it.each([
    ['while it hangs', hang],
    ['while the next attempt is waited for', statuses([503, { 'retry-after': '20' }])],
  ])('is given up when the sender has no more time, %s', async (_when, answers) => {
    await using server = await listen(answers);
    const patience = new AbortController();
    const sent = sendToWebhook({ ...usual, url: server.url }, failure, around({ signal: patience.signal }));
    await server.until(1);
    patience.abort();
    expect(await sent).toMatchObject({ isDelivered: false });
    expect(server.heard).toHaveLength(1);
  });

  it('waits anything up to twice as long as before', async () => {
    await using server = await listen(statuses(500));
    await sendToWebhook({ ...usual, url: server.url }, failure, around({ random: () => 0.2 }));
    const [first, second, third] = server.heard.map(({ ms }) => ms);
    expect((second ?? 0) - (first ?? 0)).toBeGreaterThan(190);
    expect((third ?? 0) - (second ?? 0)).toBeGreaterThan(390);
  });
});

it('any body, secret and id are signed so that the library accepts them', () => {
  fc.assert(
    fc.property(
      fc.jsonValue(),
      fc.uint8Array({ minLength: 16, maxLength: 64 }),
      fc.stringMatching(/^msg_[a-z0-9]{1,20}$/),
      fc.boolean(),
      (value, key, id, hasPrefix) => {
        const body = JSON.stringify(value);
        const encoded = Buffer.from(key).toString('base64');
        const written = hasPrefix ? `whsec_${encoded}` : encoded;
        const headers = standardHeaders({ id, sentAt: new Date(), body }, written);
        expect(new Webhook(encoded).verify(body, headers)).toEqual(JSON.parse(body));
      },
    ),
  );
});

function stringsOf(headers: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}
