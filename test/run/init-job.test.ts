import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { makeParquet, nightshift, published, root, temporaryFolder, typeModel } from '../e2e/nightshift.ts';

const fixture = (name: string) => join(root, 'fixtures', name);

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder[Symbol.asyncDispose]());

const inFolder = (name: string) => join(folder.path, name);
const init = (...args: readonly string[]) =>
  // The tests themselves may run through npx.
  nightshift(['init', ...args, '--job', 'job'], { cwd: folder.path, env: { npm_command: '' } });
const written = async (): Promise<unknown> => parse(await readFile(inFolder('jobs.yaml'), 'utf8'));

describe('a dataset that does not fit the model', () => {
  beforeEach(() => copyFile(fixture('models/tiny-bert/model.onnx'), inFolder('bert.onnx')));

  it('has no text for a model that takes tokens, and is refused', async () => {
    expect(await init('bert.onnx', fixture('digits/digits.parquet'))).toMatchObject({
      exitCode: 2,
      stderr: [
        'error MODEL_INPUT_MISMATCH: model input input_ids int64[batch, sequence] takes the tokens of texts, and no column of the dataset is a text (VARCHAR)',
        'hint: name a dataset with a column of texts, or with token ids in a column of lists called input_ids',
      ].join('\n'),
    });
    await expect(written()).rejects.toThrow('ENOENT');
  });

  it('loses every row, and is refused rather than allowed to', async () => {
    await makeParquet(inFolder('in.parquet'), 'SELECT i AS id, [300, 400]::INTEGER[] AS x FROM range(4) t(i)');
    expect(await init(typeModel('uint8'), 'in.parquet')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(
        /^error MODEL_INPUT_MISMATCH: none of 4 rows can become tensors: no value of x fits model input x\nhint: /,
      ),
    });
    await expect(written()).rejects.toThrow('ENOENT');
  });
});

it('says how to get the tokenizer that is not there, before the run', async () => {
  await copyFile(fixture('models/tiny-bert/model.onnx'), inFolder('bert.onnx'));
  const { stdout } = await init('bert.onnx', fixture('glosses/glosses.parquet'));
  const get = `python -c "from transformers import AutoTokenizer; AutoTokenizer.from_pretrained('NAME').save_pretrained('.')"`;
  expect(stdout).toContain(
    `next: get tokenizer.json, which the spec names; for a model of a hub: ${get}\nthen: nightshift run`,
  );
  const { stdout: json } = await init('bert.onnx', fixture('glosses/glosses.parquet'), '--force', '--json');
  expect(JSON.parse(json)).toMatchObject({ missing: [inFolder('tokenizer.json')], next: 'nightshift run' });
});

describe('a model that takes images', () => {
  const conv = fixture('models/images/conv-nhwc.onnx');
  const names = "('gradient.png', 'wide.jpg', 'grey.jpg')";
  const select = `SELECT parse_filename(filename) AS id, content AS photo FROM read_blob('${fixture('images')}/*')
    WHERE parse_filename(filename) IN ${names}`;

  it('has them from the only column of bytes, and runs unedited', async () => {
    await makeParquet(inFolder('in.parquet'), select);
    const { stdout } = await init(conv, 'in.parquet');
    expect(stdout).toContain('pixels: photo is the only column of bytes.');
    expect(await written()).toMatchObject({
      jobs: { job: { features: { pixels: { image: { column: 'photo', resize: [32, 32] } } } } },
    });
    expect(await nightshift(['run', '--quiet'], { cwd: folder.path })).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await published(folder.path, 'out/job')).toHaveLength(3);
  });

  it('has them from a column of paths, beside the text that it takes, too', async () => {
    const paths = select.replace('content AS photo', "filename AS photo_path, 'a' AS title");
    await makeParquet(inFolder('in.parquet'), paths);
    await copyFile(fixture('models/images/captioned.onnx'), inFolder('model.onnx'));
    await copyFile(fixture('models/tiny-bert/tokenizer.json'), inFolder('tokenizer.json'));
    await init('model.onnx', 'in.parquet');
    expect(await written()).toMatchObject({
      jobs: { job: { features: { text: { column: 'title' }, pixels: { image: { column: 'photo_path' } } } } },
    });
    expect(await nightshift(['run', '--quiet'], { cwd: folder.path })).toMatchObject({ exitCode: 0, stderr: '' });
  });

  it('is told of image: where the columns do not tell', async () => {
    await makeParquet(inFolder('in.parquet'), select.replace('content AS photo', 'content AS a, content AS b'));
    expect(await init(conv, 'in.parquet')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining(
        'hint: images fill it, from a column of bytes (BLOB) or of paths: features: { pixels: { image: COLUMN } }',
      ),
    });
  });
});
