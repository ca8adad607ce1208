import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { newNotifier } from '../../src/telemetry/notifier.ts';
import { pingUrl } from '../../src/telemetry/ping-notice.ts';
import { closedPort, listen, statuses } from './listener.ts';
import { around, failure, success } from './notices.ts';

const nobody = { onFailure: [], onSuccess: [], onMissed: [] } as const;
const run = { runId: 'r', job: 'flights' };

describe('a ping', () => {
  it('says start and end, one after the other and with one rid', async () => {
    await using server = await listen();
    const ping = { url: `${server.url}/check`, timeoutMs: 60_000 };
    const notifier = newNotifier({ ...nobody, ping }, around());
    notifier.started(run);
    expect(await notifier.ended(success)).toMatchObject([
      { notice: 'run-started', isDelivered: true },
      { notice: 'run-succeeded', isDelivered: true },
    ]);
    expect(server.heard).toMatchObject([
      { method: 'POST', path: '/check/start?rid=id-0', body: 'flights started\n' },
      { method: 'POST', path: '/check?rid=id-0', body: 'flights published 9 rows in 60.0 s, 1 rejected\n' },
    ]);
  });

  it('carries the exit code of a failure in its path', async () => {
    await using server = await listen();
    const notifier = newNotifier({ ...nobody, ping: { url: `${server.url}/check/`, timeoutMs: 60_000 } }, around());
    await notifier.ended({ ...failure, exitCode: 143 });
    expect(server.heard).toMatchObject([
      { path: '/check/143?rid=id-0', body: 'flights failed: 1 of 8 shards failed (SHARDS_FAILED)\n' },
    ]);
  });

  it('of the end waits for the start no longer than its timeout', async () => {
    await using server = await listen((_n, response, { path }) => void (path.includes('/start') || response.end()));
    const notifier = newNotifier({ ...nobody, ping: { url: server.url, timeoutMs: 500 } }, around());
    notifier.started(run);
    expect(await notifier.ended(success)).toMatchObject([
      { notice: 'run-started', isDelivered: false, answer: 'did not answer within 0.5 s' },
      // Of its three attempts one has enough of that.
      { notice: 'run-succeeded', isDelivered: true },
    ]);
  });

  it.each([
    ['https://a.example/id', 'start', 'https://a.example/id/start?rid=r'],
    ['https://a.example/id/', '3', 'https://a.example/id/3?rid=r'],
    ['https://a.example/key/slug?create=1', 'start', 'https://a.example/key/slug/start?create=1&rid=r'],
    ['https://a.example/id', '', 'https://a.example/id?rid=r'],
    ['https://a.example', '75', 'https://a.example/75?rid=r'],
  ])('to %s with %s goes to %s', (url, path, expected) => {
    expect(pingUrl(url, { path, rid: 'r' }).href).toBe(expected);
  });
});

describe('a notifier', () => {
  it('tells all targets of what happened, and no others', async () => {
    await using server = await listen(statuses(200, 404));
    const to = (path: string) =>
      ({ type: 'webhook', url: `${server.url}${path}`, timeoutMs: 60_000, attempts: 1, headers: {} }) as const;
    const notify = { onFailure: [to('/f1'), to('/f2')], onSuccess: [to('/s')], onMissed: [to('/m')], ping: undefined };
    const notifier = newNotifier(notify, around());
    const deliveries = await notifier.ended(failure);
    expect(server.heard.map(({ path }) => path).sort()).toEqual(['/f1', '/f2']);
    expect(deliveries.map(({ answer }) => answer).sort()).toEqual(['answered 200', 'answered 404']);
    const { job, specPath, outputPath, host, nightshiftVersion } = failure;
    const ticks = ['2026-11-24T02:30:00+01:00'];
    const facts = { job, specPath, outputPath, host, nightshiftVersion };
    await notifier.missed({ type: 'run-missed', v: 1, ...facts, ticks, reason: 'the machine was off' });
    expect(JSON.parse(server.heard[2]?.body ?? '')).toMatchObject({ type: 'run-missed', ticks });
  });

  it('tells its targets at once, none after the other', async () => {
    const waiting: ServerResponse[] = [];
    // None is answered before all have asked.
    await using server = await listen((_n, response) => {
      waiting.push(response);
      if (waiting.length === 20) for (const one of waiting) one.end();
    });
    const target = { type: 'webhook', url: server.url, timeoutMs: 30_000, attempts: 1, headers: {} } as const;
    const onFailure = Array.from({ length: 20 }, () => target);
    const deliveries = await newNotifier({ ...nobody, onFailure, ping: undefined }, around()).ended(failure);
    expect(deliveries.map(({ isDelivered }) => isDelivered)).toEqual(Array(20).fill(true));
  });

  it('names hosts and programs, and nothing that may be secret', async () => {
    const webhook = { type: 'webhook', timeoutMs: 1000, attempts: 1, secret: 'whsec_s3cret', headers: {} } as const;
    const onFailure = [
      { ...webhook, url: `${closedPort}/s3cret?s3cret` },
      { type: 'command', command: ['/s3cret/alert', 's3cret'] },
    ] as const;
    const ping = { url: `${closedPort}/s3cret`, timeoutMs: 1000 };
    const deliveries = await newNotifier({ ...nobody, onFailure, ping }, around()).ended(failure);
    expect(deliveries.map(({ target }) => target)).toEqual([
      `ping ${closedPort}`,
      `webhook ${closedPort}`,
      'command alert',
    ]);
    expect(JSON.stringify(deliveries)).not.toContain('s3cret');
  });
});
