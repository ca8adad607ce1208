import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Job, makeParquet, published, rejected, root, runJob, sql, temporaryFolder } from './nightshift.ts';

const images = join(root, 'fixtures/images');
const files = readdirSync(images).sort();
const broken = 5;
const copies = 4;

/** Every fixture `copies` times over: as paths, and as bytes. */
async function makePhotos(cwd: string): Promise<void> {
  const all = `SELECT n, parse_filename(filename) AS file, content AS photo FROM range(${copies}) t(n), read_blob('${images}/*') ORDER BY n, file`;
  await makeParquet(join(cwd, 'bytes.parquet'), all, 8);
  await makeParquet(join(cwd, 'paths.parquet'), all.replace('content AS photo', `'${images}/' || file AS photo`));
}

const job = (kind: 'bytes' | 'paths', changes: Job = {}): Job => ({
  model: join(root, 'fixtures/models/images/conv-nchw.onnx'),
  input: `${kind}.parquet`,
  features: { pixels: { image: 'photo', resize: [32, 32] } },
  output: { path: 'out', mode: 'overwrite', keep: ['n', 'file'] },
  execution: { devices: 'cpu', workersPerDevice: 1, batchSize: 5, shardRows: files.length },
  errors: { maxRejected: copies * broken },
  ...changes,
});

const last = ({ events }: Awaited<ReturnType<typeof runJob>>) => events.at(-1);

describe.each(['bytes', 'paths'] as const)('images as %s', (kind) => {
  it('that come again are decoded and scored once with dedupe, and rejected together', async () => {
    await using folder = await temporaryFolder();
    await makePhotos(folder.path);
    expect(await runJob(folder.path, job(kind))).toMatchObject({ exitCode: 0 });
    const expected = await published(folder.path);
    const reasons = await rejected(folder.path);
    expect(reasons).toHaveLength(copies * broken);
    const finished = await runJob(folder.path, job(kind, { dedupe: true }), ['--restart']);
    const repeatedRows = (copies - 1) * (files.length - broken);
    expect(last(finished)).toMatchObject({ type: 'run-published', repeatedRows });
    expect(await published(folder.path)).toEqual(expected);
    const latest = await sql(
      `SELECT row_number, code, message FROM read_parquet('${folder.path}/out/_nightshift/runs/${last(finished)?.['runId']}/rejects/*.parquet')`,
    );
    expect(latest).toEqual(reasons.slice(0, latest.length));
  });

  it('have the predictions of an earlier run from the cache, by what they are and not by what they are called', async () => {
    await using folder = await temporaryFolder();
    await makePhotos(folder.path);
    const cached = { dedupe: true, cache: { path: 'kept' } };
    const first = await runJob(folder.path, job(kind, cached));
    expect(first).toMatchObject({ exitCode: 0 });
    const expected = await published(folder.path);
    const other = kind === 'bytes' ? 'paths' : 'bytes';
    const again = await runJob(folder.path, job(other, cached), ['--restart']);
    expect(Number(last(again)?.['cachedRows'])).toBe(copies * (files.length - broken));
    expect(await published(folder.path)).toEqual(expected);
    const resized = { features: { pixels: { image: 'photo', resize: [32, 32], kernel: 'bicubic' } } };
    const sharper = await runJob(folder.path, job(kind, { ...cached, ...resized }), ['--restart']);
    // Those that another shard of the same run has scored.
    expect(Number(last(sharper)?.['cachedRows'])).toBe((copies - 1) * (files.length - broken));
  });
});

it('a picture that changed is scored anew, though its path is in the cache', async () => {
  await using folder = await temporaryFolder();
  const photo = join(folder.path, 'photo.png');
  copyFileSync(join(images, 'gradient.png'), photo);
  writeFileSync(join(folder.path, 'photos.csv'), 'photo\nphoto.png\n');
  const one = job('paths', {
    input: 'photos.csv',
    output: { path: 'out', mode: 'overwrite' },
    cache: { path: 'kept' },
    execution: { devices: 'cpu' },
  });
  await runJob(folder.path, one);
  const before = await published(folder.path);
  writeFileSync(photo, readFileSync(join(images, 'checker.png')));
  const changed = await runJob(folder.path, one, ['--restart']);
  expect(last(changed)).not.toHaveProperty('cachedRows');
  expect(await published(folder.path)).not.toEqual(before);
  copyFileSync(join(images, 'gradient.png'), photo);
  const back = await runJob(folder.path, one, ['--restart']);
  expect(last(back)).toMatchObject({ cachedRows: 1 });
  expect(await published(folder.path)).toEqual(before);
});
