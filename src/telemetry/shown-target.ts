import { basename } from 'node:path';
import type { NoticeTarget } from '../spec/job-spec.ts';

/** A target without what may be secret about it: paths and queries of URLs often are, and so may arguments be. */
export function shownTarget(target: NoticeTarget): string {
  return target.type === 'command'
    ? `command ${basename(target.command[0] ?? '')}`
    : `webhook ${new URL(target.url).origin}`;
}

export function shownPing({ url }: { readonly url: string }): string {
  return `ping ${new URL(url).origin}`;
}
