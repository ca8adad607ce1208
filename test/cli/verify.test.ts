import { appendFile, cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeParquet, nightshift, runJob, runJobs, temporaryFolder, typeModel } from '../e2e/nightshift.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const manifestPath = '_nightshift/manifest.json';

beforeAll(async () => {
  folder = await temporaryFolder();
  await makeParquet(
    join(folder.path, 'in.parquet'),
    'SELECT i AS id, CASE i WHEN 7 THEN NULL ELSE i END::FLOAT AS a, i::FLOAT AS b FROM range(30) t(i)',
    10,
  );
  const job = (output: object) => ({
    model: typeModel('float32'),
    input: { path: 'in.parquet', where: 'id <> 3' },
    features: { x: ['a', 'b'] },
    output: { keep: ['id'], ...output },
    execution: { shardRows: 10 },
    errors: { maxRejected: 1 },
  });
  const formats = ['csv', 'jsonl', 'arrow'].map((format) => [
    format,
    job({ path: format, format, columns: { y: 'y[0]' } }),
  ]);
  const jobs = { good: job({ path: 'good' }), ...Object.fromEntries(formats) };
  expect(await runJobs(folder.path, jobs)).toMatchObject({ exitCode: 0, stderr: '' });
});
afterAll(() => folder[Symbol.asyncDispose]());

async function verify(output: string, ...flags: readonly string[]) {
  const { exitCode, stdout, stderr } = await nightshift(['verify', output, ...flags], { cwd: folder.path });
  return { exitCode, stdout, stderr };
}

/** A copy of the good output for a test to damage. */
async function copyOf(name: string): Promise<string> {
  await cp(join(folder.path, 'good'), join(folder.path, name), { recursive: true });
  return join(folder.path, name);
}

async function editManifest(output: string, edit: (text: string) => string): Promise<void> {
  const path = join(output, manifestPath);
  await writeFile(path, edit(await readFile(path, 'utf8')));
}

describe('an output that agrees with its manifest', () => {
  it('is told check by check', async () => {
    const { exitCode, stdout, stderr } = await verify('good');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toBe(
      [
        `${join(folder.path, 'good')}: 28 rows in 3 parts, 1 run`,
        '  ok  _SUCCESS  there',
        '  ok  files     none that the manifest does not name',
        '  ok  parts     3 by size and sha256',
        '  ok  rows      counted in every part',
        '  ok  ledger    30 in = 28 out + 1 rejected + 1 filtered',
        '  ok  rejects   1',
      ].join('\n'),
    );
  });

  it.each(['csv', 'jsonl', 'arrow'])('has its rows counted in %s parts too', async (format) => {
    const { exitCode, stdout } = await verify(format, '--json');
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ v: 1, verified: true, rows: 28, parts: 3 });
  });
});

describe('an output that was damaged', () => {
  it('has all its problems listed, not only the first', async () => {
    const output = await copyOf('damaged');
    await rm(join(output, '_SUCCESS'));
    await rm(join(output, 'part-00000.parquet'));
    await appendFile(join(output, 'part-00001.parquet'), 'x');
    await writeFile(join(output, 'part-00009.parquet'), 'stray');
    const [run = ''] = await readdir(join(output, '_nightshift/runs'));
    await rm(join(output, '_nightshift/runs', run, 'rejects'), { recursive: true });
    const { exitCode, stdout, stderr } = await verify('damaged');
    expect({ exitCode, stderr }).toEqual({ exitCode: 3, stderr: '' });
    expect(stdout).toContain('  FAIL  _SUCCESS  is missing, and no publish was interrupted: ');
    expect(stdout).toContain('  FAIL  files     part-00009.parquet is not in the manifest, but readers will see it\n');
    expect(stdout).toContain('  FAIL  parts     part-00000.parquet is missing\n');
    expect(stdout).toMatch(/^ +part-00001\.parquet has \d+ bytes, the manifest says \d+$/m);
    expect(stdout).toMatch(/^ {2}ok {4}rows +counted in every part that is whole$/m);
    expect(stdout).not.toContain('cannot be read:');
    expect(stdout).toMatch(/^ {2}FAIL {2}rejects +_nightshift\/runs\/.+ is missing or cannot be read$/m);
    expect(stdout).toMatch(/^ {2}ok {4}ledger /m);
  });

  it('is told to be finished by its job when a publish was cut off', async () => {
    const output = await copyOf('cut-off');
    await rm(join(output, '_SUCCESS'));
    const [run = ''] = await readdir(join(output, '_nightshift/runs'));
    await mkdir(join(output, '_nightshift/runs', run, 'staging'));
    const { exitCode, stdout } = await verify('cut-off');
    expect(exitCode).toBe(3);
    expect(stdout).toContain('is missing: a publish was interrupted, run the same job again to finish it\n');
  });

  it('is found by its sha256 when the size is the same', async () => {
    const output = await copyOf('flipped');
    const path = join(output, 'part-00002.parquet');
    const bytes = await readFile(path);
    bytes[10] = (bytes[10] ?? 0) ^ 1;
    await writeFile(path, bytes);
    const { exitCode, stdout } = await verify('flipped', '--json');
    expect(exitCode).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({
      verified: false,
      checks: expect.arrayContaining([
        {
          name: 'parts',
          ok: false,
          problems: ['part-00002.parquet has another sha256 than the manifest: it was changed'],
        },
      ]),
    });
  });

  it('is found by its rows when the manifest was edited to fit', async () => {
    const output = await copyOf('ledger');
    await editManifest(output, (text) =>
      text.replace('"rowCount": 8', '"rowCount": 9').replace('"filtered": 1', '"filtered": 2'),
    );
    const { exitCode, stdout } = await verify('ledger');
    expect(exitCode).toBe(3);
    expect(stdout).toContain('part-00000.parquet has 8 rows, the manifest says 9\n');
    expect(stdout).toMatch(/run \S+: 30 rows in, but 28 out \+ 1 rejected \+ 2 filtered\n/);
    expect(stdout).toMatch(/run \S+: 28 rows out, but its parts hold 29$/m);
  });

  it('is VERIFY_FAILED when its manifest is of another version or no JSON at all', async () => {
    await editManifest(await copyOf('future'), (text) => text.replace('"v": 1', '"v": 99'));
    await editManifest(await copyOf('garbage'), () => '{');
    for (const output of ['future', 'garbage']) {
      const { exitCode, stderr } = await verify(output);
      expect(exitCode).toBe(3);
      expect(stderr).toMatch(/^error VERIFY_FAILED: \S+manifest\.json is not a manifest of this version: /);
    }
  });
});

describe('a folder in which nothing is published', () => {
  it('is OUTPUT_NOT_FOUND with a hint about what it is', async () => {
    await mkdir(join(folder.path, 'plain'));
    await mkdir(join(folder.path, 'begun/_nightshift'), { recursive: true });
    const failing = { model: typeModel('float32'), input: 'in.parquet', features: { x: ['a', 'b'] }, output: 'failed' };
    expect(await runJob(folder.path, failing)).toMatchObject({ exitCode: 3 });
    expect(await verify('missing')).toEqual({
      exitCode: 4,
      stdout: '',
      stderr: `error OUTPUT_NOT_FOUND: ${folder.path}/missing does not exist\nhint: name the folder that output.path of the job names`,
    });
    expect(await verify('plain')).toMatchObject({
      exitCode: 4,
      stderr: `error OUTPUT_NOT_FOUND: nothing is published in ${folder.path}/plain\nhint: name a folder that nightshift published`,
    });
    expect(await verify('begun')).toMatchObject({
      exitCode: 4,
      stderr: expect.stringContaining('hint: nothing was published here yet'),
    });
    expect(await verify('failed')).toMatchObject({
      exitCode: 4,
      stderr: `error OUTPUT_NOT_FOUND: nothing is published in ${folder.path}/failed\nhint: a run is going on, was stopped or was held back: run the job again, or see \`nightshift publish --dry-run\``,
    });
  });
});
