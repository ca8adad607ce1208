import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';

export interface Heard {
  readonly method: string | undefined;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly ms: number;
}

/** What to answer to the nth request, from 0; nothing leaves it waiting. */
export type Answers = (n: number, response: ServerResponse, heard: Heard) => void;

export interface Listener extends AsyncDisposable {
  readonly url: string;
  readonly heard: readonly Heard[];
  /** Resolves once so many requests have come. */
  readonly until: (count: number) => Promise<void>;
}

const ok: Answers = (_n, response) => void response.end('ok');

/** These statuses one after the other, and the last again and again. */
export function statuses(...all: readonly (number | readonly [number, Readonly<Record<string, string>>])[]): Answers {
  return (n, response) => {
    const answer = all[Math.min(n, all.length - 1)] ?? 200;
    const [status, headers] = typeof answer === 'number' ? [answer, {}] : answer;
    response.writeHead(status, headers).end();
  };
}

/** Takes the request and never answers. */
export const hang: Answers = () => undefined;

/** A real server on a loopback port, which records what it is sent. */
export async function listen(answers: Answers = ok): Promise<Listener> {
  const heard: Heard[] = [];
  const waiting = new Set<() => void>();
  const server = createServer(async (request, response) => {
    // Who gives up in the middle of a request has sent none.
    const one = await heardOf(request).catch(() => undefined);
    if (one === undefined) return;
    heard.push(one);
    for (const check of waiting) check();
    answers(heard.length - 1, response, one);
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', resolve);
  await promise;
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    heard,
    until: (count) =>
      new Promise((done) => {
        const check = () => {
          if (heard.length < count) return;
          waiting.delete(check);
          done();
        };
        waiting.add(check);
        check();
      }),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

async function heardOf(request: IncomingMessage): Promise<Heard> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(Buffer.from(piece));
  const { method, url, headers } = request;
  return { method, path: url ?? '', headers, body: Buffer.concat(pieces).toString('utf8'), ms: performance.now() };
}

/** A port that nobody listens at: it is none of those that are given to whoever asks for any. */
export const closedPort = 'http://127.0.0.1:2';
