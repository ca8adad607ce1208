import type { NotifySpec } from '../spec/job-spec.ts';
import type { Surroundings } from './contract.ts';
import { type Answer, post } from './http-post.ts';

type Ping = NonNullable<NotifySpec['ping']>;

export interface Pinged {
  /** `start`, or the exit code of a run that failed; nothing for one that succeeded. */
  readonly path: string;
  /** The same at start and end, so that the two are told apart from those of another run. */
  readonly rid: string;
  readonly body: string;
  readonly attempts: number;
}

/** As healthchecks.io has it: <url>/start, <url>, <url>/<exit code>. */
export async function sendPing(ping: Ping, pinged: Pinged, around: Surroundings): Promise<Answer> {
  const headers = () => new Headers({ 'content-type': 'text/plain; charset=utf-8' });
  const { body, attempts } = pinged;
  return post({ url: pingUrl(ping.url, pinged), headers, body, timeoutMs: ping.timeoutMs, attempts }, around);
}

/** What the URL asks for behind its `?` stays there. */
export function pingUrl(written: string, { path, rid }: Pick<Pinged, 'path' | 'rid'>): URL {
  const url = new URL(written);
  if (path !== '') url.pathname = `${url.pathname.replace(/\/+$/, '')}/${path}`;
  url.searchParams.set('rid', rid);
  return url;
}
