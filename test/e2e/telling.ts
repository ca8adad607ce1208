import { noticeSchema } from '../../src/telemetry/contract.ts';
import type { Heard, Listener } from '../telemetry/listener.ts';

export const pathSecret = 'pAthS3cret';
export const secret = `whsec_${Buffer.from('a key that nobody may know').toString('base64')}`;

/** All that can be told, told to this server, which may be slow to answer. */
export function telling(url: string, more: Readonly<Record<string, unknown>> = {}) {
  const webhook = { url: `${url}/hook/${pathSecret}?${pathSecret}`, secret, timeout: '60s', ...more };
  return {
    onFailure: { webhook },
    onSuccess: [{ webhook }],
    ping: { url: `${url}/ping/${pathSecret}`, timeout: '60s' },
  };
}

export function noticeIn({ body }: Heard) {
  return noticeSchema.parse(JSON.parse(body));
}

export function hooks({ heard }: Listener) {
  return heard.filter(({ path }) => path.startsWith('/hook/'));
}

export function pings({ heard }: Listener): readonly string[] {
  return heard.flatMap(({ path }) => new RegExp(`^/ping/${pathSecret}(.*)\\?rid=`).exec(path)?.[1] ?? []);
}
