import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { makeParquet, nightshift, root, temporaryFolder, typeModel } from '../e2e/nightshift.ts';

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
    await makeParquet(inFolder('in.parquet'), "SELECT i AS id, [300, 400]::INTEGER[] AS x FROM range(4) t(i)");
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
