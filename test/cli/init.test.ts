import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { makeParquet, nightshift, published, root, sql, temporaryFolder } from '../e2e/nightshift.ts';

const models = join(root, 'fixtures/models');
const model = (name: string) => join(models, `${name}.onnx`);
const data = (path: string) => join(root, 'fixtures', path);

async function init(cwd: string, ...args: readonly string[]) {
  // The tests themselves may run through npx.
  return nightshift(['init', ...args], { cwd, env: { npm_command: '' } });
}

/** The spec that init writes for a model and a dataset, as text. */
async function specFor(modelName: string, path: string, ...more: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await init(root, model(modelName), path, '--stdout', ...more);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return stdout;
}

describe('a spec from nightshift init', () => {
  it.each([
    ['late-flights', 'flights/*.parquet', 12_028],
    ['late-flights', 'flights-csv/flights.csv', 3000],
    ['late-flights', 'flights-jsonl/flights.jsonl.gz', 2000],
    ['late-flights', 'hive', 97],
    ['late-flights', 'types/zero-rows.parquet', 0],
    ['late-flights-sklearn', 'flights-csv/flights.csv', 3000],
    ['late-flights-zipmap', 'flights/*.parquet', 12_028],
    ['digits', 'digits/digits.parquet', 1797],
    ['types/all_types', 'types/types.parquet', 50],
    ['types/bool', 'types/types.parquet', 50],
    ['types/string', 'types/types.parquet', 50],
    ['types/uint64', 'types/types.parquet', 50],
    ['types/matrix-output', 'types/types.parquet', 50],
    ['types/fixed-batch', 'types/types.parquet', 50],
    ['types/free-inner', 'types/types.parquet', 50],
    ['types/rank4', 'types/types.parquet', 50],
    ['types/sequence-output', 'types/types.parquet', 50],
    ['types/lying-label', 'types/types.parquet', 50],
  ])('runs unedited for %s over %s and scores %i rows', async (name, path, rowCount) => {
    await using folder = await temporaryFolder();
    const cwd = folder.path;
    const made = await init(cwd, model(name), data(path), '--job', 'job');
    expect({ exitCode: made.exitCode, stderr: made.stderr }).toEqual({ exitCode: 0, stderr: '' });
    const { exitCode, stderr } = await nightshift(['run', '--quiet'], { cwd });
    const empty = 'job  warning: 0 rows were published; the input has none';
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: rowCount === 0 ? empty : '' });
    expect(await published(cwd, 'out/job')).toHaveLength(rowCount);
  });

  it('sets aside lines that cannot be parsed, as many as there are', async () => {
    await using folder = await temporaryFolder();
    const cwd = folder.path;
    await init(cwd, model('types/float32'), data('csv/ragged.csv'), '--job', 'job');
    const spec: unknown = parse(await readFile(join(cwd, 'jobs.yaml'), 'utf8'));
    expect(spec).toMatchObject({ jobs: { job: { errors: { maxRejected: 2 } } } });
    expect((await nightshift(['run'], { cwd })).exitCode).toBe(0);
    expect(await published(cwd, 'out/job')).toHaveLength(6);
  });

  it('predicts what the golden file says where columns are found by name', async () => {
    await using folder = await temporaryFolder();
    const cwd = folder.path;
    await init(cwd, model('late-flights-sklearn'), data('flights/*.parquet'), '--job', 'job');
    await nightshift(['run'], { cwd });
    const golden = data('golden/late-flights-sklearn.parquet');
    const [row] = await sql(
      `SELECT count(*)::INTEGER AS rows, max(abs(p.probability - g.probabilities[2])) < 1e-6 AS same, bool_and(p.label = g.label) AS labels
       FROM read_parquet('${cwd}/out/job/part-*.parquet') p JOIN read_parquet('${golden}') g USING (flight_id)`,
    );
    expect(row).toEqual({ rows: 12_028, same: true, labels: true });
  });
});

describe('what nightshift init writes', () => {
  it('gives each input the column of its name, and nulls the value that they need', async () => {
    const text = await specFor('late-flights-sklearn', data('flights-csv/flights.csv'));
    expect(parse(text)).toMatchObject({
      jobs: {
        'late-flights-sklearn': {
          input: { csv: { nullValues: ['', 'NA'] } },
          features: {
            month: 'month',
            carrier: 'carrier',
            dep_delay: { columns: ['dep_delay'], nulls: 'nan' },
            manufacturer: { columns: ['manufacturer'], nulls: '' },
          },
          output: {
            path: 'out/late-flights-sklearn',
            mode: 'overwrite',
            keep: ['flight_id'],
            columns: { label: 'label', probability: 'probabilities[1]' },
          },
        },
      },
    });
    expect(text).toContain('# Null in dep_delay (76) of 3,000 rows; the model gets NaN.');
    expect(text).not.toContain('# CHECK');
  });

  it('says loudly that the order of a matrix is a guess, and what else there was', async () => {
    const text = await specFor('late-flights', data('flights/*.parquet'));
    expect(text).toMatch(/# CHECK THE ORDER: the model takes 14 values by position/);
    expect(text).toMatch(/# Other candidates: dest_code, arr_late\./);
    expect(text).toMatch(/# Not taken as they look like keys or labels: flight_id\./);
  });

  it('fills an input with the list column of its length, and leaves the label out', async () => {
    const text = await specFor('digits', data('digits/digits.parquet'));
    expect(parse(text)).toMatchObject({
      jobs: { digits: { features: { image: 'pixels' }, output: { keep: ['id'], columns: { logits: 'logits' } } } },
    });
  });

  it('takes the order that the metadata of the model tells', async () => {
    await using folder = await temporaryFolder();
    const path = await makeParquet(
      join(folder.path, 'data.parquet'),
      'SELECT range::FLOAT AS a, range::FLOAT AS b FROM range(5)',
    );
    await writeModelWithMetadata(join(folder.path, 'model.onnx'));
    const { stdout } = await init(folder.path, 'model.onnx', path, '--stdout');
    expect(parse(stdout)).toMatchObject({ jobs: { model: { features: { x: ['b', 'a'] } } } });
    expect(stdout).toContain("# Order from the model's metadata, feature_names.");
  });

  it('gives integers a value for null only with a comment that says what it means', async () => {
    await using folder = await temporaryFolder();
    const path = await makeParquet(
      join(folder.path, 'data.parquet'),
      'SELECT CASE WHEN range = 1 THEN NULL ELSE range END AS a, range AS b FROM range(4)',
    );
    const { stdout } = await init(folder.path, model('types/int64'), path, '--stdout');
    expect(parse(stdout)).toMatchObject({ jobs: { int64: { features: { x: { columns: ['a', 'b'], nulls: 0 } } } } });
    expect(stdout).toMatch(/# CHECK: null in a \(1\) of 4 rows; int64 has no NaN, so the model gets 0\./);
  });

  it('writes names that YAML, expressions and variables could misread', async () => {
    await using folder = await temporaryFolder();
    const path = await makeParquet(
      join(folder.path, 'data.parquet'),
      `SELECT range::FLOAT AS "a: #\${HOME}", range::FLOAT AS "größe, [1]" FROM range(5)`,
    );
    const cwd = folder.path;
    expect((await init(cwd, model('types/float32'), path, '--job', 'job')).exitCode).toBe(0);
    expect((await nightshift(['run'], { cwd })).exitCode).toBe(0);
    expect(await published(cwd, 'out/job')).toHaveLength(5);
  });

  it('renames a prediction that would collide with a kept column', async () => {
    await using folder = await temporaryFolder();
    const path = await makeParquet(
      join(folder.path, 'data.parquet'),
      'SELECT range AS id, range::FLOAT AS x1, range::FLOAT AS x2 FROM range(5)',
    );
    await writeModelWithMetadata(join(folder.path, 'model.onnx'), 'id');
    const { stdout } = await init(folder.path, 'model.onnx', path, '--stdout');
    expect(parse(stdout)).toMatchObject({
      jobs: { model: { output: { keep: ['id'], columns: { id_predicted: 'id' } } } },
    });
  });
});

describe('the file of nightshift init', () => {
  it('is relative to its own folder, and says what to do next', async () => {
    await using folder = await temporaryFolder();
    const cwd = folder.path;
    const { exitCode, stdout } = await init(
      cwd,
      model('digits'),
      data('digits/digits.parquet'),
      '--output',
      'specs/nightly.yaml',
    );
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^wrote specs\/nightly\.yaml with the job digits$/m);
    expect(stdout).toMatch(/^next: nightshift run specs\/nightly\.yaml$/m);
    const spec: unknown = parse(await readFile(join(cwd, 'specs/nightly.yaml'), 'utf8'));
    const path = relative(join(cwd, 'specs'), data('digits/digits.parquet'));
    expect(spec).toMatchObject({ jobs: { digits: { input: { path } } } });
  });

  it('names the command that works where nightshift is run through npx', async () => {
    await using folder = await temporaryFolder();
    const env = { npm_command: 'exec', npm_execpath: '/npm/npx-cli.js' };
    const args = ['init', model('digits'), data('digits/digits.parquet')];
    const { stdout } = await nightshift(args, { cwd: folder.path, env });
    expect(stdout).toMatch(/^next: npx nightshift run$/m);
    expect(await readFile(join(folder.path, 'jobs.yaml'), 'utf8')).toContain(
      'mode: overwrite # replaces what this job published before; the default is error\n',
    );
  });

  it('is not replaced unless --force is given', async () => {
    await using folder = await temporaryFolder();
    const cwd = folder.path;
    await writeFile(join(cwd, 'jobs.yaml'), 'mine\n');
    const refused = await init(cwd, model('digits'), data('digits/digits.parquet'));
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toMatch(/^error USAGE: jobs\.yaml is there already\nhint: .*--force/);
    expect(await readFile(join(cwd, 'jobs.yaml'), 'utf8')).toBe('mine\n');
    expect((await init(cwd, model('digits'), data('digits/digits.parquet'), '--force')).exitCode).toBe(0);
    expect(await readFile(join(cwd, 'jobs.yaml'), 'utf8')).toMatch(/^version: 1$/m);
  });

  it('names the JSON Schema beside it on its first line', async () => {
    await using folder = await temporaryFolder();
    const cwd = folder.path;
    await writeFile(join(cwd, 'jobs.schema.json'), '{}');
    await init(cwd, model('digits'), data('digits/digits.parquet'));
    expect(await readFile(join(cwd, 'jobs.yaml'), 'utf8')).toMatch(
      /^# yaml-language-server: \$schema=\.\/jobs\.schema\.json\n/,
    );
  });

  it('is told of in JSON, with the guesses to check', async () => {
    await using folder = await temporaryFolder();
    const { stdout } = await init(folder.path, model('late-flights'), data('flights/*.parquet'), '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      v: 1,
      job: 'late-flights',
      path: expect.stringMatching(/jobs\.yaml$/),
      checks: [expect.stringMatching(/^features: CHECK THE ORDER/)],
      next: 'nightshift run',
    });
  });

  it('is not written when the dataset cannot fill the model', async () => {
    await using folder = await temporaryFolder();
    const cwd = folder.path;
    const { exitCode, stderr } = await init(cwd, model('mlp'), data('digits/digits.parquet'));
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/^error MODEL_INPUT_MISMATCH: model input features float32\[N, 28\] takes 28 values a row/);
    await expect(readFile(join(cwd, 'jobs.yaml'))).rejects.toThrow('ENOENT');
  });

  it('is refused a job name that no spec may have', async () => {
    await using folder = await temporaryFolder();
    const { exitCode, stderr } = await init(
      folder.path,
      model('digits'),
      data('digits/digits.parquet'),
      '--job',
      'a b',
    );
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/^error USAGE: --job "a b" is not a job name/);
  });
});

/** `y = x`, x float [N,2], with the names of its features in its metadata. */
async function writeModelWithMetadata(path: string, output = 'y'): Promise<void> {
  const { elementType, modelBytes, node, tensorType } = await import('../model/tiny-model.ts');
  const type = tensorType(elementType.FLOAT, ['N', 2]);
  const graph = {
    node: [node('Identity', ['x'], [output])],
    input: [{ name: 'x', type }],
    output: [{ name: output, type }],
  };
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, modelBytes(graph, { metadataProps: [{ key: 'feature_names', value: '["b", "a"]' }] }));
}

describe('a spec for a model that takes tokens', () => {
  const nouns = data('glosses/glosses.parquet');

  it('has the longest texts, and the tokenizer beside the model, and runs unedited', async () => {
    await using folder = await temporaryFolder();
    const cwd = folder.path;
    const { exitCode, stdout } = await init(cwd, model('tiny-bert/model'), nouns, '--job', 'job');
    expect(exitCode).toBe(0);
    expect(stdout).toContain('text: gloss has the longest texts, 68 characters on average; other texts are word.');
    expect(parse(await readFile(join(cwd, 'jobs.yaml'), 'utf8'))).toMatchObject({
      jobs: { job: { features: { text: { column: 'gloss', tokenizer: expect.stringMatching(/tokenizer\.json$/) } } } },
    });
    expect(await nightshift(['run', '--quiet'], { cwd })).toMatchObject({ exitCode: 0, stderr: '' });
    const [{ wrong } = {}] = await sql(
      `SELECT count(*) FILTER (WHERE abs(list_sum(list_transform(embedding, x -> x * x)) - 1) > 1e-4)::INTEGER AS wrong
       FROM read_parquet('${join(cwd, 'out/job')}/part-*.parquet')`,
    );
    expect(wrong).toBe(0);
    expect(await published(cwd, 'out/job')).toHaveLength((await sql(`SELECT * FROM read_parquet('${nouns}')`)).length);
  });

  it('says where to get a tokenizer that is not there, and runs once it is', async () => {
    await using folder = await temporaryFolder();
    const cwd = folder.path;
    await copyFile(model('tiny-bert/model'), join(cwd, 'bert.onnx'));
    const select = `SELECT id, CASE WHEN id % 9 = 0 THEN NULL ELSE gloss END AS gloss FROM read_parquet('${nouns}')`;
    await makeParquet(join(cwd, 'in.parquet'), select);
    const { exitCode, stdout } = await init(cwd, 'bert.onnx', 'in.parquet', '--job', 'job');
    expect({ exitCode, stdout }).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('no tokenizer.json beside'),
    });
    expect(await readFile(join(cwd, 'jobs.yaml'), 'utf8')).toContain('AutoTokenizer.from_pretrained');
    expect((await nightshift(['run', '--quiet'], { cwd })).stderr).toContain('TOKENIZER_NOT_FOUND');
    await copyFile(join(models, 'tiny-bert/tokenizer.json'), join(cwd, 'tokenizer.json'));
    await init(cwd, 'bert.onnx', 'in.parquet', '--job', 'job', '--force');
    const spec: unknown = parse(await readFile(join(cwd, 'jobs.yaml'), 'utf8'));
    expect(spec).toMatchObject({
      jobs: { job: { features: { text: { tokenizer: 'tokenizer.json', nulls: 'empty' } } } },
    });
    expect(await nightshift(['run', '--quiet'], { cwd })).toMatchObject({ exitCode: 0, stderr: '' });
  });
});
