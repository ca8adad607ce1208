import { z } from 'zod';
import { executionSchema } from './execution-schema.ts';
import { featureFields, featureSchema } from './feature-schema.ts';
import { closedMap, duration, field, oneOf, size, text, wholeNumber } from './fields.ts';
import { flatImageSchema } from './image-schema.ts';
import { inputSchema } from './input-schema.ts';
import { notifySchema, writtenNotifySchema } from './notify-schema.ts';
import { outputSchema } from './output-schema.ts';
import { scheduleSchema } from './schedule-schema.ts';
import type { Pieces } from './template.ts';
import { checksSchema, writtenChecksSchema } from './written-checks.ts';

const specVersion = 1;

const notPathOrMap = 'is not a path or a map';

const modelSchema = closedMap(
  {
    path: field(
      text('a path'),
      'The ONNX file, relative to this spec. Takes templates, like a date.',
      'models/late-flights.onnx',
    ),
  },
  notPathOrMap,
);

const rejectedError = 'is not a whole number of rows or a percentage from 0% to 100%';

const errorsSchema = closedMap({
  maxRejected: field(
    z
      .union(
        [
          wholeNumber(0).transform((rows) => ({ rows })),
          z
            .string()
            .regex(/^(100(\.0+)?|\d{1,2}(\.\d+)?)%$/, { error: rejectedError })
            .transform((percentage) => ({ fraction: Number.parseFloat(percentage) / 100 })),
        ],
        { error: rejectedError },
      )
      .prefault(0),
    'How many rows may be rejected, as a count or a percentage, for the rest to be published.',
    '0.1%',
  ),
  maxFailedShards: field(
    wholeNumber(0).default(0),
    'How many shards may fail for the rest to be published; their rows are rejects, beside maxRejected.',
    1,
  ),
});

const retrySchema = closedMap({
  maxAttempts: field(wholeNumber(1, 100).default(4), 'How often a shard is tried before it has failed.', 4),
  initialDelay: field(duration().prefault('1s'), 'The longest wait before the second attempt.', '1s'),
  maxDelay: field(duration().prefault('1m'), 'The longest wait before any attempt.', '1m'),
  multiplier: field(
    z.number({ error: 'is not a number of at least 1' }).min(1, { error: 'is not a number of at least 1' }).default(2),
    'How much longer the wait grows from attempt to attempt.',
    2,
  ),
  jitter: field(
    oneOf(['full', 'none']).default('full'),
    'Whether a wait is anything from nothing to its longest, so that retries spread, or its longest.',
    'full',
  ),
}).transform(({ initialDelay, maxDelay, ...rest }) => ({
  ...rest,
  initialDelayMs: initialDelay,
  maxDelayMs: maxDelay,
}));
const notifyText = 'Who is told how runs of this job end.';
const notifyExample = { onFailure: { command: './alert.sh' } };
const checksText = 'What must hold of the predictions for them to be published.';
const checksExample = [{ notNull: ['flight_id'] }];

/** A few hundred predictions: below it, rows would be written only to make room for the next. */
const leastCache = { bytes: 1e6 };

const cacheSchema = closedMap(
  {
    path: field(
      text('a path'),
      'The folder that predictions are kept in, relative to this spec.',
      'cache/late-flights',
    ),
    maxSize: field(size(leastCache).prefault('5GB'), 'At least 1MB; over it, what was used longest ago goes.', '5GB'),
    key: field(
      oneOf(['features']).default('features'),
      'What rows have in common that have one prediction.',
      'features',
    ),
  },
  notPathOrMap,
).transform(({ maxSize, ...rest }) => ({ ...rest, maxSizeBytes: maxSize }));

const jobFields = {
  description: field(
    z.string({ error: 'is not a text' }).optional(),
    'What this job is for.',
    'Which flights will be late?',
  ),
  model: field(modelSchema, 'The model.', { path: 'models/late-flights.onnx' }),
  input: field(inputSchema, 'The rows to score.', { path: 'data/flights/*.parquet' }),
  features: field(
    z.record(z.string(), featureSchema, { error: 'is not a map of model input to columns' }).optional(),
    'Which columns fill each model input; an input that is left out takes the column of its name.',
    { input: ['distance', 'dep_delay'] },
  ),
  output: field(outputSchema, 'Where the predictions go.', { path: 'out/late-flights' }),
  execution: field(
    executionSchema.prefault({}),
    'How the job runs; predictions do not depend on it, but for the last bits on graphOptimization.',
    {
      batchSize: 256,
    },
  ),
  retry: field(retrySchema.prefault({}), 'How often a shard is tried again when its worker died or stalled.', {
    maxAttempts: 6,
  }),
  resume: field(
    oneOf(['fingerprint', 'byContent']).default('fingerprint'),
    'What is not scored again when input files changed: nothing (fingerprint), or the shards of files whose content an earlier run had (byContent).',
    'byContent',
  ),
  dedupe: field(
    z.boolean({ error: 'is not true or false' }).default(false),
    'Whether rows of the same features are scored once in a shard, and have the same prediction.',
    true,
  ),
  cache: field(cacheSchema.optional(), 'Keeps predictions, so that rows of features that were scored before are not.', {
    path: 'cache/late-flights',
  }),
  errors: field(errorsSchema.prefault({}), 'How many rows may fail.', { maxRejected: '0.1%' }),
  checks: field(checksSchema.default([]), checksText, checksExample),
  schedule: field(scheduleSchema.optional(), 'When the job runs by itself; `nightshift schedule install` sets it up.', {
    cron: '30 2 * * *',
    timeZone: 'Europe/Paris',
  }),
  notify: field(notifySchema.optional(), notifyText, notifyExample),
};

/** A job whose short forms are written out (see short-forms.ts); parsing it fills the defaults. */
export const jobSchema = closedMap(jobFields).meta({ hint: 'write model, input and output under it' });

export const jobNamePattern = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

const path = text('a path');

/** A job as people write it, with the short forms; for editors. */
const writtenJobSchema = closedMap({
  ...jobFields,
  model: field(z.union([path, modelSchema]), 'The model: its path, or a map.', 'models/late-flights.onnx'),
  input: field(
    z.union([path, z.array(path).min(1), inputSchema]),
    'The rows to score: a path, paths, or a map.',
    'data/*.parquet',
  ),
  features: field(
    z.record(z.string(), z.union([path, z.array(path).min(1), featureFields, flatImageSchema])).optional(),
    'Which columns fill each model input; an input that is left out takes the column of its name.',
    { input: ['distance', 'dep_delay'] },
  ),
  output: field(z.union([path, outputSchema]), 'Where the predictions go: a path, or a map.', 'out/late-flights'),
  cache: field(
    z.union([path, cacheSchema]).optional(),
    'Keeps predictions, so that rows of features that were scored before are not: a folder, or a map.',
    'cache/late-flights',
  ),
  checks: field(writtenChecksSchema.optional(), checksText, checksExample),
  notify: field(writtenNotifySchema.optional(), notifyText, notifyExample),
}).meta({ id: 'job' });

/** The whole file as people write it; for editors. */
export const writtenSpecSchema = closedMap({
  version: field(z.literal(specVersion), 'Version of the spec format.', specVersion),
  defaults: field(writtenJobSchema.optional(), 'Settings under every job; a job wins, maps are merged.', {
    execution: { batchSize: 256 },
  }),
  jobs: field(z.record(z.string().regex(jobNamePattern), writtenJobSchema), 'The jobs by name.'),
});

/** What holds the jobs together, checked before any job is. */
export const frameSchema = closedMap({
  version: z
    .literal(specVersion, { error: `is not ${specVersion}` })
    .meta({ hint: `write \`version: ${specVersion}\`, the only version there is` }),
  defaults: z
    .record(z.string(), z.unknown(), { error: 'is not a map' })
    .optional()
    .meta({ hint: 'write settings as under a job, or remove it' }),
  jobs: z
    .record(z.string(), z.unknown(), { error: 'is not a map of name to job' })
    .refine((jobs) => Object.keys(jobs).length > 0, { error: 'has no job' })
    .meta({
      hint: 'write a name and under it model, input and output; `nightshift init MODEL DATASET` writes a whole spec',
    }),
}).meta({ hint: 'write `version: 1` and under `jobs:` a map of name to job' });

type DeepReadonly<T> = T extends readonly (infer U)[]
  ? readonly DeepReadonly<U>[]
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T;

/**
 * One job, fully resolved: short forms written out, defaults filled, sizes in bytes.
 * Templates stand in the texts as they were written until `fillTemplates` fills them.
 * Paths stay as written and resolve against `baseDir`, the folder of the spec file, never against the cwd.
 */
export type JobSpec = DeepReadonly<z.output<typeof jobSchema>> & {
  readonly name: string;
  readonly baseDir: string;
  /** Texts with templates by their places (`output.path`, `input.path[0]`); absent when there are none to fill. */
  readonly templates?: ReadonlyMap<string, Pieces>;
};
export type ScheduleSpec = NonNullable<JobSpec['schedule']>;
export type ExecutionSpec = JobSpec['execution'];

/** Of a job that says nothing about them. */
export const usualSettings: Pick<JobSpec, 'execution' | 'retry'> = {
  execution: executionSchema.parse({}),
  retry: retrySchema.parse({}),
};

export type NotifySpec = NonNullable<JobSpec['notify']>;
export type NoticeTarget = NotifySpec['onFailure'][number];
export type FeatureSpec = NonNullable<JobSpec['features']>[string];
export type TextFeatureSpec = Extract<FeatureSpec, { readonly tokenizer: string }>;
export type ImageSpec = Extract<FeatureSpec, { readonly image: unknown }>['image'];
