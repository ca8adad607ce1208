import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeParquet, nightshift, runJobs, sql, temporaryFolder, typeModel } from '../e2e/nightshift.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  folder = await temporaryFolder();
  await makeParquet(join(folder.path, 'in.parquet'), 'SELECT i AS id, i::FLOAT AS a FROM range(30) t(i)', 10);
  for (const rows of [10, 20, 30])
    expect(await runJobs(folder.path, { kept: job('kept', rows, 2), plain: job('plain', rows, 1) })).toMatchObject({
      exitCode: 0,
      stderr: '',
    });
});
afterAll(() => folder[Symbol.asyncDispose]());

function job(path: string, limit: number, keepVersions: number) {
  return {
    model: typeModel('float32'),
    input: { path: 'in.parquet', limit },
    features: { x: ['a', 'a'] },
    output: { path, keep: ['id'], mode: 'overwrite', keepVersions },
    execution: { shardRows: 10 },
  };
}

async function versions(output: string, ...flags: readonly string[]) {
  return nightshift(['versions', output, ...flags], { cwd: folder.path });
}

describe('versions', () => {
  it('lists the last ones, newest first, and says which is current', async () => {
    const { exitCode, stdout, stderr } = await versions('kept');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const [title, ...lines] = stdout.split('\n');
    expect(title).toBe(`${join(folder.path, 'kept')}: 2 versions`);
    const line = (what: string) =>
      expect.stringMatching(
        new RegExp(
          `^ {2}\\d{8}T\\d{6}Z-\\w{6} {2}[\\d-]{10} [\\d:]{8}Z {2}${what.replace('model', 'model [0-9a-f]{12}')}$`,
        ),
      );
    expect(lines).toEqual([line('30 rows  3 parts  model  current'), line('20 rows  2 parts  model')]);
  });

  it('are whole tables where --json says that they are', async () => {
    const { stdout } = await versions('kept', '--json');
    const told = JSON.parse(stdout);
    const { parts: _parts, runs } = JSON.parse(
      await readFile(join(folder.path, 'kept/_nightshift/manifest.json'), 'utf8'),
    );
    expect(told).toMatchObject({
      v: 1,
      output: join(folder.path, 'kept'),
      versions: [
        { runId: runs[0].runId, publishedAt: runs[0].publishedAt, rows: 30, parts: 3, current: true },
        { rows: 20, parts: 2, current: false, model: runs[0].model },
      ],
    });
    for (const { path, rows } of told.versions)
      expect(await sql(`SELECT count(*)::INT AS n FROM '${path}/part-*.parquet'`)).toEqual([{ n: rows }]);
  });

  it('are what is published alone where none are kept', async () => {
    const { stdout } = await versions('plain', '--json');
    expect(JSON.parse(stdout).versions).toMatchObject([
      { rows: 30, parts: 3, current: true, path: join(folder.path, 'plain') },
    ]);
  });

  it('leave an output that verifies', async () => {
    expect(await nightshift(['verify', 'kept'], { cwd: folder.path })).toMatchObject({ exitCode: 0 });
  });

  it.each([
    ['none', /^error OUTPUT_NOT_FOUND: \S+\/none does not exist\nhint: /],
    ['.', /^error OUTPUT_NOT_FOUND: nothing is published in \S+\nhint: name a folder that nightshift published$/],
  ])('says that nothing is published in %s', async (output, message) => {
    expect(await versions(output)).toMatchObject({ exitCode: 4, stdout: '', stderr: expect.stringMatching(message) });
  });
});
