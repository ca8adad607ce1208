import { setTimeout as wait } from 'node:timers/promises';
import pRetry from 'p-retry';
import type { Surroundings } from './contract.ts';
import { retryAfterMs } from './retry-after.ts';

const initialDelayMs = 1000;
const maxDelayMs = 8000;
/** Who asks for a longer wait gets no other attempt. */
const maxAskedMs = 30_000;
const allWaitsMs = 30_000;

export interface Post {
  readonly url: URL;
  /** Each attempt is signed anew. */
  readonly headers: () => Headers;
  readonly body: string;
  readonly timeoutMs: number;
  readonly attempts: number;
}

/** What came of it, in words that hold nothing of the URL. */
export interface Answer {
  readonly isDelivered: boolean;
  readonly answer: string;
}

/** An attempt that did not get through. */
class PostFailure extends Error {
  readonly isRetryable: boolean;
  /** How long the receiver asks to be left alone. */
  readonly askedMs: number | undefined;

  constructor(message: string, options: { readonly isRetryable: boolean; readonly askedMs?: number | undefined }) {
    super(message);
    this.isRetryable = options.isRetryable;
    this.askedMs = options.askedMs;
  }
}

/**
 * Posts until somebody takes it: again after network errors, 408, 429 and 5xx, with full jitter, or when the receiver
 * says. All attempts together take no longer than their timeouts and half a minute of waiting.
 */
export async function post(
  request: Post,
  { now, random, signal }: Pick<Surroundings, 'now' | 'random' | 'signal'>,
): Promise<Answer> {
  const { attempts, timeoutMs } = request;
  using deadline = abortAfter(timeoutMs * attempts + allWaitsMs, signal);
  let tried = 0;
  let last = 'was given up';
  const attempt = async (number: number): Promise<number> => {
    tried = number;
    try {
      return await postOnce(request, { now, signal: deadline.signal });
    } catch (error) {
      if (error instanceof PostFailure && !deadline.signal.aborted) last = error.message;
      throw error;
    }
  };
  try {
    const status = await pRetry(attempt, {
      retries: attempts - 1,
      // The wait is made below, since its jitter is full and the receiver may name it.
      minTimeout: 0,
      signal: deadline.signal,
      shouldRetry: async ({ error, attemptNumber }) => {
        if (!(error instanceof PostFailure) || !error.isRetryable) return false;
        if ((error.askedMs ?? 0) > maxAskedMs) return false;
        await wait(error.askedMs ?? backoffMs(attemptNumber, random()), undefined, { signal: deadline.signal });
        return true;
      },
    });
    return { isDelivered: true, answer: `answered ${status}${tried === 1 ? '' : ` at attempt ${tried}`}` };
  } catch (error) {
    if (!(error instanceof PostFailure) && !deadline.signal.aborted) throw error;
    return { isDelivered: false, answer: tried <= 1 ? last : `${last}; tried ${tried} times` };
  }
}

/** Anything from nothing to twice as long as before. @param attempt the one that failed, from 1 */
function backoffMs(attempt: number, random: number): number {
  return Math.round(random * Math.min(maxDelayMs, initialDelayMs * 2 ** (attempt - 1)));
}

async function postOnce(
  { url, headers, body, timeoutMs }: Post,
  { now, signal }: Pick<Surroundings, 'now' | 'signal'>,
): Promise<number> {
  using limit = abortAfter(timeoutMs, signal);
  const response = await fetch(url, {
    method: 'POST',
    headers: headers(),
    body,
    redirect: 'manual',
    signal: limit.signal,
  }).catch((error: unknown) => {
    const isLate = limit.signal.aborted && !signal.aborted;
    const text = isLate ? `did not answer within ${timeoutMs / 1000} s` : networkText(error);
    throw new PostFailure(text, { isRetryable: true });
  });
  // What it says is of no use here, and unread it would hold the connection.
  await response.body?.cancel().catch(() => undefined);
  const { status } = response;
  if (response.ok) return status;
  if (status >= 300 && status < 400)
    throw new PostFailure(`answered ${status}, a redirect, which is not followed`, { isRetryable: false });
  const askedMs = retryAfterMs(response.headers.get('retry-after'), now());
  const asks = askedMs !== undefined && askedMs > maxAskedMs ? ` and asks to wait ${Math.ceil(askedMs / 1000)} s` : '';
  const isRetryable = status === 408 || status === 429 || status >= 500;
  throw new PostFailure(`answered ${status}${asks}`, { isRetryable, askedMs });
}

const networkTexts: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refused the connection',
  ECONNRESET: 'closed the connection',
  UND_ERR_SOCKET: 'closed the connection',
  ENOTFOUND: 'has a host that is not known',
  EAI_AGAIN: 'has a host that cannot be looked up now',
  EHOSTUNREACH: 'cannot be reached',
  ENETUNREACH: 'cannot be reached',
  ETIMEDOUT: 'cannot be reached',
  UND_ERR_CONNECT_TIMEOUT: 'cannot be reached',
};

/** By its code alone: messages may hold the URL. */
function networkText(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
  return networkTexts[code] ?? `cannot be reached (${code})`;
}

/** A signal that comes with another one, or after a time of its own. */
function abortAfter(ms: number, signal: AbortSignal): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), ms);
  const abort = () => controller.abort();
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort);
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    },
  };
}
