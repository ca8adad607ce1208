import type { NoticeTarget, NotifySpec } from '../spec/job-spec.ts';
import { sendToCommand } from './command-notice.ts';
import type { Delivery, Notice, Notifier, RunNotice, Surroundings } from './contract.ts';
import type { Answer } from './http-post.ts';
import { sendPing } from './ping-notice.ts';
import { shownPing, shownTarget } from './shown-target.ts';
import { summaryText } from './summary-text.ts';
import { sendToWebhook } from './webhook-notice.ts';

/** The end must not wait for a start that nobody takes. */
const startAttempts = 1;
const endAttempts = 3;

type Ping = NonNullable<NotifySpec['ping']>;

/** Tells all targets of a job at once. */
export function newNotifier(notify: NotifySpec, around: Surroundings): Notifier {
  const { ping } = notify;
  const rid = around.newId();
  let start: Promise<Delivery> | undefined;
  const toAll = (targets: readonly NoticeTarget[], notice: Notice) =>
    targets.map((target) => delivery(shownTarget(target), notice.type, send(target, notice, around)));
  return {
    started: ({ job }) => {
      if (ping === undefined) return;
      const pinged = { path: 'start', rid, body: `${job} started\n`, attempts: startAttempts };
      start = delivery(shownPing(ping), 'run-started', sendPing(ping, pinged, around));
    },
    ended: async (notice) => {
      const targets = notice.type === 'run-failed' ? notify.onFailure : notify.onSuccess;
      const others = toAll(targets, notice);
      // In this order, or the check would be left as started.
      const begun = await start;
      const end = ping === undefined ? [] : [endPing(ping, notice, { rid, around })];
      return [...(begun === undefined ? [] : [begun]), ...(await Promise.all([...end, ...others]))];
    },
    missed: (notice) => Promise.all(toAll(notify.onMissed, notice)),
  };
}

function endPing(
  ping: Ping,
  notice: RunNotice,
  { rid, around }: { readonly rid: string; readonly around: Surroundings },
): Promise<Delivery> {
  const path = notice.type === 'run-failed' ? String(notice.exitCode) : '';
  const pinged = { path, rid, body: summaryText(notice), attempts: endAttempts };
  return delivery(shownPing(ping), notice.type, sendPing(ping, pinged, around));
}

function send(target: NoticeTarget, notice: Notice, around: Surroundings): Promise<Answer> {
  return target.type === 'command'
    ? sendToCommand(target.command, notice, around)
    : sendToWebhook(target, notice, around);
}

/** Never rejects: whatever goes wrong with a notice, the run's own end stays as it is. */
async function delivery(target: string, notice: Delivery['notice'], sent: Promise<Answer>): Promise<Delivery> {
  try {
    return { target, notice, ...(await sent) };
  } catch (error) {
    // Without its message, which may hold the URL.
    const answer = `could not be told (${error instanceof Error ? error.name : 'unknown'})`;
    return { target, notice, isDelivered: false, answer };
  }
}
