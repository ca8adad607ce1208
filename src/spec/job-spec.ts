import { z } from 'zod';
import { autoOrWholeNumber, closedMap, field, oneOf, oneOrMore, size, text, wholeNumber } from './fields.ts';

export const specVersion = 1;

export const inputFormats = ['auto', 'parquet', 'csv', 'jsonl', 'arrow'] as const;
export const outputFormats = ['parquet', 'csv', 'jsonl', 'arrow'] as const;
export const compressions = ['zstd', 'snappy', 'gzip', 'none'] as const;
export const writeModes = ['error', 'overwrite', 'append', 'ignore'] as const;

export type InputFormat = (typeof inputFormats)[number];
export type OutputFormat = (typeof outputFormats)[number];
export type Compression = (typeof compressions)[number];
export type WriteMode = (typeof writeModes)[number];

/** The first of each list is the default. */
const compressionsOf: Readonly<Record<OutputFormat, readonly [Compression, ...Compression[]]>> = {
  parquet: ['zstd', 'snappy', 'gzip', 'none'],
  csv: ['none', 'gzip', 'zstd'],
  jsonl: ['none', 'gzip', 'zstd'],
  arrow: ['none'],
};

const modelSchema = closedMap({
  path: field(text('a path'), 'The ONNX file, relative to this spec.', 'models/late-flights.onnx'),
});

const csvSchema = closedMap({
  delimiter: field(
    z
      .union([z.literal('auto'), z.string().regex(/^(?:[^\r\n"]|\\t)$/)], { error: 'is not auto or one character' })
      .default('auto')
      .transform((delimiter) => (delimiter === '\\t' ? '\t' : delimiter)),
    'What separates the values: auto, or one character (\\t is a tab).',
    ';',
  ),
  header: field(
    z.union([z.literal('auto'), z.boolean()], { error: 'is not auto, true or false' }).default('auto'),
    'Whether the first line names the columns.',
    true,
  ),
  nullValues: field(
    z.array(z.string({ error: 'is not a text' }), { error: 'is not a list of texts' }).default(['']),
    'The texts that stand for null; [""] if left out.',
    ['', 'NA'],
  ),
  types: field(
    z.record(z.string(), text('the name of a DuckDB type'), { error: 'is not a map of column to type' }).default({}),
    'DuckDB types of columns whose type is not to be guessed.',
    { zip: 'VARCHAR' },
  ),
});

const inputSchema = closedMap({
  path: field(
    oneOrMore('a path', 'paths'),
    'What to score: a file, a glob, a folder or a Hive partition root, or a list of them; relative to this spec.',
    'data/flights/*.parquet',
  ),
  format: field(oneOf(inputFormats).default('auto'), 'Format of the input; auto goes by the file name.', 'parquet'),
  csv: field(csvSchema.prefault({}), 'How CSV files are read.', { delimiter: ';' }),
  where: field(
    text('a SQL condition').optional(),
    'A SQL condition; only rows that meet it are scored.',
    'dep_delay IS NOT NULL',
  ),
  limit: field(wholeNumber(1).optional(), 'Scores this many rows at most.', 10_000),
}).transform(({ path, ...rest }) => ({ paths: path, ...rest }));

const featureSchema = closedMap({
  columns: field(
    oneOrMore('a column', 'columns'),
    'The columns that fill this model input, in the order that the model was trained with.',
    ['distance', 'dep_delay'],
  ),
  nulls: field(
    z
      .union([z.string(), z.number(), z.boolean()], { error: 'is not reject, nan, a number, a text, true or false' })
      .default('reject'),
    'What to do about nulls: reject the row, feed nan, or feed this value.',
    'nan',
  ),
});

const outputSchema = closedMap({
  path: field(text('a path'), 'The folder that the predictions are published to, relative to this spec.', 'out/scores'),
  format: field(oneOf(outputFormats).default('parquet'), 'Format of the output files.', 'parquet'),
  compression: field(
    oneOf(compressions).optional(),
    'Compression of the output files. Parquet takes all (zstd if left out); csv and jsonl take gzip, zstd, none (none if left out); arrow takes none.',
    'zstd',
  ),
  mode: field(
    oneOf(writeModes).default('error'),
    'What to do when something is published there already: fail, replace it, add to it, or leave it and score nothing.',
    'overwrite',
  ),
  keep: field(
    z
      .union([z.literal('*'), z.array(text('a column'), { error: 'is not a list of columns or "*"' })], {
        error: 'is not a list of columns or "*"',
      })
      .default([]),
    'Input columns that are copied next to the predictions; "*" is all of them.',
    ['flight_id'],
  ),
  columns: field(
    z
      .record(z.string(), text('an expression over model outputs'), { error: 'is not a map of column to expression' })
      .optional(),
    'Output columns, each with the expression over model outputs that fills it; every model output if left out.',
    { late: 'label', late_probability: 'probabilities[1]' },
  ),
})
  .superRefine(({ format, compression, keep, columns }, context) => {
    const allowed = compressionsOf[format];
    if (compression !== undefined && !allowed.includes(compression)) {
      const message = `is not a compression of ${format} files, which take ${allowed.join(', ')}`;
      context.addIssue({ code: 'custom', path: ['compression'], message, params: { hint: compressionHint(format) } });
    }
    for (const name of keep === '*' ? [] : keep) {
      if (columns === undefined || !Object.hasOwn(columns, name)) continue;
      const params = { hint: 'rename the output column, or take it out of keep' };
      context.addIssue({ code: 'custom', path: ['columns', name], message: 'has the name of a kept column', params });
    }
  })
  .transform((output) => ({ ...output, compression: output.compression ?? compressionsOf[output.format][0] }));

function compressionHint(format: OutputFormat): string {
  return format === 'arrow' ? 'leave compression out, or write `format: parquet`' : 'write `compression: gzip`';
}

const deviceError = 'is not auto, all, cpu, a GPU like cuda:0, or a list of devices';
const device = z.string({ error: deviceError }).regex(/^(cpu|cuda:\d+)$/, { error: deviceError });

const executionSchema = closedMap({
  devices: field(
    z
      .union(
        [z.enum(['auto', 'all']), device, z.array(device, { error: deviceError }).min(1, { error: deviceError })],
        {
          error: deviceError,
        },
      )
      .refine((devices) => typeof devices === 'string' || new Set(devices).size === devices.length, {
        error: 'names a device twice',
      })
      .transform((devices) => {
        if (devices === 'auto' || devices === 'all') return devices;
        return typeof devices === 'string' ? [devices] : devices;
      })
      .prefault('auto'),
    'Where sessions run: auto (GPUs if there are any, else CPU), all, cpu, cuda:0, or a list.',
    ['cuda:0', 'cuda:1'],
  ),
  workersPerDevice: field(autoOrWholeNumber(1).default('auto'), 'Worker processes on each device.', 2),
  intraOpThreads: field(autoOrWholeNumber(1).default('auto'), 'Threads of ONNX Runtime in each worker.', 1),
  batchSize: field(
    autoOrWholeNumber(1, 1_000_000).default('auto'),
    'Rows of one session call; auto measures it when a worker warms up.',
    256,
  ),
  shardRows: field(
    autoOrWholeNumber(1).default('auto'),
    'Rows of one shard, the unit of checkpoint and retry.',
    250_000,
  ),
  readAhead: field(autoOrWholeNumber(0, 8).default('auto'), 'Batches that are read while the session computes.', 2),
  fallback: field(
    oneOf(['fail', 'cpu']).default('fail'),
    'What to do when a device cannot be used: fail, or go on with the CPU.',
    'cpu',
  ),
  maxWorkerMemory: field(size().optional(), 'A worker that grows beyond this size is replaced.', '2GB'),
}).transform(({ maxWorkerMemory, ...rest }) =>
  maxWorkerMemory === undefined ? rest : { ...rest, maxWorkerMemoryBytes: maxWorkerMemory },
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
});

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
  execution: field(executionSchema.prefault({}), 'How the job runs; predictions do not depend on it.', {
    batchSize: 256,
  }),
  errors: field(errorsSchema.prefault({}), 'How many rows may fail.', { maxRejected: '0.1%' }),
};

/** A job whose short forms are written out (see short-forms.ts); parsing it fills the defaults. */
export const jobSchema = closedMap(jobFields).meta({ hint: 'write model, input and output under it' });

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
    z.record(z.string(), z.union([path, z.array(path).min(1), featureSchema])).optional(),
    'Which columns fill each model input; an input that is left out takes the column of its name.',
    { input: ['distance', 'dep_delay'] },
  ),
  output: field(z.union([path, outputSchema]), 'Where the predictions go: a path, or a map.', 'out/late-flights'),
});

export const jobNamePattern = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

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
});

type DeepReadonly<T> = T extends readonly (infer U)[]
  ? readonly DeepReadonly<U>[]
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T;

/**
 * One job, fully resolved: short forms written out, defaults filled, sizes in bytes.
 * Paths stay as written and resolve against `baseDir`, the folder of the spec file, never against the cwd.
 */
export type JobSpec = DeepReadonly<z.output<typeof jobSchema>> & { readonly name: string; readonly baseDir: string };
export type InputSpec = JobSpec['input'];
export type CsvSpec = InputSpec['csv'];
export type FeatureSpec = NonNullable<JobSpec['features']>[string];
export type OutputSpec = JobSpec['output'];
export type ExecutionSpec = JobSpec['execution'];
/** Rows that may be rejected: a count, or a fraction of all rows from 0 to 1. */
export type MaxRejected = JobSpec['errors']['maxRejected'];
