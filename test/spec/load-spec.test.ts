import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadSpec, maxSpecBytes } from '../../src/spec/load-spec.ts';
import { formatLocation } from '../../src/spec/location.ts';
import { parse, parseJob, withJob, withMinimalJob } from './parse-jobs.ts';

const minimal = {
  name: 'a',
  baseDir: '/specs',
  model: { path: 'm.onnx' },
  input: {
    paths: ['in.csv'],
    format: 'auto',
    csv: { delimiter: 'auto', header: 'auto', nullValues: [''], types: {} },
  },
  output: {
    path: 'out',
    format: 'parquet',
    compression: 'zstd',
    mode: 'error',
    keepVersions: 1,
    keep: [],
    nonFinite: 'reject',
  },
  execution: {
    devices: 'auto',
    workersPerDevice: 'auto',
    intraOpThreads: 'auto',
    batchSize: 'auto',
    batchTokens: 'auto',
    shardRows: 'auto',
    readAhead: 'auto',
    graphOptimization: 'all',
    optimizedModelCache: false,
    warmup: 'auto',
    profile: false,
    fallback: 'fail',
    batchTimeoutMs: 600_000,
  },
  retry: { maxAttempts: 4, initialDelayMs: 1000, maxDelayMs: 60_000, multiplier: 2, jitter: 'full' },
  resume: 'fingerprint',
  dedupe: false,
  errors: { maxRejected: { rows: 0 }, maxFailedShards: 0 },
  checks: [],
};

describe('a job', () => {
  it('needs a model, an input and an output, and fills the rest', () => {
    expect(parseJob(withMinimalJob())).toEqual(minimal);
  });

  it('is the same in short and in long form', () => {
    const short = withJob('model: m.onnx', 'input: [a, b]', 'output: o', 'cache: k', 'features: { x: c, y: [c, d] }');
    const long = withJob(
      'model: { path: m.onnx }',
      'input: { path: [a, b] }',
      'output: { path: o }',
      'cache: { path: k }',
      'features: { x: { columns: c, nulls: reject }, y: { columns: [c, d] } }',
    );
    expect(parseJob(short)).toEqual(parseJob(long));
    expect(parseJob(short).features).toEqual({
      x: { columns: ['c'], nulls: 'reject' },
      y: { columns: ['c', 'd'], nulls: 'reject' },
    });
  });

  it('takes an image with its settings beside its column or under it', () => {
    const settings = 'resize: [8, 6], colour: bgr';
    const flat = withMinimalJob(`features: { x: { image: photo, ${settings} } }`);
    const nested = withMinimalJob(`features: { x: { image: { column: photo, ${settings} } } }`);
    expect(parseJob(flat)).toEqual(parseJob(nested));
    expect(parseJob(flat).features).toEqual({
      x: {
        nulls: 'reject',
        image: {
          ...{ column: 'photo', resize: [8, 6], fit: 'cover', crop: 'none', kernel: 'bilinear' },
          ...{ colour: 'bgr', layout: 'auto' },
        },
      },
    });
  });

  it('may set everything', () => {
    const job = parseJob(
      withJob(
        'description: d',
        'model: m',
        'input:',
        '  path: i',
        '  format: csv',
        '  csv: { delimiter: "\\\\t", header: false, nullValues: [NA], types: { zip: VARCHAR } }',
        '  where: x > 0',
        '  limit: 10',
        'features: { f: { columns: [a], nulls: nan }, g: { columns: [b], nulls: 0.5 }, h: { columns: [c], nulls: "" },',
        '  t: { column: d, tokenizer: t.json, maxLength: 9, padding: maxLength, truncation: false, nulls: empty,',
        '    template: "query: {d} {d}", inputs: { input_ids: i, attention_mask: m, token_type_ids: s } } }',
        'output: { path: o, format: csv, compression: gzip, mode: append, keepVersions: 3,',
        '  keep: "*", nonFinite: allow, columns: { p: "probabilities[1]" } }',
        'execution:',
        '  devices: [cuda:0, cpu]',
        '  workersPerDevice: 2',
        '  intraOpThreads: 1',
        '  batchSize: 256',
        '  batchTokens: 8192',
        '  shardRows: 1000',
        '  readAhead: 0',
        '  graphOptimization: basic',
        '  optimizedModelCache: true',
        '  warmup: 2',
        '  profile: true',
        '  fallback: cpu',
        '  maxWorkerMemory: 1.5GiB',
        '  batchTimeout: 1.5 m',
        'retry: { maxAttempts: 1, initialDelay: 500ms, maxDelay: 1h, multiplier: 1.5, jitter: none }',
        'resume: byContent',
        'dedupe: true',
        'cache: { path: k, maxSize: 1GB }',
        'errors: { maxRejected: 0.1%, maxFailedShards: 2 }',
        'checks: [unique: flight_id, rowCount: input]',
      ),
    );
    expect(job).toEqual({
      name: 'a',
      baseDir: '/specs',
      description: 'd',
      model: { path: 'm' },
      input: {
        paths: ['i'],
        format: 'csv',
        csv: { delimiter: '\t', header: false, nullValues: ['NA'], types: { zip: 'VARCHAR' } },
        where: 'x > 0',
        limit: 10,
      },
      features: {
        f: { columns: ['a'], nulls: 'nan' },
        g: { columns: ['b'], nulls: 0.5 },
        h: { columns: ['c'], nulls: '' },
        t: {
          columns: ['d'],
          tokenizer: 't.json',
          maxLength: 9,
          padding: 'maxLength',
          truncation: false,
          nulls: 'empty',
          template: 'query: {d} {d}',
          inputs: { input_ids: 'i', attention_mask: 'm', token_type_ids: 's' },
        },
      },
      output: {
        path: 'o',
        format: 'csv',
        compression: 'gzip',
        mode: 'append',
        keepVersions: 3,
        keep: '*',
        nonFinite: 'allow',
        columns: { p: 'probabilities[1]' },
      },
      execution: {
        devices: ['cuda:0', 'cpu'],
        workersPerDevice: 2,
        intraOpThreads: 1,
        batchSize: 256,
        batchTokens: 8192,
        shardRows: 1000,
        readAhead: 0,
        graphOptimization: 'basic',
        optimizedModelCache: true,
        warmup: 2,
        profile: true,
        fallback: 'cpu',
        maxWorkerMemoryBytes: 1.5 * 2 ** 30,
        batchTimeoutMs: 90_000,
      },
      retry: { maxAttempts: 1, initialDelayMs: 500, maxDelayMs: 3_600_000, multiplier: 1.5, jitter: 'none' },
      resume: 'byContent',
      dedupe: true,
      cache: { path: 'k', maxSizeBytes: 1e9, key: 'features' },
      errors: { maxRejected: { fraction: 0.001 }, maxFailedShards: 2 },
      checks: [
        { type: 'unique', columns: ['flight_id'], severity: 'error' },
        { type: 'rowCount', equals: 'input', severity: 'error' },
      ],
    });
  });

  it.each([
    ['auto', 'auto'],
    ['all', 'all'],
    ['cpu', ['cpu']],
    ['cuda:1', ['cuda:1']],
    ['[cuda:0, cuda:1]', ['cuda:0', 'cuda:1']],
  ])('with devices: %s runs on %j', (written, devices) => {
    expect(parseJob(withMinimalJob(`execution: { devices: ${written} }`)).execution.devices).toEqual(devices);
  });

  it.each([
    ['2GB', 2e9],
    ['512 MiB', 512 * 2 ** 20],
    ['100kb', 100_000],
  ])('reads maxWorkerMemory: %s as %d bytes', (written, bytes) => {
    const { execution } = parseJob(withMinimalJob(`execution: { maxWorkerMemory: ${written} }`));
    expect(execution.maxWorkerMemoryBytes).toBe(bytes);
  });

  it.each([
    ['parquet', 'zstd'],
    ['csv', 'none'],
    ['jsonl', 'none'],
    ['arrow', 'none'],
  ])('that writes %s compresses with %s unless told otherwise', (format, compression) => {
    const job = parseJob(withJob('model: m', 'input: i', `output: { path: o, format: ${format} }`));
    expect(job.output.compression).toBe(compression);
  });
});

describe('a spec', () => {
  it('keeps the order of its jobs', () => {
    const job = '{ model: m, input: i, output: o }';
    const { jobs } = parse(`version: 1\njobs: { z: ${job}, a: ${job}, M.2: ${job} }`);
    expect(jobs.map(({ name }) => name)).toEqual(['z', 'a', 'M.2']);
  });

  it('may be JSON, and may begin with a byte order mark', () => {
    const json = JSON.stringify({ version: 1, jobs: { a: { model: 'm.onnx', input: 'in.csv', output: 'out' } } });
    expect(parseJob(`\uFEFF${json}`)).toEqual(minimal);
  });

  it('may use anchors and merge keys', () => {
    const text = `version: 1
jobs:
  a: &a { model: m.onnx, input: in.csv, output: out }
  b: { <<: *a, output: elsewhere }
`;
    expect(parse(text).jobs).toEqual([
      minimal,
      { ...minimal, name: 'b', output: { ...minimal.output, path: 'elsewhere' } },
    ]);
  });

  it('does not turn no, off and dates into anything but text, even as YAML 1.1', () => {
    const job = parseJob(`%YAML 1.1\n---\n${withMinimalJob('description: no', 'features: { x: [off, 2020-01-01] }')}`);
    expect(job.description).toBe('no');
    expect(job.features?.['x']?.columns).toEqual(['off', '2020-01-01']);
  });
});

describe('defaults', () => {
  const text = `version: 1
defaults:
  model: m.onnx
  input: { format: csv, csv: { nullValues: [NA], types: { x: INTEGER } } }
  features: { f: { nulls: nan } }
  output: { mode: overwrite, keep: [id] }
  execution: { batchSize: 8, devices: [cpu] }
jobs:
  a:
    input: in.csv
    features: { f: [x] }
    output: { path: out, keep: [key] }
    execution: { batchSize: 16 }
  b:
    input: { path: in.csv, csv: { types: { y: DATE } } }
    features: { f: y }
    output: other
`;

  it('lie under every job: maps are merged, lists and scalars replaced', () => {
    const [a, b] = parse(text).jobs;
    expect(a).toMatchObject({
      model: { path: 'm.onnx' },
      input: { paths: ['in.csv'], format: 'csv', csv: { nullValues: ['NA'], types: { x: 'INTEGER' } } },
      features: { f: { columns: ['x'], nulls: 'nan' } },
      output: { path: 'out', mode: 'overwrite', keep: ['key'] },
      execution: { batchSize: 16, devices: ['cpu'] },
    });
    expect(b).toMatchObject({
      input: { csv: { nullValues: ['NA'], types: { x: 'INTEGER', y: 'DATE' } } },
      output: { path: 'other', mode: 'overwrite', keep: ['id'] },
      execution: { batchSize: 8 },
    });
  });

  it.each([
    [['jobs', 'a', 'execution', 'batchSize'], '/specs/jobs.yaml:13:18'],
    [['jobs', 'a', 'execution', 'devices'], '/specs/jobs.yaml:7:30'],
    [['jobs', 'b', 'execution', 'batchSize'], '/specs/jobs.yaml:7:16'],
    [['jobs', 'a', 'features', 'f', 'columns', 0], '/specs/jobs.yaml:11:21'],
    [['jobs', 'a', 'input', 'paths'], '/specs/jobs.yaml:10:5'],
    [['jobs', 'a', 'errors', 'maxRejected'], '/specs/jobs.yaml:9:3'],
    [['jobs', 'nobody'], '/specs/jobs.yaml:8:1'],
    [['version'], '/specs/jobs.yaml:1:1'],
    [[], '/specs/jobs.yaml:1:1'],
  ])('leave %j at %s', (path, location) => {
    expect(formatLocation(parse(text).where(path))).toBe(location);
  });

  it('that come by a merge key are found where they are written', () => {
    const merged = `version: 1
defaults: &d
  model: m
jobs:
  a:
    <<: *d
    input: i
    output: o
`;
    expect(formatLocation(parse(merged).where(['jobs', 'a', 'model']))).toBe('/specs/jobs.yaml:3:3');
  });
});

describe('the spec file', () => {
  let folder = '';

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'nightshift-spec-'));
  });

  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  it('gives its folder to the jobs, whatever the working directory', async () => {
    const path = join(folder, 'jobs.yaml');
    await writeFile(path, withMinimalJob());
    const { baseDir, jobs } = await loadSpec({ path, env: {} });
    expect([baseDir, jobs[0]?.baseDir]).toEqual([folder, folder]);
  });

  it('that is missing, a folder or not readable is not found', async () => {
    const hint = '`nightshift init MODEL DATASET` writes a spec';
    const missing = join(folder, 'none.yaml');
    await expect(loadSpec({ path: missing, env: {} })).rejects.toMatchObject({
      code: 'SPEC_NOT_FOUND',
      message: `${missing}: there is no such file`,
      hint,
    });
    await mkdir(join(folder, 'dir.yaml'));
    await expect(loadSpec({ path: join(folder, 'dir.yaml'), env: {} })).rejects.toMatchObject({
      code: 'SPEC_NOT_FOUND',
      message: `${join(folder, 'dir.yaml')}: is a folder, not a spec file`,
      hint,
    });
  });

  it.skipIf(process.getuid?.() === 0)('that may not be read is not found', async () => {
    const path = join(folder, 'secret.yaml');
    await writeFile(path, withMinimalJob());
    await chmod(path, 0);
    await expect(loadSpec({ path, env: {} })).rejects.toMatchObject({
      code: 'SPEC_NOT_FOUND',
      message: `${path}: may not be read`,
    });
  });

  it('is refused when it is too large for a spec', async () => {
    const path = join(folder, 'large.yaml');
    await writeFile(path, `${withMinimalJob()}#${'x'.repeat(maxSpecBytes)}`);
    await expect(loadSpec({ path, env: {} })).rejects.toMatchObject({
      code: 'SPEC_INVALID',
      message: `${path}: is larger than 1000000 bytes`,
      hint: 'split the jobs over several files',
    });
  });

  it('of this repository runs as it is', async () => {
    const { jobs } = await loadSpec({ path: 'jobs.example.yaml', env: {} });
    expect(jobs.map(({ name }) => name)).toEqual(['late-flights', 'late-flights-sklearn', 'digits', 'glosses']);
  });
});
