import { copyFile, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TextTokenizer } from '../../src/model/tokenizer.ts';
import { readTokenizerJson } from '../../src/model/tokenizer-json.ts';
import { goldenIds } from '../model/tokens.ts';
import { holdingWorkers } from './holding-workers.ts';
import {
  type Job,
  makeParquet,
  nightshift,
  published,
  publishedColumn,
  rejected,
  root,
  runJob,
  sql,
  start,
  temporaryFolder,
  typeModel,
  writeSpec,
} from './nightshift.ts';

const fixture = (name: string) => join(root, 'fixtures', name);
const tokenizer = fixture('models/tiny-bert/tokenizer.json');
const bert = fixture('models/tiny-bert/model.onnx');
const glosses = fixture('glosses/glosses.parquet');

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder[Symbol.asyncDispose]());
const inFolder = (name: string) => join(folder.path, name);

/** Embeddings of glosses, the first token's. */
const embeddings = (more: Job = {}): Job => ({
  model: bert,
  input: glosses,
  features: { text: { column: 'gloss', tokenizer } },
  output: { path: 'out', keep: ['id'], columns: { cls: 'last_hidden_state[0]' } },
  execution: { workersPerDevice: 1 },
  ...more,
});

/** Sums of what was fed, over texts that a query selects. */
async function sums(select: string, text: object, more: Job = {}) {
  await makeParquet(inFolder('in.parquet'), select);
  const job = {
    model: typeModel('tokens'),
    input: 'in.parquet',
    features: { text: { tokenizer, ...text } },
    output: { path: 'out', keep: ['id'], columns: { y: 'y' } },
    errors: { maxRejected: '100%' },
    ...more,
  };
  return runJob(folder.path, job);
}

const read = await TextTokenizer.open(tokenizer, await readTokenizerJson(tokenizer));
/** Without the special tokens. */
const idsOf = async (text: string) =>
  (await read.encode([[text]], Number.POSITIVE_INFINITY)).flatMap(({ ids }) => ids.slice(1, -1));
/** The sums that the model gives for one text: of its ids, of its mask, of its types. */
const summed = async (...texts: readonly string[]) => {
  const parts = await Promise.all(texts.map(idsOf));
  const ids = [2, ...parts.flatMap((part) => [...part, 3])];
  const second = parts[1] === undefined ? 0 : parts[1].length + 1;
  return [ids.reduce((sum, id) => sum + id, 0), ids.length, second].map(BigInt);
};
const allSummed = (texts: readonly string[]) => Promise.all(texts.map((text) => summed(text)));

it('a tokenizer may be of a date and of the environment', async () => {
  await copyFile(tokenizer, inFolder('tokenizer-2026.json'));
  const features = { text: { column: 'gloss', tokenizer: '${WORDS:-tokenizer}-${date:%Y}.json' } };
  await writeSpec(folder.path, { job: embeddings({ features }) });
  const plan = async (...more: readonly string[]) =>
    nightshift(['plan', 'jobs.yaml', 'job', ...more], { cwd: folder.path });
  expect(await plan('--date', '2026-11-23')).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining('WordPiece'),
  });
  const none = await plan('--date', '2025-11-23');
  expect(none).toMatchObject({ exitCode: 4, stderr: expect.stringContaining('tokenizer-2025.json does not exist') });
});

describe('embeddings of texts', () => {
  const golden = sql(`SELECT cls FROM read_parquet('${fixture('golden/tiny-bert.parquet')}') ORDER BY id`);

  it.each([
    ['as they are measured', {}, {}],
    ['one by one', { batchSize: 1 }, {}],
    ['in batches of 100 tokens', { batchTokens: 100 }, {}],
    ['in one batch', { batchTokens: 10_000_000 }, {}],
    ['in shards of 7 rows', { shardRows: 7 }, {}],
    ['padded to 128 tokens', { batchTokens: 4096 }, { padding: 'maxLength' }],
  ])("are Python's to the last bit, in input order: %s", async (_name, execution, text) => {
    const features = { text: { column: 'gloss', tokenizer, ...text } };
    const job = embeddings({ features, execution: { workersPerDevice: 1, ...execution } });
    expect(await runJob(folder.path, job)).toMatchObject({ exitCode: 0 });
    const rows = await published(folder.path);
    expect(rows.map((row) => row['id'])).toEqual(Array.from({ length: 600 }, (_, id) => id));
    expect(rows.map((row) => row['cls'])).toEqual((await golden).map((row) => row['cls']));
  });

  it('are the same from CSV, whose rows with a null are rejects', async () => {
    await sql(`COPY (SELECT id, CASE WHEN id % 100 <> 5 THEN gloss END AS gloss FROM read_parquet('${glosses}') ORDER BY id)
      TO '${inFolder('in.csv')}' (FORMAT csv, HEADER)`);
    const job = embeddings({ input: 'in.csv', errors: { maxRejected: 6 }, execution: { batchTokens: 512 } });
    expect(await runJob(folder.path, job)).toMatchObject({ exitCode: 0 });
    const expected = (await golden).filter((_, id) => id % 100 !== 5).map((row) => row['cls']);
    expect(await publishedColumn(folder.path, 'cls')).toEqual(expected);
    expect((await rejected(folder.path)).map((row) => row['row_number'])).toEqual([5n, 105n, 205n, 305n, 405n, 505n]);
  });

  it('are the same bytes when the run was killed and went on', async () => {
    const output = { keep: ['id'], columns: { cls: 'last_hidden_state[0]' } };
    const job = embeddings({ execution: { workersPerDevice: 1, shardRows: 10, batchTokens: 200 } });
    await writeSpec(folder.path, {
      job: { ...job, output: { ...output, path: 'whole' } },
      cut: { ...job, output: { ...output, path: 'out' } },
    });
    const names = async (output: string) =>
      (await readdir(inFolder(output))).filter((name) => name.startsWith('part-'));
    const bytes = async (output: string) =>
      Promise.all((await names(output)).sort().map((name) => readFile(inFolder(`${output}/${name}`))));
    const env = holdingWorkers({ shards: '1' });
    const cut = start(['run', 'jobs.yaml', 'cut', '--json'], { cwd: folder.path, env });
    for await (const line of cut.iterable({ from: 'stdout' })) if (line.includes('"shard-done"')) cut.kill('SIGKILL');
    expect(await cut).toMatchObject({ signal: 'SIGKILL' });
    const again = await nightshift(['run', 'jobs.yaml', 'cut', '--json'], { cwd: folder.path });
    expect(again).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('"resumes":true') });
    expect(await nightshift(['run', 'jobs.yaml', 'job'], { cwd: folder.path })).toMatchObject({ exitCode: 0 });
    expect(await bytes('out')).toEqual(await bytes('whole'));
    expect(await names('out')).toHaveLength(60);
  });

  it('are the same bytes again for rerun', async () => {
    expect(await runJob(folder.path, embeddings())).toMatchObject({ exitCode: 0 });
    expect(await nightshift(['rerun', 'out'], { cwd: folder.path })).toMatchObject({ exitCode: 0 });
  });

  it('are another run once the tokenizer has changed', async () => {
    await copyFile(tokenizer, inFolder('tokenizer.json'));
    const job = embeddings({ features: { text: { column: 'gloss', tokenizer: 'tokenizer.json' } } });
    await writeSpec(folder.path, { job });
    const fingerprint = async () =>
      JSON.parse((await nightshift(['plan', 'jobs.yaml', '--json'], { cwd: folder.path })).stdout);
    const before = await fingerprint();
    await writeFile(inFolder('tokenizer.json'), `${await readFile(tokenizer, 'utf8')}\n`);
    const after = await fingerprint();
    expect(JSON.stringify(after)).not.toBe(JSON.stringify(before));
  });
});

describe('texts', () => {
  const texts = ['of the', '', 'the state of being', 'a', 'of'];
  const values = texts.map((text, id) => `(${id}, '${text}')`).join(', ');
  const select = `SELECT * FROM (VALUES ${values}, (5, NULL)) t(id, t) ORDER BY id`;

  it('are empty where nulls are', async () => {
    await sums(select, { column: 't', nulls: 'empty' });
    expect(await publishedColumn(folder.path, 'y')).toEqual(await allSummed([...texts, '']));
  });

  it('are rejected at their places where they are null or too long', async () => {
    await sums(select, { column: 't', maxLength: 4, truncation: false });
    const sumsOf = await allSummed(texts);
    expect(await published(folder.path)).toEqual([0, 1, 3, 4].map((id) => ({ id, y: sumsOf[id] })));
    expect(await rejected(folder.path)).toEqual([
      { row_number: 2n, code: 'TEXT_TOO_LONG', message: 'the text has 6 tokens, more than 4' },
      { row_number: 5n, code: 'NULL_VALUE', message: 'column t is null' },
    ]);
  });

  it.each(['parquet', 'csv', 'jsonl'])(
    'have the ids of Python with NUL, controls, joiners and marks, from %s',
    async (format) => {
      // A CSV file with NUL is refused, since it is no text.
      const edges = goldenIds.edges.flatMap(({ text, ids }) =>
        typeof text === 'string' && Array.isArray(ids) && !(format === 'csv' && text.includes('\0'))
          ? [{ text, ids }]
          : [],
      );
      const lines = edges.map(({ text }, id) => JSON.stringify({ id, t: text }));
      await writeFile(inFolder('in.jsonl'), `${lines.join('\n')}\n`);
      const all = `SELECT * FROM read_json('${inFolder('in.jsonl')}', columns = { id: 'BIGINT', t: 'VARCHAR' }) ORDER BY id`;
      if (format !== 'jsonl') await sql(`COPY (${all}) TO '${inFolder(`in.${format}`)}'`);
      const features = { text: { column: 't', tokenizer, nulls: 'empty' } };
      const output = { path: 'out', keep: ['id'], columns: { y: 'y' } };
      const job = { model: typeModel('tokens'), input: `in.${format}`, features, output };
      expect(await runJob(folder.path, job)).toMatchObject({ exitCode: 0 });
      expect(await publishedColumn(folder.path, 'y')).toEqual(
        edges.map(({ ids }) => [ids.reduce((sum, id) => sum + id, 0), ids.length, 0].map(BigInt)),
      );
    },
  );

  it('may be pairs, whose types tell them apart, also where one is empty', async () => {
    await sums(
      `SELECT id, t, u FROM (VALUES (0, 'of', 'the state'), (1, 'a', ''), (2, '', '')) t(id, t, u) ORDER BY id`,
      {
        columns: ['t', 'u'],
      },
    );
    expect(await publishedColumn(folder.path, 'y')).toEqual([
      await summed('of', 'the state'),
      await summed('a', ''),
      await summed('', ''),
    ]);
  });

  it('may be a template around columns that are not all text', async () => {
    await sums(`SELECT id, t, 7 + id AS n FROM (VALUES (0, 'of'), (1, 'the')) t(id, t) ORDER BY id`, {
      template: 'query: {t} {{{n}}}',
    });
    expect(await publishedColumn(folder.path, 'y')).toEqual(await allSummed(['query: of {7}', 'query: the {8}']));
  });

  it('stand beside columns that fill inputs as they are', async () => {
    await sums(
      `SELECT id, t, (id + 1)::FLOAT AS weight FROM (VALUES (0, 'of the'), (1, 'a'), (2, 'of')) t(id, t) ORDER BY id`,
      { column: 't' },
      { model: typeModel('tokens-beside') },
    );
    const expected = (await allSummed(['of the', 'a', 'of'])).map(([sum], id) => Number(sum) * (id + 1));
    expect(await publishedColumn(folder.path, 'y')).toEqual(expected);
  });

  it('are fed in the batches and lengths that the model fixes', async () => {
    const long = 'the state of being '.repeat(9);
    await sums(
      `SELECT id, t FROM (VALUES (0, 'of'), (1, '${long}'), (2, 'a'), (3, ''), (4, 'the')) t(id, t) ORDER BY id`,
      {
        column: 't',
      },
      { model: typeModel('tokens-fixed') },
    );
    const rows = await published(folder.path);
    const cut = [2, ...(await idsOf(long)).slice(0, 14), 3].reduce((sum, id) => sum + id, 0);
    expect(rows.map((row) => row['y'])).toEqual([
      (await summed('of')).slice(0, 2).map(Number),
      [cut, 16],
      ...(await allSummed(['a', '', 'the'])).map((each) => each.slice(0, 2).map(Number)),
    ]);
  });

  it('are not padded where the model has no mask', async () => {
    await sums(
      select,
      { column: 't', nulls: 'empty', inputs: { input_ids: 'tokens' } },
      { model: typeModel('tokens-bare') },
    );
    expect(await publishedColumn(folder.path, 'y')).toEqual((await allSummed([...texts, ''])).map(([sum]) => sum));
  });

  it('that the session fails on are found among those that were sorted with them', async () => {
    // The model has a table of 1,000 tokens; zone is one of the rest.
    const firstOf = async (texts: readonly string[], isWanted: (ids: readonly number[]) => boolean) => {
      const ids = await Promise.all(texts.map(idsOf));
      return texts.find((_, at) => isWanted(ids[at] ?? [])) ?? '';
    };
    const rare = await firstOf([...'abcdefghijklmnopqrstuvwxyz'], (ids) => ids.every((id) => id < 1000));
    const words = await sql(`SELECT DISTINCT word FROM read_parquet('${glosses}')`);
    const beyond = await firstOf(
      words.map((row) => String(row['word'])),
      (ids) => ids.some((id) => id >= 1000),
    );
    const repeated = await allSummed(Array.from({ length: 7 }, (_, times) => `${rare} `.repeat(times)));
    await sums(
      `SELECT id, CASE WHEN id IN (3, 17) THEN '${beyond.replaceAll("'", "''")}' ELSE repeat('${rare} ', id % 7) END AS t FROM range(40) r(id)`,
      { column: 't' },
      { model: typeModel('tokens-throws'), execution: { batchTokens: 60 } },
    );
    expect((await rejected(folder.path)).map((row) => [row['row_number'], row['code']])).toEqual([
      [3n, 'SESSION_FAILED'],
      [17n, 'SESSION_FAILED'],
    ]);
    const good = Array.from({ length: 40 }, (_, id) => id).filter((id) => id !== 3 && id !== 17);
    expect(await published(folder.path)).toEqual(good.map((id) => ({ id: BigInt(id), y: repeated[id % 7]?.[0] })));
  });
});

describe('a text that cannot be read as asked', () => {
  const text = (more: object) => embeddings({ features: { text: { column: 'gloss', tokenizer, ...more } } });
  const brokenFiles = async () => {
    await writeFile(inFolder('broken.json'), '{"model": ');
    await writeFile(inFolder('other.json'), '{"version": 1, "jobs": {}}');
    await writeFile(inFolder('kind.json'), '{"model": {"type": "Runes", "vocab": {}}}');
    await writeFile(inFolder('huge.json'), '');
    await truncate(inFolder('huge.json'), 300 * 2 ** 20);
  };

  it.each<[string, Job, string, string | RegExp]>([
    [
      'a tokenizer that is not there',
      text({ tokenizer: 'no.json' }),
      'TOKENIZER_NOT_FOUND',
      'features.text.tokenizer: tokenizer',
    ],
    ['a folder', text({ tokenizer: '.' }), 'TOKENIZER_NOT_FOUND', 'is not a file'],
    [
      'half a tokenizer',
      text({ tokenizer: 'broken.json' }),
      'TOKENIZER_INVALID',
      'broken.json is not a tokenizer: it is no whole JSON',
    ],
    [
      'another JSON file',
      text({ tokenizer: 'other.json' }),
      'TOKENIZER_INVALID',
      /features\.text\.tokenizer: \S+other\.json is not a tokenizer: it is JSON without a `model`/,
    ],
    [
      'an unknown kind',
      text({ tokenizer: 'kind.json' }),
      'TOKENIZER_INVALID',
      'kind.json is not a tokenizer: data did not match any variant',
    ],
    ['300 MB of it', text({ tokenizer: 'huge.json' }), 'TOKENIZER_INVALID', 'bytes, and more than'],
    [
      'no room beside special tokens',
      text({ maxLength: 2 }),
      'MODEL_INPUT_MISMATCH',
      'leaves no room for the text beside 2',
    ],
    [
      'a column that is no text',
      text({ column: 'id' }),
      'MODEL_INPUT_MISMATCH',
      'column id is INTEGER, which is no text',
    ],
    ['a column that is not there', text({ column: 'glos' }), 'COLUMN_MISSING', 'column glos is not in the dataset'],
    [
      'a template of no such column',
      embeddings({ features: { text: { template: 'a {b}', tokenizer } } }),
      'COLUMN_MISSING',
      'features.text.template: column b is not',
    ],
    [
      'a model without tokens',
      { ...text({}), model: typeModel('float32') },
      'MODEL_INPUT_MISMATCH',
      'it has x none of them takes tokens, int64 or int32 [batch, sequence]',
    ],
    [
      'tokens of another name',
      { ...text({ inputs: { attention_mask: 'pixels' } }), model: fixture('models/images/captioned.onnx') },
      'MODEL_INPUT_MISMATCH',
      'features.text.inputs.attention_mask: model input pixels is float32[N, 3, 32, 32], and tokens are',
    ],
    [
      'a table without texts',
      embeddings({ features: {}, input: fixture('digits/digits.parquet') }),
      'MODEL_INPUT_MISMATCH',
      'texts fill it, and the dataset has no column of texts (VARCHAR)',
    ],
    [
      'an input of another type',
      { ...text({ inputs: { input_ids: 'x' } }), model: typeModel('float32') },
      'MODEL_INPUT_MISMATCH',
      'features.text.inputs.input_ids: model input x is float32[N, 2], and tokens are',
    ],
    [
      'more than the model fixes',
      { ...text({ maxLength: 17 }), model: typeModel('tokens-fixed'), output: { path: 'out' } },
      'MODEL_INPUT_MISMATCH',
      'features.text.maxLength: 17 tokens are more than the 16',
    ],
    [
      'an input that nothing fills',
      embeddings({ features: {} }),
      'MODEL_INPUT_MISMATCH',
      'texts fill it: features: { text: { column: word, tokenizer: tokenizer.json } }',
    ],
  ])('is refused before anything runs: %s', async (_name, job, code, message) => {
    await brokenFiles();
    const { exitCode, events, stderr } = await runJob(folder.path, job);
    const error = events.at(-1);
    expect(error).toMatchObject({ type: 'error', code });
    expect(`${error?.['message']} ${error?.['hint']}`).toMatch(message);
    expect(exitCode).toBe(code.startsWith('TOKENIZER') ? 4 : 2);
    expect(stderr).not.toMatch(/^ {4}at /m);
  });

  it('tells in the plan what reads it, and how far', async () => {
    await writeSpec(folder.path, { job: text({ nulls: 'empty' }) });
    const { stdout } = await nightshift(['plan', 'jobs.yaml'], { cwd: folder.path });
    expect(stdout).toContain(
      'text  ← gloss as input_ids, attention_mask, token_type_ids: at most 128 WordPiece tokens of 1,500',
    );
  });

  it('warns of more tokens than tokenizer.json keeps', async () => {
    await writeSpec(folder.path, { job: text({ maxLength: 129 }) });
    const { exitCode, stdout } = await nightshift(['plan', 'jobs.yaml'], { cwd: folder.path });
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(
      /warn +text keeps 129 tokens, and its tokenizer.json cuts at 128: the model may not read more/,
    );
  });
});

it('is refused where a column has another length for each text, by a hint that runs', async () => {
  await writeSpec(folder.path, { job: embeddings({ output: { path: 'out', keep: ['id'] } }) });
  const validated = await nightshift(['validate'], { cwd: folder.path });
  expect(validated).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('jobs.job.output: last_hidden_state has [sequence, 32] a row, which is as long as'),
  });
  const [, columns = ''] = /columns: \{ (\w+: [^ ]+) \} \}$/m.exec(validated.stderr) ?? [];
  const [name = '', expression = ''] = columns.split(': ');
  const hinted = embeddings({ output: { path: 'out', keep: ['id'], columns: { [name]: expression } } });
  expect(await runJob(folder.path, hinted)).toMatchObject({ exitCode: 0 });
});
