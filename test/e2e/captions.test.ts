import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type Job, makeParquet, published, rejected, root, runJob, sql, temporaryFolder } from './nightshift.ts';

const images = join(root, 'fixtures/images');
const files = readdirSync(images).sort();
const broken = 5;
const tokenizer = join(root, 'fixtures/models/tiny-bert/tokenizer.json');
const image = { image: 'photo', resize: [32, 32], mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

/** Every fixture three times with a caption of 1 to 7 words. */
function makeCaptions(cwd: string): Promise<string> {
  return makeParquet(
    join(cwd, 'in.parquet'),
    `SELECT row_number() OVER (ORDER BY n, filename)::INTEGER - 1 AS id, parse_filename(filename) AS file, content AS photo,
       repeat('a ', (1 + length(file) % 7)::INTEGER) AS caption
     FROM range(3) t(n), read_blob('${images}/*') ORDER BY id`,
    16,
  );
}

const job = (changes: Job = {}): Job => ({
  model: join(root, 'fixtures/models/images/captioned.onnx'),
  input: 'in.parquet',
  features: { pixels: image, text: { column: 'caption', tokenizer } },
  output: { path: 'out', mode: 'overwrite', keep: ['id', 'file'] },
  execution: { devices: 'cpu', workersPerDevice: 1 },
  errors: { maxRejected: 3 * broken },
  ...changes,
});

it('a job with an image and a text gives what the image alone and the text alone give', async () => {
  await using folder = await temporaryFolder();
  await makeCaptions(folder.path);
  const { exitCode, stderr } = await runJob(folder.path, job());
  expect({ exitCode, stderr: exitCode === 0 ? '' : stderr }).toEqual({ exitCode: 0, stderr: '' });
  const rows = await published(folder.path);
  expect(rows).toHaveLength(3 * (files.length - broken));
  expect((await rejected(folder.path)).map(({ code }) => code)).toEqual(
    Array.from({ length: 3 * broken }, () => 'IMAGE_UNREADABLE'),
  );
  const alone = job({
    model: join(root, 'fixtures/models/images/conv-nchw.onnx'),
    features: { pixels: image },
    output: { path: 'images', keep: ['id', 'file'] },
  });
  expect(await runJob(folder.path, alone)).toMatchObject({ exitCode: 0 });
  expect(rows.map(({ id, scores }) => [id, scores])).toEqual(
    (await published(folder.path, 'images')).map(({ id, scores }) => [id, scores]),
  );
  const text = job({
    model: join(root, 'fixtures/models/types/tokens.onnx'),
    features: { text: { column: 'caption', tokenizer } },
    output: { path: 'texts', keep: ['id'] },
  });
  expect(await runJob(folder.path, text)).toMatchObject({ exitCode: 0 });
  const sums = new Map(
    (await sql(`SELECT id, y[1]::BIGINT AS y FROM '${folder.path}/texts/part-*.parquet'`)).map(({ id, y }) => [id, y]),
  );
  expect(rows.map(({ y }) => y)).toEqual(rows.map(({ id }) => sums.get(id ?? 0)));
});

it('such a job gives the same whatever its batches, windows and shards are, and with repeats scored once', async () => {
  await using folder = await temporaryFolder();
  await makeCaptions(folder.path);
  const found = new Set<string>();
  for (const changes of [
    { execution: { batchSize: 1 } },
    { execution: { batchSize: 64, batchTokens: 40, readAhead: 0 } },
    { execution: { batchSize: 7, batchTokens: 1000, shardRows: 20, workersPerDevice: 2 } },
    { dedupe: true, execution: { batchSize: 4 } },
    { dedupe: true, cache: { path: 'kept' }, execution: { shardRows: 9 } },
    { cache: { path: 'kept' } },
  ]) {
    const { exitCode } = await runJob(folder.path, job(changes), ['--restart']);
    expect(exitCode).toBe(0);
    found.add(
      JSON.stringify(await published(folder.path), (_, value) => (typeof value === 'bigint' ? `${value}` : value)),
    );
  }
  expect(found.size).toBe(1);
});
