import { mkdir, open, readdir, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { sha256OfFile } from '../../src/core/files.ts';
import { holdingWorkers, letGo } from './holding-workers.ts';
import {
  eventsIn,
  type Finished,
  makeParquet,
  nightshift,
  published,
  start,
  temporaryFolder,
  typeModel,
  writeSpec,
} from './nightshift.ts';

const rowCount = 6000;
const page = 4096;

/** Twelve shards whose parts hardly compress, so that a disk has a size at which they fill it. */
async function makeJob(cwd: string): Promise<void> {
  const select = `SELECT i AS id, i::FLOAT AS x, sha256(i::VARCHAR) AS note FROM range(${rowCount}) t(i)`;
  await makeParquet(join(cwd, 'in.parquet'), select, 500);
  await writeJob(cwd, []);
}

async function writeJob(cwd: string, checks: readonly object[]): Promise<void> {
  const job = {
    model: typeModel('float64'),
    input: 'in.parquet',
    features: { x: ['x', 'x'] },
    output: { path: 'disk/out', mode: 'overwrite', keep: ['id', 'note'] },
    execution: { workersPerDevice: 2, shardRows: 500, batchSize: 10 },
    checks,
  };
  await writeSpec(cwd, { job });
}

async function digests(cwd: string): Promise<Readonly<Record<string, string>>> {
  const output = join(cwd, 'disk/out');
  const names = (await readdir(output)).filter((name) => name.startsWith('part-'));
  const entries = names.sort().map(async (name) => [name, await sha256OfFile(join(output, name))] as const);
  return Object.fromEntries(await Promise.all(entries));
}

/** What the job publishes when nothing disturbs it; nothing of it stays. */
async function undisturbed(cwd: string): Promise<Readonly<Record<string, string>>> {
  const finished = await nightshift(['run', '--quiet'], { cwd });
  expect(finished).toMatchObject({ exitCode: 0, stderr: '' });
  const wanted = await digests(cwd);
  await rm(join(cwd, 'disk/out'), { recursive: true });
  return wanted;
}

/** Runs the job, and does something to its surroundings when two shards are done and no other is. */
async function runUntilTwoAreDone(cwd: string, disturb: () => Promise<void>): Promise<Finished> {
  const env = holdingWorkers({ folder: 'disk', shards: '[2-9]|1\\d' });
  const running = start(['run', '--json'], { cwd, env });
  let done = 0;
  let disturbed: Promise<void> | undefined;
  createInterface({ input: running.stdout }).on('line', (line) => {
    if (eventsIn({ stdout: line }).some(({ type }) => type === 'shard-done')) done++;
    if (done === 2) disturbed ??= disturb().finally(() => letGo(cwd));
  });
  const { exitCode, stdout, stderr } = await running;
  expect(disturbed).toBeDefined();
  await disturbed;
  return { exitCode, stdout, stderr };
}

/** The command told of its failure, and ended when it had. */
function expectFailure(finished: Finished, code: string, path: string): void {
  const last = eventsIn(finished).at(-1);
  expect(last).toMatchObject({ type: 'error', code, message: expect.stringContaining(path) });
  expect(finished).toMatchObject({ exitCode: 4, stderr: expect.stringContaining(`error ${code}: `) });
}

async function committed(cwd: string): Promise<number> {
  const names = await readdir(join(cwd, 'disk/out'), { recursive: true });
  return names.filter((name) => /commits\/\d+\.json$/.test(name)).length;
}

/** Runs the same command again: it scores what has no commit and ends with the bytes of a run that nothing disturbed. */
async function expectToGoOn(cwd: string, wanted: Readonly<Record<string, string>>): Promise<void> {
  const done = await committed(cwd);
  const again = await nightshift(['run', '--json'], { cwd });
  expect(again).toMatchObject({ exitCode: 0, stderr: '' });
  const planned = eventsIn(again).find(({ type }) => type === 'run-planned');
  expect(planned).toMatchObject({ shards: 12, shardsDone: done });
  expect(await digests(cwd)).toEqual(wanted);
  expect((await published(cwd, 'disk/out')).map((row) => Number(row['id']))).toEqual([...Array(rowCount).keys()]);
}

describe('a run whose surroundings change in the middle', () => {
  it('ends with the path of an input that was removed, and goes on when it is back', async () => {
    await using folder = await temporaryFolder();
    const cwd = folder.path;
    await makeJob(cwd);
    const wanted = await undisturbed(cwd);
    const input = join(cwd, 'in.parquet');
    const finished = await runUntilTwoAreDone(cwd, () => rename(input, `${input}.gone`));
    expectFailure(finished, 'INPUT_CHANGED', `${input} was removed`);
    await rename(`${input}.gone`, input);
    await expectToGoOn(cwd, wanted);
  });

  it.each(['staging', 'commits'])('ends with the path of a folder that is no folder any more: %s', async (name) => {
    await using folder = await temporaryFolder();
    const cwd = folder.path;
    await makeJob(cwd);
    const wanted = await undisturbed(cwd);
    let path = '';
    const finished = await runUntilTwoAreDone(cwd, async () => {
      const runs = join(cwd, 'disk/out/_nightshift/runs');
      path = join(runs, (await readdir(runs))[0] ?? '', name);
      await rename(path, `${path}.gone`);
      await writeFile(path, '');
    });
    expectFailure(finished, 'OUTPUT_UNWRITABLE', path);
    await rm(path);
    await rename(`${path}.gone`, path);
    await expectToGoOn(cwd, wanted);
  });
});

/** Why no disk of a size can be had here. */
const noMount = await withDisk('1m', async () => undefined).catch((error: unknown) => String(error).split('\n')[0]);

/** A disk of that size at `<cwd>/disk`, of a folder that goes when `use` is done. */
async function withDisk(size: string, use: (cwd: string) => Promise<void>): Promise<void> {
  await using folder = await temporaryFolder();
  const disk = join(folder.path, 'disk');
  await mkdir(disk);
  await execa('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'nightshift-test', disk]);
  try {
    await use(folder.path);
  } finally {
    await execa('umount', ['--lazy', disk]);
  }
}

const remount = (cwd: string, options: string) => execa('mount', ['-o', `remount,${options}`, join(cwd, 'disk')]);

/** Takes all the space that is left. */
async function fill(path: string): Promise<number> {
  await using file = await open(path, 'w');
  const bytes = Buffer.alloc(page);
  for (let size = 0; ; size += page) {
    const isFull = await file.write(bytes).then(
      () => false,
      () => true,
    );
    if (isFull) return size;
  }
}

describe(`a disk${noMount === undefined ? '' : ` (left out, a file system cannot be mounted here: ${noMount})`}`, () => {
  it.skipIf(noMount !== undefined).each([
    ['before the plan is written', '4k', 0],
    ['before a shard is whole', '24k', 0],
    ['in the middle', '260k', 3],
  ])('that is full %s ends the run with DISK_FULL, and it goes on when there is space', async (_, size, least) => {
    await withDisk(size, async (cwd) => {
      await makeJob(cwd);
      await remount(cwd, 'size=16m');
      const wanted = await undisturbed(cwd);
      await remount(cwd, `size=${size}`);
      const finished = await nightshift(['run', '--json'], { cwd });
      expectFailure(finished, 'DISK_FULL', join(cwd, 'disk/out/_nightshift/'));
      expect(await committed(cwd)).toBeGreaterThanOrEqual(least);
      await remount(cwd, 'size=16m');
      await expectToGoOn(cwd, wanted);
    });
  });

  it.skipIf(noMount !== undefined)('that is full when all is scored fails at each step to the last', async () => {
    await withDisk('16m', async (cwd) => {
      await makeJob(cwd);
      const wanted = await undisturbed(cwd);
      await writeJob(cwd, [{ rowCount: { max: 1 } }]);
      expect(await nightshift(['run', '--quiet'], { cwd })).toMatchObject({ exitCode: 3 });
      expect(await committed(cwd)).toBe(12);
      await writeJob(cwd, []);
      const filler = join(cwd, 'disk/filler');
      let size = await fill(filler);
      const messages = new Set<string>();
      for (;;) {
        const finished = await nightshift(['run', '--json'], { cwd });
        if (finished.exitCode === 0) break;
        expectFailure(finished, 'DISK_FULL', join(cwd, 'disk/out'));
        messages.add(finished.stderr);
        size -= page;
        await truncate(filler, size);
      }
      expect(messages.size).toBeGreaterThan(1);
      expect(await digests(cwd)).toEqual(wanted);
    });
  });

  it.skipIf(noMount !== undefined)('that becomes read-only ends the run with OUTPUT_UNWRITABLE', async () => {
    await withDisk('16m', async (cwd) => {
      await makeJob(cwd);
      const wanted = await undisturbed(cwd);
      const finished = await runUntilTwoAreDone(cwd, async () => {
        // Refused while a file is open for writing.
        while ((await remount(cwd, 'ro').catch(() => undefined)) === undefined);
      });
      expectFailure(finished, 'OUTPUT_UNWRITABLE', join(cwd, 'disk/out'));
      await remount(cwd, 'rw');
      await expectToGoOn(cwd, wanted);
    });
  });
});
