import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { elementType, modelBytes, node, tensorInfo } from '../model/tiny-model.ts';
import {
  type Finished,
  type Job,
  makeParquet,
  nightshift,
  published,
  publishedTypes,
  rejected,
  runJob,
  runJobs,
  temporaryFolder,
  writeSpec,
} from './nightshift.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let finished: Finished;

/** logits = x */
const classifier = modelBytes({
  node: [node('Identity', ['x'], ['logits'])],
  input: [tensorInfo('x', elementType.FLOAT, ['N', 3])],
  output: [tensorInfo('logits', elementType.FLOAT, ['N', 3])],
});
/** last_hidden_state = x, with a mask that is fed as a text model's is. */
const encoder = modelBytes({
  node: [node('Identity', ['x'], ['last_hidden_state']), node('Identity', ['attention_mask'], ['used'])],
  input: [
    tensorInfo('x', elementType.FLOAT, ['N', 'seq', 2]),
    tensorInfo('attention_mask', elementType.INT64, ['N', 'seq']),
  ],
  output: [
    tensorInfo('last_hidden_state', elementType.FLOAT, ['N', 'seq', 2]),
    tensorInfo('used', elementType.INT64, ['N', 'seq']),
  ],
});

function classify(columns: Readonly<Record<string, string>>, output: Job = {}, rest: Job = {}): Job {
  return {
    model: 'classifier.onnx',
    input: 'scores.parquet',
    features: { x: ['a', 'b', 'c'] },
    output: { path: 'classes', keep: ['id'], mode: 'overwrite', columns, ...output },
    ...rest,
  };
}

const classes = {
  class: 'argmax(logits)',
  name: 'label(argmax(logits), labels/three.json)',
  best: 'topk(logits, 2)',
  best_values: 'topkValues(logits, 2)',
  best_names: 'label(topk(logits, 2), labels/three.json)',
  sure: 'threshold(softmax(logits)[0], 0.5)',
  chance: 'round(softmax(logits)[0], 4)',
  odds: 'round(sigmoid(logits[2]), 3)',
};

beforeAll(async () => {
  folder = await temporaryFolder();
  await writeFile(join(folder.path, 'classifier.onnx'), classifier);
  await writeFile(join(folder.path, 'encoder.onnx'), encoder);
  await mkdir(join(folder.path, 'labels'));
  await writeFile(join(folder.path, 'labels/three.json'), '["cat", "dog", "cow"]');
  await writeFile(join(folder.path, 'labels/two.json'), '{"0": "cat", "1": "dog"}');
  await makeParquet(
    join(folder.path, 'scores.parquet'),
    `SELECT * FROM (VALUES (1, 2, 1, 0), (2, 0, 2, 1), (3, 0, 0, 3)) t(id, a, b, c)`,
  );
  await makeParquet(
    join(folder.path, 'nan.parquet'),
    `SELECT id, a::FLOAT AS a, b::FLOAT AS b, c::FLOAT AS c
     FROM (VALUES (1, '2', '1', '0'), (2, 'nan', '2', '1'), (3, '0', 'inf', '3'), (4, '0', '1', '9')) t(id, a, b, c)`,
  );
  await makeParquet(
    join(folder.path, 'texts.parquet'),
    `SELECT id, x::FLOAT[][] AS x, m::BIGINT[] AS attention_mask, m::BIGINT[] AS other FROM (VALUES
      (1, [[3, 4], [9, 9], [3, 4]], [1, 0, 1]), (2, [[0, 5], [0, 7], [1, 1]], [1, 1, 0]), (3, [[1, 2], [3, 4], [5, 6]], [0, 0, 0])
    ) t(id, x, m)`,
  );
  finished = await runJobs(folder.path, {
    classes: classify(classes),
    csv: classify(classes, { path: 'classes-csv', format: 'csv' }),
    encoder: {
      model: 'encoder.onnx',
      input: 'texts.parquet',
      output: {
        path: 'vectors',
        keep: ['id'],
        columns: {
          vector: 'normalize(meanPool(last_hidden_state))',
          mean: 'meanPool(last_hidden_state, attention_mask)',
          first: 'cls(last_hidden_state)',
        },
      },
      execution: { batchSize: 2 },
    },
  });
});
afterAll(() => folder[Symbol.asyncDispose]());

it('runs all of them and says nothing on stderr', () => {
  expect(finished).toMatchObject({ exitCode: 0, stderr: '' });
});

describe('a classifier', () => {
  it('gives classes, their names, the best of them, and rounded chances', async () => {
    expect(await published(folder.path, 'classes')).toEqual([
      {
        ...{ id: 1, class: 0n, name: 'cat', best: [0n, 1n], best_values: [2, 1], best_names: ['cat', 'dog'] },
        ...{ sure: true, chance: Math.fround(0.6652), odds: 0.5 },
      },
      {
        ...{ id: 2, class: 1n, name: 'dog', best: [1n, 2n], best_values: [2, 1], best_names: ['dog', 'cow'] },
        ...{ sure: false, chance: Math.fround(0.09), odds: Math.fround(0.731) },
      },
      {
        ...{ id: 3, class: 2n, name: 'cow', best: [2n, 0n], best_values: [3, 0], best_names: ['cow', 'cat'] },
        ...{ sure: false, chance: Math.fround(0.0453), odds: Math.fround(0.953) },
      },
    ]);
  });

  it('gives them types that fit', async () => {
    expect(await publishedTypes(folder.path, 'classes')).toEqual({
      ...{ id: 'INTEGER', class: 'BIGINT', name: 'VARCHAR', best: 'BIGINT[]', best_values: 'FLOAT[]' },
      ...{ best_names: 'VARCHAR[]', sure: 'BOOLEAN', chance: 'FLOAT', odds: 'FLOAT' },
    });
  });

  it('rejects rows whose class has no name, and those that are no numbers', async () => {
    const columns = { name: 'label(argmax(logits), labels/two.json)', sure: 'threshold(logits[1], 0)' };
    const job = classify(columns, { path: 'rejects' }, { input: 'nan.parquet', errors: { maxRejected: 3 } });
    expect(await runJob(folder.path, job)).toMatchObject({ exitCode: 0 });
    expect(await published(folder.path, 'rejects')).toEqual([{ id: 1, name: 'cat', sure: true }]);
    expect(await rejected(folder.path, 'rejects')).toEqual([
      { row_number: 1n, code: 'NON_FINITE', message: 'name: logits is NaN' },
      { row_number: 2n, code: 'NON_FINITE', message: 'sure: logits[1] is Infinity' },
      { row_number: 3n, code: 'NO_LABEL', message: 'name: argmax(logits) is 2, which labels/two.json does not name' },
    ]);
  });

  it('is scored anew when a name changes, and not when only the way it is written does', async () => {
    const labels = join(folder.path, 'labels/changing.json');
    const job = classify({ name: 'label(argmax(logits), labels/changing.json)' }, { path: 'changing', mode: 'append' });
    await writeFile(labels, '["cat", "dog", "cow"]');
    expect(await runJob(folder.path, job)).toMatchObject({ exitCode: 0 });
    await writeFile(labels, '{ "0": "cat", "2": "cow", "1": "dog" }');
    const same = await runJob(folder.path, job);
    expect(same.events.at(-1)).toMatchObject({ type: 'run-skipped' });
    await writeFile(labels, '["cat", "dog", "bull"]');
    expect((await runJob(folder.path, job)).events.at(-1)).toMatchObject({ type: 'run-published' });
    expect((await published(folder.path, 'changing')).map((row) => row['name'])).toEqual(
      ['cat', 'dog', 'cow'].concat('cat', 'dog', 'bull'),
    );
  });
});

describe('a repeat', () => {
  it('has the labels that the run had, or says that they are others', async () => {
    const labels = join(folder.path, 'labels/kept.json');
    await writeFile(labels, '["cat", "dog", "cow"]');
    const job = classify({ name: 'label(argmax(logits), labels/kept.json)' }, { path: 'kept' });
    expect(await runJob(folder.path, job)).toMatchObject({ exitCode: 0 });
    const rerun = (into: string) => nightshift(['rerun', 'kept', '--into', into], { cwd: folder.path });
    expect(await rerun('same')).toMatchObject({ exitCode: 0 });
    await writeFile(labels, '["cat", "dog", "bull"]');
    expect(await rerun('other')).toMatchObject({
      exitCode: 4,
      stderr: expect.stringMatching(/^error INPUT_CHANGED: run .* its files of labels say something else now\n/),
    });
  });
});

describe('an encoder', () => {
  it('gives the mean over the positions that its mask has, of length one, and the first position', async () => {
    const rows = await published(folder.path, 'vectors');
    const [row6, row8] = [Math.fround(0.6), Math.fround(0.8)];
    expect(rows).toEqual([
      { id: 1, vector: [row6, row8], mean: [3, 4], first: [3, 4] },
      { id: 2, vector: [0, 1], mean: [0, 6], first: [0, 5] },
      { id: 3, vector: [0, 0], mean: [0, 0], first: [1, 2] },
    ]);
    expect(await publishedTypes(folder.path, 'vectors')).toMatchObject({ vector: 'FLOAT[]', first: 'FLOAT[]' });
  });
});

describe('an expression that cannot be', () => {
  it.each([
    [
      'normalise(logits)',
      'jobs.yaml:9:14 jobs.job.output.columns.p: output expression "normalise(logits)", character 1: ' +
        'expected the name of a function before a "(", found "normalise(lo"\n  normalise(logits)\n  ^\n' +
        'hint: did you mean normalize? the functions are argmax, max, softmax, sigmoid, normalize, cls, round, threshold, ' +
        'topk, topkValues, label, meanPool; the name of an output that has brackets goes in double quotes',
    ],
    [
      'max(topk(logits, 4))',
      'jobs.yaml:9:31 jobs.job.output.columns.p: logits has 3 elements, so there are no greatest 4\n' +
        '  max(topk(logits, 4))\n                   ^\nhint: the model declares logits float32[N, 3]',
    ],
    [
      'meanPool(logits)',
      'jobs.yaml:9:14 jobs.job.output.columns.p: logits has [3] a row, and meanPool needs [positions, values]\n' +
        '  meanPool(logits)\n  ^\nhint: the model declares logits float32[N, 3]',
    ],
  ])('is refused where %s is written', async (expression, message) => {
    const text = [
      'version: 1',
      'jobs:',
      '  job:',
      '    model: classifier.onnx',
      '    input: scores.parquet',
      '    features: { x: [a, b, c] }',
      '    output: # here',
      '      { path: refused, columns: {',
      `         p: "${expression}" } }`,
    ];
    await writeFile(join(folder.path, 'jobs.yaml'), text.join('\n'));
    const { exitCode, stderr } = await nightshift(['validate', 'jobs.yaml'], { cwd: folder.path });
    expect({ exitCode, stderr: stderr.trimEnd() }).toEqual({
      exitCode: 2,
      stderr: `error MODEL_OUTPUT_MISMATCH: ${message}`,
    });
  });

  it('names the file of labels that was probably meant', async () => {
    await writeSpec(folder.path, { job: classify({ n: 'label(argmax(logits), labels/tree.json)' }) });
    const { exitCode, stderr } = await nightshift(['plan', 'jobs.yaml'], { cwd: folder.path });
    expect(exitCode).toBe(4);
    expect(stderr).toMatch(
      /^error LABELS_UNREADABLE: jobs\.yaml:\d+:\d+ jobs\.job\.output\.columns\.n: .*tree\.json does/,
    );
    expect(stderr).toContain(`hint: did you mean ${join(folder.path, 'labels/three.json')}?`);
  });

  it('names the inputs that may be masks', async () => {
    const columns = { v: 'meanPool(last_hidden_state, mask)' };
    await writeSpec(folder.path, {
      job: { model: 'encoder.onnx', input: 'texts.parquet', output: { path: 'x', columns } },
    });
    const { exitCode, stderr } = await nightshift(['plan', 'jobs.yaml'], { cwd: folder.path });
    expect(exitCode).toBe(2);
    expect(stderr).toContain('last_hidden_state cannot be pooled: the model has no input mask for a mask');
    expect(stderr).toContain("the model's inputs: x, attention_mask");
  });
});
