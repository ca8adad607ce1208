import { z } from 'zod';
import type { RunEvent } from '../run/events.ts';

const isoDate = z.iso.datetime({ offset: true });

const shared = {
  v: z.literal(1),
  /** Nothing happened: somebody tries whether notices arrive. */
  test: z.literal(true).optional(),
  job: z.string(),
  specPath: z.string(),
  /** Absent where the spec could not be read. */
  outputPath: z.string().optional(),
  host: z.string(),
  nightshiftVersion: z.string(),
};

const runFields = {
  ...shared,
  /** Absent where it failed before it was a run. */
  runId: z.string().optional(),
  logicalDate: isoDate.optional(),
  startedBy: z.string().optional(),
  trigger: z.string().optional(),
  startedAt: isoDate,
  endedAt: isoDate,
  durationSeconds: z.number(),
  exitCode: z.int(),
  /** Of a run that did not publish: what this process scored. */
  rows: z
    .strictObject({
      ...{ in: z.int(), out: z.int(), rejected: z.int(), filtered: z.int() },
      /** Of a published run, where there are any: rows that were not scored, since others of this or an earlier run were. */
      ...{ repeated: z.int().optional(), cached: z.int().optional() },
    })
    .optional(),
  model: z.strictObject({ path: z.string(), sha256: z.string() }).optional(),
};

const runNoticeSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('run-succeeded'),
    ...runFields,
    /** Why there was nothing to do. */
    skipped: z.string().optional(),
  }),
  z.strictObject({
    type: z.literal('run-failed'),
    ...runFields,
    error: z.strictObject({ code: z.string(), message: z.string(), hint: z.string().optional() }),
  }),
]);

const missedNoticeSchema = z.strictObject({
  type: z.literal('run-missed'),
  ...shared,
  ticks: z.array(isoDate).readonly(),
  reason: z.string(),
});

/** What is sent; fields are only ever added. No secret and nothing of the environment is in it. */
export const noticeSchema = z.union([runNoticeSchema, missedNoticeSchema]);
export type RunNotice = Readonly<z.infer<typeof runNoticeSchema>>;
export type MissedNotice = Readonly<z.infer<typeof missedNoticeSchema>>;
export type Notice = RunNotice | MissedNotice;

/** What every notice of a job says, whatever happened. */
export type JobFacts = Pick<
  RunNotice,
  'job' | 'specPath' | 'outputPath' | 'host' | 'nightshiftVersion' | 'logicalDate' | 'startedBy' | 'trigger'
>;

/** What became of a notice at one target. */
export interface Delivery {
  /** Without what may be secret about it: the host of a URL, the name of a program. */
  readonly target: string;
  readonly notice: 'run-started' | Notice['type'];
  readonly isDelivered: boolean;
  /** What it answered, or why it did not. */
  readonly answer: string;
}

/** Tells the targets of one job. Never fails, and never takes longer than its targets may. */
export interface Notifier {
  /** Waits for nothing; what became of it is among what `ended` returns. */
  readonly started: (run: { readonly runId: string; readonly job: string }) => void;
  readonly ended: (notice: RunNotice) => Promise<readonly Delivery[]>;
  readonly missed: (notice: MissedNotice) => Promise<readonly Delivery[]>;
}

/** Makes notices of one run's events. */
export interface RunNotices {
  readonly see: (event: RunEvent) => void;
  /** @param failure what the run ended with; undefined when it published or had nothing to do */
  readonly end: (failure: { readonly error: unknown } | undefined) => Promise<readonly Delivery[]>;
}

/** What targets need of the world. */
export interface Surroundings {
  readonly now: () => Date;
  /** From 0 inclusive to 1 exclusive. */
  readonly random: () => number;
  readonly newId: () => string;
  /** Gives up all that is under way. */
  readonly signal: AbortSignal;
  /** Where commands run. */
  readonly folder: string;
  /** Gets what commands print; without it nobody does. */
  readonly onOutput?: ((text: string) => void) | undefined;
}
