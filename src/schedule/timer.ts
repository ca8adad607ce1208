import { createHash } from 'node:crypto';
import { z } from 'zod';
import { AppError } from '../core/errors.ts';
import { parseJson } from '../core/parse-json.ts';
import type { JobSpec, ScheduleSpec } from '../spec/job-spec.ts';

const markerSchema = z
  .strictObject({
    v: z.literal(1),
    id: z.string().regex(/^[0-9a-f]{8}$/),
    spec: z.string(),
    job: z.string(),
    /** The cron or calendar expression, as the spec had it. */
    when: z.string(),
    timeZone: z.string(),
    digest: z.string(),
    node: z.string(),
    bin: z.string(),
  })
  .readonly();

/** What an installed timer says of itself, in a comment: enough to list, compare and remove it without its spec. */
export type TimerMarker = z.output<typeof markerSchema>;

/** A timer as it is to be installed. */
export interface Timer extends TimerMarker {
  /** What follows node and bin. */
  readonly args: readonly string[];
  /** Where the call runs: the spec's folder. */
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Takes what the call prints, where no journal does. */
  readonly logFile: string;
  /** Crontab fields or nicknames at which a tick could be. */
  readonly cronTimes: readonly string[];
  /** Calendar expressions of systemd, with their zone. */
  readonly calendars: readonly string[];
  readonly jitterMs: number;
  /** How long one call may take; unlimited if left out. */
  readonly timeoutMs?: number;
  readonly service: ScheduleSpec['service'];
  /** Folders that the call writes to. */
  readonly writable: readonly string[];
  /** A path of the job that lies in a temporary folder, which must then not be hidden from it. */
  readonly temporaryPath?: string;
}

/** The same for a job of a spec wherever it is installed. */
export function timerId(spec: string, job: string): string {
  return sha256(`${spec}\0${job}`).slice(0, 8);
}

/** Changes with all of a job that its timer is made from. */
export function timerDigest({ schedule, output }: Pick<JobSpec, 'schedule' | 'output'>): string {
  return sha256(JSON.stringify(sorted({ schedule, output: output.path }))).slice(0, 16);
}

const word = 'nightshift';

/** One line without its end. */
export function markerLine(timer: TimerMarker): string {
  const { v, id, spec, job, when, timeZone, digest, node, bin } = timer;
  return `# ${word} ${JSON.stringify({ v, id, spec, job, when, timeZone, digest, node, bin })}`;
}

/** What a line says of a timer; undefined for a line that is not ours. */
export function parseMarkerLine(line: string): TimerMarker | undefined {
  const json = new RegExp(`^# ${word} (\\{.*\\})$`, 's').exec(line)?.[1];
  return json === undefined ? undefined : markerSchema.safeParse(parseJson(json)).data;
}

/**
 * Neither a crontab nor a unit file can hold a value with a line break or another control character.
 * @throws AppError USAGE
 */
export function checkPlain(what: string, value: string): string {
  if (!/(?!\t)\p{Cc}/u.test(value)) return value;
  throw new AppError('USAGE', `${what} ${JSON.stringify(value)} holds a control character, which no timer can`, {
    hint: 'rename it, or take it out of the value',
  });
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, inner]) => [key, sorted(inner)]));
}
