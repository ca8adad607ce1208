import fc from 'fast-check';
import { expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { JobSpec } from '../../src/spec/job-spec.ts';
import { parseStoredJob, storedJobText, writtenJob } from '../../src/spec/written-job.ts';
import { parse } from './parse-jobs.ts';

const text = fc.string({ unit: 'grapheme', minLength: 1 }).filter((value) => /\S/.test(value));
/** JSON has no minus zero. */
const finite = fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => !Object.is(value, -0));
const column = fc.oneof(text, fc.constantFrom('true', '1', 'null', '- a', '#', 'a: b', '*', '&a', '"', '${', '$${x}'));
const autoOr = (min: number, max: number) => fc.oneof(fc.constant('auto'), fc.integer({ min, max }));

const side = fc.integer({ min: 1, max: 16_384 });
const channels = fc.array(
  finite.filter((value) => value !== 0),
  { minLength: 1, maxLength: 3 },
);
const imageOptions = {
  root: text,
  resize: fc.oneof(side, fc.tuple(side, side)),
  fit: fc.constantFrom('cover', 'contain', 'fill'),
  crop: fc.constantFrom('none', 'center'),
  kernel: fc.constantFrom('bilinear', 'bicubic', 'lanczos'),
  colour: fc.constantFrom('rgb', 'bgr', 'grey'),
  layout: fc.constantFrom('auto', 'nchw', 'nhwc'),
  scale: finite,
  mean: channels,
  std: channels,
};

const written = fc.record(
  {
    description: fc.string(),
    model: fc.record({ path: text }),
    input: fc.record(
      {
        path: fc.oneof(text, fc.array(text, { minLength: 1 })),
        format: fc.constantFrom('auto', 'parquet', 'csv', 'jsonl', 'arrow'),
        csv: fc.record(
          {
            delimiter: fc.constantFrom('auto', ',', ';', '\t', '|', '#'),
            header: fc.constantFrom('auto', true, false),
            nullValues: fc.array(column),
            types: fc.dictionary(column, fc.constantFrom('VARCHAR', 'DECIMAL(10, 2)')),
          },
          { requiredKeys: [] },
        ),
        where: text,
        limit: fc.integer({ min: 1 }),
      },
      { requiredKeys: ['path'] },
    ),
    features: fc.dictionary(
      column,
      fc.oneof(
        fc.record({
          columns: fc.array(column, { minLength: 1 }),
          nulls: fc.oneof(fc.string(), fc.integer(), finite, fc.boolean()),
        }),
        fc.record({ image: fc.record({ column, ...imageOptions }, { requiredKeys: ['column'] }) }),
        fc.record({ image: column, ...imageOptions }, { requiredKeys: ['image'] }),
        fc.record(
          {
            columns: fc.array(column, { minLength: 1, maxLength: 2 }),
            tokenizer: text,
            nulls: fc.constantFrom('reject', 'empty'),
            maxLength: fc.integer({ min: 1, max: 1_000_000 }),
            padding: fc.constantFrom('longest', 'maxLength'),
            truncation: fc.boolean(),
          },
          { requiredKeys: ['columns', 'tokenizer'] },
        ),
        fc.record({ tokenizer: text, template: fc.constantFrom('{a}', 'query: {a}, {{ {b} }} {a}') }),
      ),
    ),
    output: fc.record(
      { path: text, mode: fc.constantFrom('error', 'overwrite', 'append', 'ignore'), keep: fc.uniqueArray(column) },
      { requiredKeys: ['path'] },
    ),
    execution: fc.record(
      {
        devices: fc.oneof(fc.constantFrom('auto', 'all'), fc.constant(['cuda:0', 'cpu'])),
        batchSize: autoOr(1, 1_000_000),
        batchTokens: autoOr(1, 10_000_000),
        readAhead: autoOr(0, 8),
        graphOptimization: fc.constantFrom('all', 'extended', 'basic', 'off'),
        optimizedModelCache: fc.boolean(),
        warmup: autoOr(0, 100),
        profile: fc.boolean(),
        batchTimeout: fc.constantFrom('1s', '90s', '1.5m', '2h', '1d'),
        maxWorkerMemory: fc.constantFrom('2GB', '1.5GiB', '513 KiB', '1.001KB'),
      },
      { requiredKeys: [] },
    ),
    resume: fc.constantFrom('fingerprint', 'byContent'),
    dedupe: fc.boolean(),
    retry: fc.record(
      {
        maxAttempts: fc.integer({ min: 1, max: 100 }),
        initialDelay: fc.constantFrom('0s', '250ms', '1 s'),
        multiplier: fc.double({ min: 1, max: 10, noNaN: true }),
        jitter: fc.constantFrom('full', 'none'),
      },
      { requiredKeys: [] },
    ),
    errors: fc.record({
      maxRejected: fc.oneof(
        fc.nat(),
        fc.integer({ min: 0, max: 999_999 }).map((millionths) => `${(millionths / 10_000).toFixed(4)}%`),
        fc.constantFrom('100%', '0.1%', '33.3%', '0.00000001%', '12.345678901234567%'),
      ),
    }),
    checks: fc.array(
      fc.constantFrom(
        { notNull: ['a'] },
        { unique: { columns: ['a', 'b'], severity: 'warn' } },
        { rowCount: 'input' },
        { rowCount: { min: 1, max: 2 } },
        { min: { column: 'a', value: -1.5 } },
        { accepted: { column: 'a', values: [1, 'x', true] } },
        { psi: { column: 'a', max: 0.2, severity: 'warn' } },
      ),
    ),
    schedule: fc.constantFrom(
      { cron: '30 2 * * *' },
      {
        onCalendar: '*-*-* 02:30:00',
        timeZone: 'Asia/Kolkata',
        startingDeadline: '6h',
        activeDeadline: '1.5s',
        jitter: '5m',
      },
      { cron: '@daily', service: { nice: 10, memoryMax: '512MiB', environment: ['A'], onFailure: 'alert@%n.service' } },
      {
        cron: '@daily',
        service: { memoryMax: '16GB' },
        suspend: true,
        catchUp: 'all',
        maxCatchUp: 3,
        daylightSaving: 'skip',
      },
    ),
  },
  { requiredKeys: ['model', 'input', 'output'] },
);

it('a spec means the same in every style of YAML, and its resolved jobs written back are themselves', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,8}$/), written, { minKeys: 1 }), (jobs) => {
      const spec = escaped({ version: 1, jobs });
      const expected = parse(JSON.stringify(spec)).jobs;
      expect(parse(stringify(spec)).jobs).toEqual(expected);
      expect(parse(stringify(spec, { collectionStyle: 'flow', defaultStringType: 'QUOTE_DOUBLE' })).jobs).toEqual(
        expected,
      );
      expect(expected.map((job) => parseStoredJob(storedJobText(job)))).toEqual(expected);
      const again = Object.fromEntries(expected.map((job) => [job.name, writtenJob(withoutPlace(job))]));
      expect(parse(stringify(escaped({ version: 1, jobs: again }))).jobs).toEqual(expected);
    }),
    { numRuns: 30 },
  );
});

function withoutPlace({ name: _name, baseDir: _baseDir, ...job }: JobSpec) {
  return job;
}

/** Keys are never templates, values are. */
function escaped(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll('${', () => '$${');
  if (Array.isArray(value)) return value.map(escaped);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, escaped(inner)]));
}
