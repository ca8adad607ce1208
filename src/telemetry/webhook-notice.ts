import type { NoticeTarget } from '../spec/job-spec.ts';
import type { Notice, Surroundings } from './contract.ts';
import { type Answer, post } from './http-post.ts';
import { standardHeaders } from './standard-webhook.ts';

type Webhook = Extract<NoticeTarget, { readonly type: 'webhook' }>;

/** Every attempt has the same id and body, so that a receiver can tell a repeat. */
export async function sendToWebhook(webhook: Webhook, notice: Notice, around: Surroundings): Promise<Answer> {
  const { url, secret, timeoutMs, attempts } = webhook;
  const body = JSON.stringify(notice);
  const id = `msg_${around.newId()}`;
  const headers = () => {
    const all = new Headers({ 'user-agent': `nightshift/${notice.nightshiftVersion}`, ...lowerCased(webhook.headers) });
    all.set('content-type', 'application/json');
    const own = standardHeaders({ id, sentAt: around.now(), body }, secret);
    for (const [name, value] of Object.entries(own)) all.set(name, value);
    return all;
  };
  return post({ url: new URL(url), headers, body, timeoutMs, attempts }, around);
}

function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
