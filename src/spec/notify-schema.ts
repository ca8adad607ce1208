import { z } from 'zod';
import { closedMap, duration, field, text, wholeNumber } from './fields.ts';

/*
 * URLs, headers and secrets may be what lets somebody in, so what is wrong with one is said without the value: a
 * refinement's message stands alone.
 */

const variable = (name: string) => `\${${name}}`;
const alertUrl = variable('ALERT_URL');
const checkUrl = `https://hc-ping.com/${variable('CHECK')}`;

const urlError = 'is not an http or https URL';
const credentialsError = 'has a user name or password in it';

function httpUrl() {
  return z.string({ error: urlError }).superRefine((value, context) => {
    const url = URL.canParse(value) ? new URL(value) : undefined;
    if (url === undefined || !/^https?:$/.test(url.protocol)) {
      context.addIssue({ code: 'custom', message: urlError });
    } else if (url.username !== '' || url.password !== '') {
      const params = { hint: `take a webhook, and write \`headers: { Authorization: "Basic ${variable('TOKEN')}" }\`` };
      context.addIssue({ code: 'custom', message: credentialsError, params });
    }
  });
}

const keptHeaders = /^(?:webhook-.*|content-type|content-length|host|connection|transfer-encoding)$/i;
const headerName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const headerValue = /^[\t\x20-\x7e\x80-\xff]*$/;

function checkHeaders(headers: Readonly<Record<string, string>>, context: z.RefinementCtx): void {
  for (const [name, value] of Object.entries(headers)) {
    const found = keptHeaders.test(name)
      ? 'is a header that nightshift writes itself'
      : !headerName.test(name)
        ? 'is not the name of a header'
        : headerValue.test(value)
          ? undefined
          : 'has a character that a header cannot hold';
    if (found !== undefined) context.addIssue({ code: 'custom', path: [name], message: found });
  }
}

const leastSecretBytes = 16;

function isSecret(written: string): boolean {
  const encoded = written.replace(/^whsec_/, '');
  const isBase64 = encoded.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(encoded);
  return isBase64 && Buffer.from(encoded, 'base64').byteLength >= leastSecretBytes;
}

const timeout = () =>
  duration({ seconds: 1 })
    .refine((ms) => ms <= 60_000, { error: 'is longer than 60 s' })
    .prefault('10s');

const webhookUrl = field(httpUrl(), 'Where the notice is posted to, as JSON.', alertUrl);
const pingUrl = field(httpUrl(), 'A check of healthchecks.io or what speaks like it.', checkUrl);

const webhookSchema = closedMap(
  {
    url: webhookUrl,
    secret: field(
      z
        .string({ error: 'is not a text' })
        .refine(isSecret, { error: `is not the base64 of at least ${leastSecretBytes} bytes, with or without whsec_` })
        .optional(),
      'Signs what is sent, as standardwebhooks.com describes.',
      variable('ALERT_SECRET'),
    ),
    timeout: field(timeout(), 'How long one attempt may take.', '10s'),
    attempts: field(wholeNumber(1, 10).default(3), 'How often it is tried.', 3),
    headers: field(
      z
        .record(z.string(), z.string({ error: 'is not a text' }), { error: 'is not a map of header to text' })
        .superRefine(checkHeaders)
        .default({}),
      'Headers beside those that nightshift writes.',
      { Authorization: `Bearer ${variable('TOKEN')}` },
    ),
  },
  'is not a URL or a map',
);

const commandError = 'is not a program or a list of a program and its arguments';
const commandSchema = z
  .array(z.string({ error: 'is not a text' }), { error: commandError })
  .min(1, { error: commandError })
  .refine((words) => words[0] === undefined || /\S/.test(words[0]), { error: 'names no program' })
  .refine((words) => words.every((word) => !word.includes('\0')), { error: 'has a NUL character in it' });

const commandText =
  'A program and its arguments, run without a shell in the folder of the spec; the notice is its stdin.';
const webhookText = 'A URL that the notice is posted to.';
const commandExample = ['./alert.sh', 'nightly'];

const targetMap = closedMap(
  {
    command: field(commandSchema.optional(), commandText, commandExample),
    webhook: field(webhookSchema.optional(), webhookText, { url: alertUrl }),
  },
  'is not a map of command or webhook',
);

const targetSchema = targetMap.transform(({ command, webhook }, context) => {
  if (command !== undefined && webhook === undefined) return { type: 'command' as const, command };
  if (webhook !== undefined && command === undefined) {
    const { timeout: timeoutMs, ...rest } = webhook;
    return { type: 'webhook' as const, ...rest, timeoutMs };
  }
  // A mistyped key is one mistake, not two.
  if (context.issues.length > 0) return z.NEVER;
  const message = command === undefined ? 'has neither command nor webhook' : 'has both command and webhook';
  const params = { hint: `write one item for each: \`- webhook: ${alertUrl}\`` };
  context.addIssue({ code: 'custom', message, params });
  return z.NEVER;
});

const pingSchema = closedMap(
  { url: pingUrl, timeout: field(timeout(), 'How long one attempt may take.', '10s') },
  'is not a URL or a map',
);

const targetsError = 'is not a target or a list of targets';
const targets = () => z.array(targetSchema, { error: targetsError }).default([]);

const texts = {
  onFailure: 'Who is told of a run that failed or was stopped.',
  onSuccess: 'Who is told of a run that published, or had nothing to do.',
  onMissed: 'Who is told of logical dates whose run did not begin in time.',
  ping: 'What is told of every start and end, and raises an alarm itself when they stay away.',
} as const;
const example = { webhook: alertUrl };

/** A job's notices whose short forms are written out. Durations are milliseconds afterwards. */
export const notifySchema = closedMap({
  onFailure: field(targets(), texts.onFailure, example),
  onSuccess: field(targets(), texts.onSuccess, example),
  onMissed: field(targets(), texts.onMissed, example),
  ping: field(
    pingSchema.transform(({ url, timeout: timeoutMs }) => ({ url, timeoutMs })).optional(),
    texts.ping,
    checkUrl,
  ),
});

const program = text('a program');
const writtenTarget = closedMap({
  command: field(z.union([program, z.array(z.string()).min(1)]).optional(), commandText, commandExample),
  webhook: field(z.union([text('a URL'), webhookSchema]).optional(), webhookText, alertUrl),
});
const writtenTargets = z.union([writtenTarget, z.array(writtenTarget)]).optional();

/** Notices as people write them, with the short forms; for editors. */
export const writtenNotifySchema = closedMap({
  onFailure: field(writtenTargets, texts.onFailure, example),
  onSuccess: field(writtenTargets, texts.onSuccess, example),
  onMissed: field(writtenTargets, texts.onMissed, example),
  ping: field(z.union([text('a URL'), pingSchema]).optional(), texts.ping, checkUrl),
});
