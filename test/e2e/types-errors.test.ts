import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  makeParquet,
  nightshift,
  published,
  publishedColumn,
  publishedTypes,
  root,
  runJob,
  runJobs,
  sql,
  temporaryFolder,
  typeModel,
} from './nightshift.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder();
  await makeParquet(
    join(folder.path, 'in.parquet'),
    "SELECT i::BIGINT AS id, i::FLOAT AS a, (i * 2)::FLOAT AS b, TIMESTAMP '2024-01-01' AS at, [1, 2]::FLOAT[] AS list FROM range(20) t(i)",
  );
});
afterAll(() => folder[Symbol.asyncDispose]());

/** Runs a spec given as YAML and returns what it says; its messages name jobs.yaml. */
async function errorOf(yaml: string): Promise<{ exitCode: number | undefined; stderr: string }> {
  await writeFile(join(folder.path, 'jobs.yaml'), yaml);
  const { exitCode, stderr } = await nightshift(['run', 'jobs.yaml'], { cwd: folder.path });
  return { exitCode, stderr };
}

const spec = (model: string, rest: string) => `version: 1
jobs:
  one:
    model: ${typeModel(model)}
    input: in.parquet
${rest}`;

describe('a mistake in the spec is refused with its place before a row is read', () => {
  it.each([
    {
      mistake: 'too many columns',
      yaml: spec('float32', '    features: { x: [a, b, id] }\n    output: out\n'),
      stderr:
        'error MODEL_INPUT_MISMATCH: jobs.yaml:6:17 jobs.one.features.x.columns: model input x float32[N, 2] wants 2 values a row, but 3 columns are given\n' +
        'hint: give as many columns as the input is wide, in the order of training',
    },
    {
      mistake: 'a timestamp as a feature',
      yaml: spec('float32', '    features:\n      x: { columns: [a, at] }\n    output: out\n'),
      stderr:
        'error MODEL_INPUT_MISMATCH: jobs.yaml:7:25 jobs.one.features.x.columns[1]: column at is TIMESTAMP, which cannot become float32\n' +
        'hint: choose another column, or cast it where the dataset is made',
    },
    {
      mistake: 'a column that the dataset has not, in the short form',
      yaml: spec('float32', '    features: { x: [a, lst] }\n    output: out\n'),
      stderr:
        'error COLUMN_MISSING: jobs.yaml:6:24 jobs.one.features.x.columns[1]: column lst is not in the dataset\n' +
        'hint: did you mean list?',
    },
    {
      mistake: 'NaN for an integer',
      yaml: spec('int64', '    features:\n      x: { columns: [id, id], nulls: nan }\n    output: out\n'),
      stderr:
        'error MODEL_INPUT_MISMATCH: jobs.yaml:7:31 jobs.one.features.x.nulls: int64 has no NaN, so nulls of x cannot become one\n' +
        'hint: use reject or a value',
    },
    {
      mistake: 'a sequence as an output',
      yaml: spec('sequence-output', '    features: { x: [a, b] }\n    output: { path: out, columns: { p: pieces } }\n'),
      stderr:
        'error MODEL_OUTPUT_MISMATCH: jobs.yaml:7:40 jobs.one.output.columns.p: output pieces is seq(tensor(float)), which cannot be read\n' +
        '  pieces\n  ^\n' +
        'hint: outputs that can be read: y float32[N, 2]',
    },
    {
      mistake: 'a kept column that the dataset has not',
      yaml: spec('float32', '    features: { x: [a, b] }\n    output: { path: out, keep: [idd] }\n'),
      stderr:
        'error COLUMN_MISSING: jobs.yaml:7:33 jobs.one.output.keep[0]: column idd is not in the dataset\n' +
        'hint: did you mean id?',
    },
    {
      mistake: 'a key that the spec has not',
      yaml: spec('float32', '    feature: { x: [a, b] }\n    output: out\n'),
      stderr: 'error SPEC_INVALID: jobs.yaml:6:5 jobs.one: unknown key "feature"\n' + 'hint: did you mean "features"?',
    },
  ])('$mistake', async ({ yaml, stderr }) => {
    expect(await errorOf(yaml)).toEqual({ exitCode: 2, stderr });
    const left = await readdir(join(folder.path, 'out'), { recursive: true }).catch(() => []);
    expect(left.filter((name) => !['_nightshift', '_nightshift/runs'].includes(name))).toEqual([]);
  });

  it('a condition that is no SQL', async () => {
    const yaml = spec('float32', '    features: { x: [a, b] }\n    output: out\n');
    const { exitCode, stderr } = await errorOf(
      yaml.replace('input: in.parquet', 'input: { path: in.parquet, where: "a >" }'),
    );
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/^error PREDICATE_INVALID: jobs\.yaml:5:32 jobs\.one\.input\.where: .+\nhint: /);
  });
});

describe('a model that fails on a row', () => {
  it('publishes nothing, names the row, and keeps ONNX Runtime off stderr', async () => {
    const job = {
      model: typeModel('throws'),
      input: { path: 'in.parquet', limit: 6 },
      features: { x: 'id' },
      output: 'throws',
      execution: { shardRows: 3 },
    };
    const { exitCode, stderr, events } = await runJob(folder.path, job);
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(
      /^error REJECTS_OVER_LIMIT: 2 of 6 rows were rejected, more than the 0 that errors\.maxRejected allows; the first: [^\n]+in\.parquet row 4: ONNX Runtime failed: [^\n]+\nhint: [^\n]+$/,
    );
    expect(events.filter((event) => event.type === 'shard-failed')).toEqual([]);
    expect(await readdir(join(folder.path, 'throws'))).toEqual(['_nightshift']);
  });
});

describe('few rows or none', () => {
  const features = { x: ['a', 'b'] };
  const model = typeModel('float32');
  const keep = ['id', 'at', 'list'];

  beforeAll(async () => {
    await makeParquet(join(folder.path, 'empty.parquet'), `SELECT * FROM '${folder.path}/in.parquet' WHERE false`);
    const jobs = {
      zero: { model, input: 'empty.parquet', features, output: { path: 'zero', keep } },
      filtered: {
        model,
        input: { path: 'in.parquet', where: 'id > 99' },
        features,
        output: { path: 'filtered', keep },
      },
      limited: {
        model,
        input: { path: 'in.parquet', where: 'id % 3 = 0 -- every third', limit: 4 },
        features,
        output: { path: 'limited', keep: ['id'] },
      },
    };
    expect(await runJobs(folder.path, jobs)).toMatchObject({ exitCode: 0, stderr: '' });
  });

  it.each(['zero', 'filtered'])('publishes an empty output of the right schema: %s', async (output) => {
    expect(await readdir(join(folder.path, output))).toEqual(['_SUCCESS', '_nightshift', 'part-00000.parquet']);
    expect(await published(folder.path, output)).toEqual([]);
    expect(await publishedTypes(folder.path, output)).toEqual({
      id: 'BIGINT',
      at: 'TIMESTAMP',
      list: 'FLOAT[]',
      y: 'FLOAT[]',
    });
  });

  it('counts limit after where', async () => {
    expect(await publishedColumn(folder.path, 'id', 'limited')).toEqual([0n, 3n, 6n, 9n]);
  });
});

describe('columns that are only kept', () => {
  it('come out as they went in, int64 above 2^53 and nested ones too', async () => {
    const input = join(root, 'fixtures/types/types.parquet');
    await makeParquet(join(folder.path, 'kept.parquet'), `SELECT *, 1::FLOAT AS f, 2::FLOAT AS g FROM '${input}'`, 20);
    const job = {
      model: typeModel('float32'),
      input: 'kept.parquet',
      features: { x: ['f', 'g'] },
      output: { path: 'kept', keep: '*' },
      execution: { shardRows: 20 },
    };
    expect(await runJob(folder.path, job)).toMatchObject({ exitCode: 0, stderr: '' });
    const kept = `SELECT * EXCLUDE (y) FROM read_parquet('${folder.path}/kept/part-*.parquet')`;
    const given = `SELECT * FROM '${folder.path}/kept.parquet'`;
    expect(await sql(`SELECT column_name, column_type FROM (DESCRIBE ${kept})`)).toEqual(
      await sql(`SELECT column_name, column_type FROM (DESCRIBE ${given})`),
    );
    expect(await sql(`(${kept} EXCEPT ALL ${given}) UNION ALL (${given} EXCEPT ALL ${kept})`)).toEqual([]);
    expect((await publishedColumn(folder.path, 'id', 'kept'))[0]).toBe(9007199254740993n);
  });

  it('are widened where the files disagree', async () => {
    await makeParquet(join(folder.path, 'wide/1.parquet'), 'SELECT 1::INTEGER AS id, 1::FLOAT AS a, 2::FLOAT AS b');
    await makeParquet(
      join(folder.path, 'wide/2.parquet'),
      'SELECT 9007199254740993::BIGINT AS id, 0.5::DOUBLE AS a, 3::FLOAT AS b',
    );
    const job = {
      model: typeModel('float32'),
      input: 'wide',
      features: { x: ['a', 'b'] },
      output: { path: 'widened', keep: ['id', 'a'] },
    };
    expect(await runJob(folder.path, job)).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await published(folder.path, 'widened')).toEqual([
      { id: 1n, a: 1, y: [1, 2] },
      { id: 9007199254740993n, a: 0.5, y: [0.5, 3] },
    ]);
  });
});
