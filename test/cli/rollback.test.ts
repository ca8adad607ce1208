import { readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeParquet, nightshift, publishedColumn, runJob, temporaryFolder, typeModel } from '../e2e/nightshift.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeEach(async () => {
  folder = await temporaryFolder();
  await makeParquet(
    join(folder.path, 'in.parquet'),
    'SELECT i AS id, CASE i WHEN 7 THEN NULL ELSE i END::FLOAT AS a FROM range(30) t(i)',
    10,
  );
  for (const rows of [20, 10]) expect(await run(rows)).toMatchObject({ exitCode: 0 });
});
afterEach(() => folder[Symbol.asyncDispose]());

function run(limit: number, more: readonly string[] = []) {
  const job = {
    model: typeModel('float32'),
    input: { path: 'in.parquet', limit },
    features: { x: ['a', 'a'] },
    output: { path: 'out', keep: ['id'], mode: 'overwrite', keepVersions: 3 },
    execution: { shardRows: 10 },
    errors: { maxRejected: 1 },
  };
  return runJob(folder.path, job, more);
}

const cli = (...args: readonly string[]) => nightshift(args, { cwd: folder.path });
const rowCount = async () => (await publishedColumn(folder.path, 'id')).length;

async function versions(): Promise<readonly { readonly runId: string; readonly current: boolean }[]> {
  return JSON.parse((await cli('versions', 'out', '--json')).stdout).versions;
}

describe('rollback', () => {
  it('brings back the previous version, which verifies with its rejects', async () => {
    const { exitCode, stdout, stderr } = await cli('rollback', 'out');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout.split('\n')).toEqual([
      `${join(folder.path, 'out')}: rolled back`,
      expect.stringMatching(/^ {2}from {2}\S+ {2}\S+ \S+Z {2}9 rows {3}1 part {3}model \S{12}$/),
      expect.stringMatching(/^ {2}to {4}\S+ {2}\S+ \S+Z {2}19 rows {2}2 parts {2}model \S{12}$/),
    ]);
    expect(await rowCount()).toBe(19);
    expect(await cli('verify', 'out')).toMatchObject({ exitCode: 0 });
    expect((await versions()).map(({ current }) => current)).toEqual([false, true]);
  });

  it('goes forward again with --to, and runs go on from there', async () => {
    const [newest] = await versions();
    await cli('rollback', 'out');
    const forward = await cli('rollback', 'out', '--to', newest?.runId ?? '', '--json');
    expect(JSON.parse(forward.stdout)).toMatchObject({
      v: 1,
      dryRun: false,
      from: { rows: 19, current: false },
      to: { runId: newest?.runId, rows: 9, parts: 1, current: true },
    });
    expect(await rowCount()).toBe(9);
    expect(await run(30)).toMatchObject({ exitCode: 0 });
    expect(await rowCount()).toBe(29);
    expect(await versions()).toHaveLength(3);
    expect(await cli('verify', 'out')).toMatchObject({ exitCode: 0 });
  });

  it('only says what it would do with --dry-run', async () => {
    const { exitCode, stdout } = await cli('rollback', 'out', '--dry-run');
    expect({ exitCode, title: stdout.split('\n')[0] }).toEqual({
      exitCode: 0,
      title: `${join(folder.path, 'out')}: would be rolled back`,
    });
    expect(await rowCount()).toBe(9);
  });

  it('names the versions that there are when it is asked for another', async () => {
    const ids = (await versions()).map(({ runId }) => runId);
    expect(await cli('rollback', 'out', '--to', 'r0')).toMatchObject({
      exitCode: 4,
      stderr: `error OUTPUT_NOT_FOUND: ${join(folder.path, 'out')} has no version r0\nhint: choose one with --to: ${ids.join(', ')}`,
    });
    await cli('rollback', 'out');
    expect(await cli('rollback', 'out')).toMatchObject({
      exitCode: 4,
      stderr: expect.stringContaining('has no version before the one that is published\nhint: choose one with --to: '),
    });
  });

  it('says how to keep versions where none are', async () => {
    await run(10, ['--set', 'output.keepVersions=1']);
    expect(await cli('rollback', 'out')).toMatchObject({
      exitCode: 4,
      stderr: expect.stringContaining('\nhint: it keeps no versions: set output.keepVersions to 2 or more'),
    });
  });

  it('leaves no trace in a folder that is not an output', async () => {
    expect(await cli('rollback', '.')).toMatchObject({
      exitCode: 4,
      stderr: expect.stringContaining('OUTPUT_NOT_FOUND'),
    });
    expect(await cli('verify', '.')).toMatchObject({
      stderr: expect.stringContaining('name a folder that nightshift published'),
    });
  });

  it('does not touch an output while a run holds its lock', async () => {
    const lock = { pid: 1, host: `not-${hostname()}`, bootId: '', startTicks: '', since: 'then' };
    await writeFile(join(folder.path, 'out/_nightshift/lock'), JSON.stringify(lock));
    expect(await cli('rollback', 'out')).toMatchObject({
      exitCode: 75,
      stderr: expect.stringContaining('error LOCKED'),
    });
    expect(await rowCount()).toBe(9);
  });

  it('that was cut off is told by verify, and finished by the next run', async () => {
    const [, oldest] = await versions();
    await writeFile(join(folder.path, 'out/_nightshift/rollback.json'), JSON.stringify({ v: 1, to: oldest?.runId }));
    await rm(join(folder.path, 'out/_SUCCESS'));
    expect(await cli('verify', 'out')).toMatchObject({
      exitCode: 3,
      stdout: expect.stringContaining('a rollback was interrupted, run `nightshift rollback` again to finish it'),
    });
    expect(await run(30)).toMatchObject({ exitCode: 0 });
    const manifest = JSON.parse(await readFile(join(folder.path, 'out/_nightshift/manifest.json'), 'utf8'));
    expect(manifest.replaces).toBe(oldest?.runId);
    expect(await cli('verify', 'out')).toMatchObject({ exitCode: 0 });
  });
});
