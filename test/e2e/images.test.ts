import { readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type Job,
  makeParquet,
  nightshift,
  published,
  rejected,
  root,
  runJob,
  sql,
  temporaryFolder,
  writeSpec,
} from './nightshift.ts';

const images = join(root, 'fixtures/images');
const model = (name: string) => join(root, 'fixtures/models/images', `${name}.onnx`);
/** In the order of the golden table and of the globs below. */
const broken = ['bomb.png', 'empty.png', 'not-an-image.jpg', 'truncated.jpg', 'truncated.png'];
const files = readdirSync(images).sort();
const whole = files.filter((file) => !broken.includes(file));
/** How far a score may be from Pillow's and onnxruntime's; what is not resized, and holds no JPEG, is not off at all. */
const exact = [
  'animated.gif',
  'checker.png',
  'gradient.png',
  'gradient.tiff',
  'gradient.webp',
  'grey16.png',
  'palette.png',
];
const imagenet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

let golden: ReadonlyMap<string, Readonly<Record<'nchw' | 'nhwc', readonly number[]>>> = new Map();
beforeAll(async () => {
  const text = `to_json({'nchw': nchw, 'nhwc': nhwc})::VARCHAR AS scores`;
  const rows = await sql(`SELECT file, ${text} FROM '${root}/fixtures/golden/images.parquet'`);
  golden = new Map(rows.map((row) => [String(row['file']), JSON.parse(String(row['scores']))]));
});

/** All images as bytes, in order of their names. */
function makePhotos(folder: string, where = 'true', rowGroupRows = 4): Promise<string> {
  const select = `SELECT parse_filename(filename) AS file, content AS photo FROM read_blob('${images}/*') WHERE ${where} ORDER BY 1`;
  return makeParquet(join(folder, 'photos.parquet'), select, rowGroupRows);
}

const bytesJob = (changes: Job = {}): Job => ({
  model: model('conv-nchw'),
  input: 'photos.parquet',
  features: { pixels: { image: 'photo', resize: [32, 32], ...imagenet } },
  output: { path: 'out', keep: ['file'] },
  execution: { intraOpThreads: 1, batchSize: 3 },
  ...changes,
});

/** The published scores of each file, and how far the farthest of them is from the golden one. */
async function distances(
  cwd: string,
  layout: 'nchw' | 'nhwc',
): Promise<readonly (readonly [file: string, distance: number])[]> {
  const rows = await sql(
    `SELECT file, to_json(scores)::VARCHAR AS scores FROM read_parquet('${cwd}/out/part-*.parquet')`,
  );
  return rows.map((row) => {
    const expected = golden.get(String(row['file']))?.[layout] ?? [];
    const scores: readonly number[] = JSON.parse(String(row['scores']));
    return [
      String(row['file']),
      Math.max(...scores.map((score, at) => Math.abs(score - (expected[at] ?? Number.NaN)))),
    ];
  });
}

function expectGolden(found: Awaited<ReturnType<typeof distances>>, tolerance: number): void {
  expect(found.map(([file]) => file)).toEqual(whole);
  for (const [file, distance] of found) {
    // CMYK goes through a colour profile here, and through none in Pillow.
    if (file === 'cmyk.jpg') continue;
    expect({ file, distance: distance <= (exact.includes(file) ? 1e-6 : tolerance) ? 'small' : distance }).toEqual({
      file,
      distance: 'small',
    });
  }
}

describe('images as bytes', () => {
  it('are scored as Pillow and onnxruntime score them, broken ones rejected with the reason', async () => {
    await using folder = await temporaryFolder();
    await makePhotos(folder.path);
    const { exitCode, stderr } = await runJob(folder.path, bytesJob({ errors: { maxRejected: broken.length } }));
    expect({ exitCode, stderr: exitCode === 0 ? '' : stderr }).toEqual({ exitCode: 0, stderr: '' });
    expectGolden(await distances(folder.path, 'nchw'), 0.02);
    expect(
      (await rejected(folder.path)).map((row) => [files[Number(row['row_number'])], row['code'], row['message']]),
    ).toEqual([
      ['bomb.png', 'IMAGE_UNREADABLE', 'column photo: the image has more than 100000000 pixels'],
      ['empty.png', 'IMAGE_UNREADABLE', 'column photo: the image is empty'],
      ['not-an-image.jpg', 'IMAGE_UNREADABLE', 'column photo: this is no image, or one of a format that is not read'],
      ['truncated.jpg', 'IMAGE_UNREADABLE', 'column photo: the image is cut off or damaged'],
      ['truncated.png', 'IMAGE_UNREADABLE', 'column photo: the image is cut off or damaged'],
    ]);
  });

  it('are not published when more are broken than the job allows', async () => {
    await using folder = await temporaryFolder();
    await makePhotos(folder.path);
    const { exitCode, events } = await runJob(folder.path, bytesJob({ errors: { maxRejected: broken.length - 1 } }));
    expect(exitCode).toBe(3);
    expect(events.at(-1)).toMatchObject({ code: 'REJECTS_OVER_LIMIT' });
    expect(readdirSync(join(folder.path, 'out'))).toEqual(['_nightshift']);
  });

  it('give the same bytes whatever the batches and shards are', async () => {
    await using folder = await temporaryFolder();
    await makePhotos(folder.path);
    const scores = [];
    for (const execution of [{ batchSize: 1 }, { batchSize: 64, readAhead: 0 }, { batchSize: 'auto', shardRows: 5 }]) {
      const job = bytesJob({ execution: { intraOpThreads: 1, ...execution }, errors: { maxRejected: 5 } });
      const { exitCode } = await runJob(folder.path, {
        ...job,
        output: { path: 'out', keep: ['file'], mode: 'overwrite' },
      });
      expect(exitCode).toBe(0);
      scores.push(JSON.stringify(await published(folder.path)));
    }
    expect(new Set(scores).size).toBe(1);
  });

  it('are scored again when they were mended', async () => {
    await using folder = await temporaryFolder();
    await makePhotos(folder.path, `parse_filename(filename) IN ('gradient.png', 'truncated.jpg', 'wide.png')`);
    const run = await runJob(folder.path, bytesJob({ errors: { maxRejected: 1 } }));
    expect(run.exitCode).toBe(0);
    await makeParquet(
      join(folder.path, 'fix.parquet'),
      `SELECT 1::BIGINT AS row_number, content AS photo FROM read_blob('${images}/wide.png')`,
    );
    const { exitCode } = await nightshift(['replay', 'out', '--fix', 'fix.parquet'], { cwd: folder.path });
    expect(exitCode).toBe(0);
    const rows = await published(folder.path);
    expect(rows.map((row) => row['file'])).toEqual(['gradient.png', 'truncated.jpg', 'wide.png']);
    expect(rows[1]?.['scores']).toEqual(rows[2]?.['scores']);
  });
});

describe('images as paths', () => {
  it('are found from root on, as absolute paths and as URIs; what is not there or on the network is rejected', async () => {
    await using folder = await temporaryFolder();
    const others = [
      join(images, 'gradient.png'),
      `file://${images}/gradient.png`,
      'none.png',
      'https://example.com/a.png',
      '',
    ];
    const rows = [...whole, ...others].map((path) => `${path},${path.split('/').at(-1)}`);
    await writeFile(join(folder.path, 'photos.csv'), `photo,file\n${rows.join('\n')}\n`);
    const { exitCode, stderr } = await runJob(
      folder.path,
      bytesJob({
        model: model('conv-nhwc'),
        input: 'photos.csv',
        features: { pixels: { image: { column: 'photo', root: images, resize: [32, 32] } } },
        errors: { maxRejected: 3 },
      }),
    );
    expect({ exitCode, stderr: exitCode === 0 ? '' : stderr }).toEqual({ exitCode: 0, stderr: '' });
    const found = await distances(folder.path, 'nhwc');
    expectGolden(found.slice(0, whole.length), 0.005);
    expect(found.slice(whole.length)).toEqual([
      ['gradient.png', expect.closeTo(0, 6)],
      ['gradient.png', expect.closeTo(0, 6)],
    ]);
    expect((await rejected(folder.path)).map((row) => [row['code'], row['message']])).toEqual([
      ['IMAGE_UNREADABLE', `column photo: ${join(images, 'none.png')} does not exist`],
      ['IMAGE_UNREADABLE', expect.stringContaining('https://example.com/a.png is not on this machine')],
      ['NULL_VALUE', 'column photo is null'],
    ]);
  });
});

describe('plan', () => {
  async function plan(features: Job, args: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
    await using folder = await temporaryFolder();
    await makePhotos(folder.path);
    await writeSpec(folder.path, { job: bytesJob({ features }) });
    return await nightshift(['plan', 'jobs.yaml', ...args], { cwd: folder.path, env });
  }

  it('refuses a layout that the model does not have, and points at it', async () => {
    const { exitCode, stderr } = await plan({ pixels: { image: { column: 'photo', layout: 'nhwc' } } });
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(
      /MODEL_INPUT_MISMATCH: jobs\.yaml:\d+:\d+ jobs\.job\.features\.pixels\.image\.layout: model input pixels float32\[N, 3, 32, 32\] has 32 channels as nhwc/,
    );
    expect(stderr).toContain('write `layout: nchw`');
  });

  it('shows which column becomes which pixels, and what decodes them', async () => {
    const features = { pixels: { image: 'photo', resize: 40, crop: 'center', colour: 'bgr', ...imagenet } };
    expect((await plan(features)).stdout).toMatch(
      /images +pixels {2}← photo, images, as float32\[N, 3, 32, 32\], nchw, bgr\n +resize 40 \(shorter side, bilinear\), crop center 32 × 32; scale 1\/255, mean 0\.485, 0\.456, 0\.406, std 0\.229, 0\.224, 0\.225\n/,
    );
    const { stdout } = await plan(features, ['--json']);
    expect(JSON.parse(stdout)).toMatchObject({
      jobs: [
        {
          imageDecoder: expect.stringMatching(/^sharp [\d.]+, libvips [\d.]+$/),
          images: [
            {
              ...{ input: 'pixels', from: 'bytes', resize: 40, crop: 'center', kernel: 'bilinear', scale: 1 / 255 },
              ...{ colour: 'bgr', innerShape: [3, 32, 32], ...imagenet },
            },
          ],
        },
      ],
    });
  });

  it('says how to get the decoder where it is missing, and needs it for images only', async () => {
    const hook = `import{registerHooks}from'node:module';registerHooks({resolve(name,context,next){if(name==='sharp')throw new Error('no sharp here');return next(name,context)}})`;
    const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(hook)}` };
    const { exitCode, stderr } = await plan({ pixels: { image: 'photo' } }, [], env);
    expect(exitCode).toBe(4);
    expect(stderr).toMatch(
      /DECODER_UNAVAILABLE: images cannot be decoded: no sharp here\nhint: install it for this machine: npm install --os=\w+ --cpu=\w+ sharp/,
    );
    const other = await plan({ pixels: ['photo'] }, [], env);
    expect(other.stderr).not.toContain('sharp');
  });
});
