import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeParquet, nightshift, root, temporaryFolder } from '../e2e/nightshift.ts';

const fixture = (path: string) => join(root, 'fixtures', path);

async function inspect(...args: readonly string[]) {
  return nightshift(['inspect', ...args], { cwd: root });
}

async function inspectJson(...args: readonly string[]): Promise<unknown> {
  const { exitCode, stdout, stderr } = await inspect(...args, '--json');
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return JSON.parse(stdout);
}

describe('nightshift inspect of a model', () => {
  it('shows what the model takes and gives, and which output a ZipMap hid', async () => {
    const { exitCode, stdout, stderr } = await inspect('fixtures/models/late-flights-zipmap.onnx');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toMatch(/^model fixtures\/models\/late-flights-zipmap\.onnx$/m);
    expect(stdout).toMatch(/^ {2}opsets +ai\.onnx 11, ai\.onnx\.ml 1$/m);
    expect(stdout).toMatch(/^ {2}producer +skl2onnx /m);
    expect(stdout).toMatch(/^ {4}manufacturer +string +\[N, 1\]$/m);
    expect(stdout).toMatch(/^ {4}output_probability +float32 +\[N, 2\] +a ZipMap in the file/m);
  });

  it('shows the tokenizer that lies beside it, also where the model is in a folder onnx, and none that is broken', async () => {
    const line = /^ {2}tokenizer +(.*)$/m;
    const { stdout } = await inspect('fixtures/models/tiny-bert/model.onnx');
    expect(line.exec(stdout)?.[1]).toBe(
      'fixtures/models/tiny-bert/tokenizer.json: WordPiece, 1,500 tokens, cuts at 128',
    );
    await using folder = await temporaryFolder();
    await mkdir(join(folder.path, 'onnx'));
    await copyFile(fixture('models/tiny-bert/model.onnx'), join(folder.path, 'onnx/model.onnx'));
    await copyFile(fixture('models/tiny-bert/tokenizer.json'), join(folder.path, 'tokenizer.json'));
    expect(await inspectJson(join(folder.path, 'onnx/model.onnx'))).toMatchObject({
      models: [{ tokenizer: { kind: 'WordPiece', vocabularySize: 1500, maxLength: 128 } }],
    });
    await writeFile(join(folder.path, 'tokenizer.json'), '{');
    expect((await inspect(join(folder.path, 'onnx/model.onnx'))).stdout).not.toMatch(line);
  });

  it('says of an output that is no tensor that it cannot be fetched', async () => {
    const { stdout } = await inspect('fixtures/models/types/sequence-output.onnx');
    expect(stdout).toMatch(/^ {4}pieces +seq\(tensor\(float\)\) +cannot be fed or fetched$/m);
  });

  it('prints signature, digest and operator sets as one JSON document', async () => {
    expect(await inspectJson('fixtures/models/digits.onnx')).toMatchObject({
      v: 1,
      dataset: null,
      models: [
        {
          path: fixture('models/digits.onnx'),
          sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
          irVersion: 8,
          opsets: [{ domain: '', version: 17 }],
          inputs: [{ kind: 'tensor', name: 'image', type: 'float32', shape: ['N', 1, 8, 8] }],
          outputs: [{ kind: 'tensor', name: 'logits', type: 'float32', shape: ['N', 10] }],
          externalData: [],
        },
      ],
    });
  });

  it('knows a model by its bytes when its name does not tell', async () => {
    await using folder = await temporaryFolder();
    await copyFile(fixture('models/mlp.onnx'), join(folder.path, 'current'));
    const { stdout } = await nightshift(['inspect', 'current'], { cwd: folder.path });
    expect(stdout).toMatch(/features +float32 +\[N, 28\]/);
  });

  it('says what a file is that is no ONNX model', async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, 'model.pkl'), Buffer.from([0x80, 4, 0x95, 0]));
    const { exitCode, stderr } = await nightshift(['inspect', 'model.pkl'], { cwd: folder.path });
    expect(exitCode).toBe(4);
    expect(stderr).toMatch(/^error MODEL_INVALID: .*model\.pkl is not an ONNX model: it looks like a Python pickle$/m);
  });
});

describe('nightshift inspect of a dataset', () => {
  it('shows files, rows, row groups, types and nulls of a glob', async () => {
    const { exitCode, stdout } = await inspect('fixtures/flights/*.parquet');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^ {2}files +2$/m);
    expect(stdout).toMatch(/^ {2}rows +12,028$/m);
    expect(stdout).toMatch(/^ {2}row groups +6 of [\d,]+ to 2,048 rows$/m);
    expect(stdout).toMatch(/^ {4}flight_id +BIGINT +no nulls$/m);
    expect(stdout).toMatch(/^ {4}dep_delay +DOUBLE +299 nulls \(2\.5 %\)$/m);
  });

  it('takes all data on the command line for one dataset, beside the models', async () => {
    const files = ['fixtures/flights/flights-1.parquet', 'fixtures/flights/flights-2.parquet'];
    expect(await inspectJson(...files, 'fixtures/models/late-flights.onnx')).toMatchObject({
      models: [{ path: fixture('models/late-flights.onnx') }],
      dataset: { paths: files, format: 'parquet', rowCount: 12_028, rowGroups: { count: 6, maxRows: 2048 } },
    });
  });

  it('names the partition keys of a folder and counts the nulls of all files', async () => {
    expect(await inspectJson('fixtures/hive')).toMatchObject({
      dataset: {
        rowCount: 97,
        partitionKeys: ['day', 'month'],
        columns: expect.arrayContaining([
          expect.objectContaining({ name: 'month', type: 'BIGINT', nullCount: 0 }),
          expect.objectContaining({ name: 'manufacturer', nullCount: 12 }),
        ]),
      },
    });
  });

  it('gives the first rows, with 64-bit integers as their digits', async () => {
    expect(await inspectJson('fixtures/types/types.parquet', '--rows', '2')).toMatchObject({
      dataset: {
        firstRows: [
          { id: '9007199254740993', int8: -128, decimal_18_4: '12345678901234.5678' },
          { id: '9007199254740995' },
        ],
      },
    });
    const { stdout } = await inspect('fixtures/digits/digits.parquet', '--rows', '1');
    expect(stdout).toMatch(/^ {4}pixels +FLOAT\[\] +no nulls +lists of 64, by the first one$/m);
    expect(stdout).toMatch(/^ {2}first 1 row\n {4}id +pixels +label\n {4}0 +\[0,0,0\.3125,/m);
  });

  it('counts the lines of a CSV that cannot be parsed', async () => {
    expect(await inspectJson('fixtures/csv/ragged.csv')).toMatchObject({
      dataset: { format: 'csv', rowCount: 6, rejectedLines: 2, rowGroups: null },
    });
  });

  it('shows the columns of a dataset without rows', async () => {
    expect(await inspectJson('fixtures/types/zero-rows.parquet')).toMatchObject({
      dataset: { rowCount: 0, columns: expect.arrayContaining([expect.objectContaining({ name: 'flight_id' })]) },
    });
  });

  it('leaves nulls of a large file open until --nulls asks for them', async () => {
    await using folder = await temporaryFolder();
    // Nothing in a footer counts the nulls of nested columns.
    await makeParquet(
      join(folder.path, 'large.parquet'),
      'SELECT CASE WHEN range % 10 = 0 THEN NULL ELSE {n: range % 3} END AS nested FROM range(20_000_001)',
    );
    const asked = async (...more: readonly string[]) =>
      (await nightshift(['inspect', 'large.parquet', ...more], { cwd: folder.path })).stdout;
    expect(await asked()).toMatch(/nested +STRUCT\(n BIGINT\) +nulls unknown$/m);
    expect(await asked('--nulls')).toMatch(/nested +STRUCT\(n BIGINT\) +2,000,001 nulls \(10\.0 %\)$/m);
  });
});

describe('nightshift inspect of what cannot be read', () => {
  it.each([
    ['fixtures/corrupt/truncated.parquet', 'INPUT_UNREADABLE', 'it is damaged or of another format'],
    ['fixtures/corrupt/not-parquet.parquet', 'INPUT_UNREADABLE', 'it is damaged or of another format'],
    ['fixtures/csv/empty.csv', 'INPUT_UNREADABLE', 'a table without rows still needs its header line'],
    ['fixtures/none.parquet', 'INPUT_NOT_FOUND', 'check the path'],
    ['fixtures/none/*.csv', 'INPUT_NOT_FOUND', 'check the path'],
    ['fixtures/none.onnx', 'MODEL_NOT_FOUND', 'check the path'],
    ['LICENSE', 'INPUT_UNREADABLE', 'name it with --format'],
  ])('ends with exit 4 for %s: %s', async (path, code, hint) => {
    const { exitCode, stdout, stderr } = await inspect(path);
    expect({ exitCode, stdout }).toEqual({ exitCode: 4, stdout: '' });
    expect(stderr).toMatch(new RegExp(`^error ${code}: .*\n(hint: ${hint})`, 'm'));
  });

  it('prints the error as a JSON document too', async () => {
    const { exitCode, stdout } = await inspect('fixtures/none.parquet', '--json');
    expect(exitCode).toBe(4);
    expect(JSON.parse(stdout)).toMatchObject({ v: 1, type: 'error', code: 'INPUT_NOT_FOUND', exitCode: 4 });
  });

  it('refuses a row count that is none', async () => {
    const { exitCode, stderr } = await inspect('fixtures/hive', '--rows', 'many');
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/not a whole number from 0 to 1000/);
  });
});
