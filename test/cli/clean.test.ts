import { mkdir, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeParquet, nightshift, runJob, temporaryFolder, typeModel } from '../e2e/nightshift.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  folder = await temporaryFolder();
  await makeParquet(join(folder.path, 'in.parquet'), 'SELECT i AS id, i AS x FROM range(6) t(i)');
});
afterEach(() => folder[Symbol.asyncDispose]());

/** Gather, which fails for x above 3. */
const run = (where: string) =>
  runJob(folder.path, {
    model: typeModel('throws'),
    input: { path: 'in.parquet', where },
    features: { x: 'x' },
    output: { path: 'out', mode: 'overwrite' },
    execution: { shardRows: 2 },
  });
const clean = (...flags: readonly string[]) => nightshift(['clean', 'out', ...flags], { cwd: folder.path });

describe('clean', () => {
  it('says that there is nothing to do', async () => {
    await run('x < 4');
    expect(await clean()).toEqual({
      exitCode: 0,
      stdout: `${join(folder.path, 'out')}: nothing to clean`,
      stderr: '',
    });
  });

  it('removes an unfinished run, which the next run then does not go on with, and nothing that is published', async () => {
    await run('x < 4');
    expect(await run('x >= 0')).toMatchObject({ exitCode: 3 });
    const told = await clean('--dry-run');
    expect(told).toMatchObject({ exitCode: 0, stderr: '' });
    const [title, ...lines] = told.stdout.split('\n');
    expect(title).toMatch(/\/out: would remove 1 leftover, [\d.,]+ (bytes|KiB)$/);
    expect(lines).toEqual([
      expect.stringMatching(
        /^ {2}_nightshift\/runs\/\S+ {2}\S+ \w+ {2}an unfinished run of job job, 3 of 3 shards done$/,
      ),
    ]);
    const done = JSON.parse((await clean('--json')).stdout);
    expect(done).toMatchObject({ v: 1, dryRun: false, removed: [{ bytes: done.bytes }], kept: [] });
    expect(done.bytes).toBeGreaterThan(500);
    expect((await clean()).stdout).toContain('nothing to clean');
    expect(await nightshift(['verify', 'out'], { cwd: folder.path })).toMatchObject({ exitCode: 0 });
    const { events } = await run('x >= 0');
    expect(events.find((event) => event.type === 'run-started')).toMatchObject({ resumes: false });
  });

  it('does not touch what a live run holds', async () => {
    await run('x >= 0');
    const lock = { pid: 1, host: `not-${hostname()}`, bootId: '', startTicks: '', since: 'then' };
    await writeFile(join(folder.path, 'out/_nightshift/lock'), JSON.stringify(lock));
    for (const flags of [[], ['--dry-run']])
      expect(await clean(...flags)).toMatchObject({
        exitCode: 75,
        stdout: '',
        stderr: expect.stringContaining('LOCKED'),
      });
  });

  it('refuses a folder where nightshift never was', async () => {
    await mkdir(join(folder.path, 'out'));
    expect(await clean()).toMatchObject({ exitCode: 4, stderr: expect.stringContaining('error OUTPUT_NOT_FOUND: ') });
  });
});
