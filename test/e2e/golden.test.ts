import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Job, type Row, root, runJobs, sql, temporaryFolder } from './nightshift.ts';

const fixtures = join(root, 'fixtures');
const flights = join(fixtures, 'flights/*.parquet');
const sklearn = {
  dep_delay: { columns: 'dep_delay', nulls: 'nan' },
  temp: { columns: 'temp', nulls: 'nan' },
  wind_speed: { columns: 'wind_speed', nulls: 'nan' },
  visib: { columns: 'visib', nulls: 'nan' },
  manufacturer: { columns: 'manufacturer', nulls: '' },
};

interface Model {
  readonly name: string;
  readonly input: string;
  readonly features: Job;
  readonly key: string;
  /** Output columns: the label and a list or a number. */
  readonly columns: Readonly<Record<'label' | 'score', string>>;
  /** What Python predicted, under the same names. */
  readonly golden: Readonly<Record<'label' | 'score', string>>;
}

const models: readonly Model[] = [
  {
    name: 'late-flights',
    input: flights,
    features: {
      features: {
        columns: [
          ...['month', 'day', 'hour', 'minute', 'carrier_code', 'origin_code', 'dest_code'],
          ...['dep_delay', 'distance', 'plane_year', 'seats', 'temp', 'wind_speed', 'visib'],
        ],
        nulls: 'nan',
      },
    },
    key: 'flight_id',
    columns: { label: 'label', score: 'probabilities[1]' },
    golden: { label: 'label', score: 'probabilities[2]' },
  },
  {
    name: 'late-flights-sklearn',
    input: flights,
    features: sklearn,
    key: 'flight_id',
    columns: { label: 'label', score: 'probabilities[1]' },
    golden: { label: 'label', score: 'probabilities[2]' },
  },
  {
    name: 'late-flights-zipmap',
    input: flights,
    features: sklearn,
    key: 'flight_id',
    columns: { label: 'output_label', score: 'output_probability[1]' },
    golden: { label: 'label', score: 'probabilities[2]' },
  },
  {
    name: 'digits',
    input: join(fixtures, 'digits/digits.parquet'),
    features: { image: 'pixels' },
    key: 'id',
    columns: { label: 'argmax(logits)', score: 'max(logits)' },
    golden: { label: 'argmax', score: 'list_max(logits)' },
  },
];

/** Every pair of workers, batch and shards at least once. A batch of one row is slow, so that there are fewer rows. */
const executions: readonly Job[] = [
  { workersPerDevice: 1, batchSize: 1, shardRows: 200 },
  { workersPerDevice: 2, batchSize: 1, shardRows: 'auto' },
  { workersPerDevice: 1, batchSize: 256, shardRows: 'auto' },
  { workersPerDevice: 2, batchSize: 256, shardRows: 500 },
  { workersPerDevice: 1, batchSize: 'auto', shardRows: 700 },
  { workersPerDevice: 2, batchSize: 'auto', shardRows: 'auto' },
];
const slowRows = 900;

describe.each(models)('$name', (model) => {
  it('predicts what Python predicts, in input order, whatever workers, batch and shards', async () => {
    await using folder = await temporaryFolder();
    const jobs = executions.map((execution, index): [string, Job] => [
      `out-${index}`,
      {
        model: join(fixtures, 'models', `${model.name}.onnx`),
        input: { path: model.input, ...(execution['batchSize'] === 1 ? { limit: slowRows } : {}) },
        features: model.features,
        output: { path: `out-${index}`, keep: [model.key], columns: model.columns },
        execution,
      },
    ]);
    expect(await runJobs(folder.path, Object.fromEntries(jobs))).toMatchObject({ exitCode: 0, stderr: '' });
    const [{ rows: all } = {}] = await sql(`SELECT count(*)::INTEGER AS rows FROM '${golden(model)}'`);
    for (const [output, { execution }] of jobs) {
      const comparison = await compare(model, join(folder.path, output));
      expect({ execution, ...comparison }).toEqual({
        execution,
        rows: execution === executions[0] || execution === executions[1] ? slowRows : all,
        displaced: 0,
        otherLabels: 0,
        isClose: true,
      });
    }
  });
});

it('gives the same probabilities with a ZipMap as without one', async () => {
  const [difference] = await sql(
    `SELECT max(abs(a.probabilities[2] - b.probabilities[2])) AS most
     FROM '${golden({ name: 'late-flights-zipmap' })}' a POSITIONAL JOIN '${golden({ name: 'late-flights-sklearn' })}' b`,
  );
  expect(difference).toEqual({ most: 0 });
});

function golden({ name }: Pick<Model, 'name'>): string {
  return join(fixtures, 'golden', `${name}.parquet`);
}

/** Row by row: the published rows are the first of the golden ones, in their order. */
async function compare(model: Model, output: string): Promise<Row | undefined> {
  const [row] = await sql(
    `SELECT count(*)::INTEGER AS rows, count(*) FILTER (out.${model.key} IS DISTINCT FROM py.${model.key})::INTEGER AS displaced,
       count(*) FILTER (out.label IS DISTINCT FROM py.label)::INTEGER AS "otherLabels",
       coalesce(max(abs(out.score - py.score)) <= 1e-6, false) AS "isClose"
     FROM read_parquet('${output}/part-*.parquet') out
     POSITIONAL JOIN (SELECT ${model.key}, ${model.golden.label} AS label, ${model.golden.score} AS score FROM '${golden(model)}'
       LIMIT (SELECT count(*) FROM read_parquet('${output}/part-*.parquet'))) py`,
  );
  return row;
}
