import { copyFile, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nightshift, root, temporaryFolder, writeSpec } from '../e2e/nightshift.ts';
import { digitsJob } from './flights-job.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder[Symbol.asyncDispose]());

const caching = {
  ...digitsJob,
  cache: { path: 'kept' },
  execution: { ...digitsJob.execution, optimizedModelCache: true },
};
const state = ['--state-dir', 'state'];

async function run(...args: readonly string[]) {
  return nightshift(args, { cwd: folder.path });
}

async function jsonOf(...args: readonly string[]): Promise<unknown> {
  const { exitCode, stdout, stderr } = await run(...args, '--json');
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return JSON.parse(stdout);
}

describe('nightshift cache', () => {
  it('shows what runs have kept and what it spared them, and clears it', async () => {
    await writeSpec(folder.path, { digits: caching });
    for (let times = 0; times < 2; times++)
      expect(await run('run', '--quiet', ...state)).toMatchObject({ exitCode: 0, stderr: '' });
    const shown = await jsonOf('cache', 'show', 'jobs.yaml', 'digits', ...state);
    expect(shown).toMatchObject({
      v: 1,
      predictions: [
        {
          ...{ path: join(folder.path, 'kept'), state: 'kept', entries: 1797, maxBytes: 5e9, jobs: ['digits'] },
          lastRuns: [{ job: 'digits', runs: 2, rows: 2 * 1797, cachedRows: 1797 }],
        },
      ],
      models: [{ model: { path: digitsJob.model }, provider: 'cpu', graphOptimization: 'all' }],
    });
    expect((await run('cache', 'show', ...state)).stdout).toMatch(
      /1,797 predictions, .* of 5GB\n.*\n.*\n +hits {2}50\.0 %/,
    );
    expect(await jsonOf('cache', 'clear', '--older-than', '2d', ...state)).toMatchObject({ models: [] });
    const would = await jsonOf('cache', 'clear', '--dry-run', ...state);
    expect(would).toMatchObject({
      dryRun: true,
      predictions: [{ entries: 1797 }],
      models: [{ model: digitsJob.model }],
    });
    expect(await jsonOf('cache', 'show', ...state)).toEqual(await jsonOf('cache', 'show', 'jobs.yaml', ...state));
    expect((await run('cache', 'clear', ...state)).stdout).toMatch(/^removed\n {2}kept +1,797 predictions/);
    expect(await jsonOf('cache', 'show', ...state)).toMatchObject({ predictions: [{ entries: 0 }], models: [] });
    expect((await run('cache', 'clear', ...state)).stdout).toBe('nothing to clear');
    expect(await run('run', '--quiet', ...state)).toMatchObject({ exitCode: 0, stderr: '' });
  });

  it('knows of the models without a spec, and leaves nothing behind where nothing is', async () => {
    for (const verb of ['show', 'clear']) {
      const { exitCode, stdout, stderr } = await run('cache', verb, ...state);
      expect({ exitCode, stderr }).toEqual({
        exitCode: 0,
        stderr: 'no jobs.yaml here; name a spec for its predictions',
      });
      expect(stdout).toMatch(/^nothing /);
    }
    expect(await readdir(folder.path)).toEqual([]);
    expect((await run('cache', 'show', 'missing.yaml', ...state)).stderr).toContain('SPEC_NOT_FOUND');
    expect((await run('cache', 'clear', '--older-than', 'long', ...state)).exitCode).toBe(2);
  });

  it('finds the cache of a run that --set gave one', async () => {
    await writeSpec(folder.path, { digits: digitsJob });
    const set = ['--set', 'cache=other'];
    expect(await run('run', '--quiet', ...set, ...state)).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await jsonOf('cache', 'show', ...state)).toMatchObject({ predictions: [] });
    const kept = [{ path: join(folder.path, 'other'), entries: 1797 }];
    expect(await jsonOf('cache', 'show', ...set, ...state)).toMatchObject({ predictions: kept });
    expect(await jsonOf('cache', 'clear', 'jobs.yaml', ...set, ...state)).toMatchObject({ predictions: kept });
    const lost = await run('cache', 'show', 'missing.yaml', ...set);
    expect(lost).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('SPEC_NOT_FOUND') });
  });

  it('clears the models of the named jobs alone', async () => {
    const other = { ...caching, model: join(root, 'fixtures/models/mlp.onnx'), cache: undefined };
    await writeSpec(folder.path, { digits: caching, other });
    await run('run', 'jobs.yaml', 'digits', '--quiet', ...state);
    expect(await jsonOf('cache', 'show', 'jobs.yaml', 'other', ...state)).toMatchObject({
      predictions: [],
      models: [],
    });
    expect(await jsonOf('cache', 'clear', 'jobs.yaml', 'other', ...state)).toMatchObject({ models: [] });
    expect(await jsonOf('cache', 'show', ...state)).toMatchObject({ models: [{}] });
  });

  it('knows the models of a job by their bytes, wherever they are, and by a path with a date in it', async () => {
    const models = join(folder.path, 'models');
    const modelAt = async (name: string, from: string) => {
      await mkdir(models, { recursive: true });
      await copyFile(from, join(models, name));
    };
    await modelAt('2026-11-20.onnx', digitsJob.model);
    const dated = { ...caching, cache: undefined, model: `models/\${date}.onnx` };
    const copy = { ...dated, model: 'models/copy.onnx', output: 'out-copy' };
    const other = { ...dated, model: 'models/other.onnx', output: 'out-other' };
    await writeSpec(folder.path, { dated, copy, other });
    expect(await run('run', 'jobs.yaml', 'dated', '--date', '2026-11-20', '--quiet', ...state)).toMatchObject({
      exitCode: 0,
    });
    const made = { models: [{ model: { path: join(models, '2026-11-20.onnx') } }] };
    expect(await jsonOf('cache', 'show', 'jobs.yaml', 'dated', ...state)).toMatchObject(made);
    expect(await jsonOf('cache', 'show', 'jobs.yaml', 'copy', ...state)).toMatchObject({ models: [] });
    await modelAt('copy.onnx', digitsJob.model);
    await modelAt('other.onnx', join(root, 'fixtures/models/mlp.onnx'));
    expect(await jsonOf('cache', 'show', 'jobs.yaml', 'copy', ...state)).toMatchObject(made);
    expect(await jsonOf('cache', 'clear', 'jobs.yaml', 'other', ...state)).toMatchObject({ models: [] });
    await rm(join(models, '2026-11-20.onnx'));
    expect(await jsonOf('cache', 'clear', 'jobs.yaml', 'dated', ...state)).toMatchObject({ models: [{}] });
  });
});

describe('plan and validate', () => {
  it('say what the cache of a job has, and write nothing', async () => {
    await writeSpec(folder.path, { digits: caching });
    expect(await jsonOf('plan')).toMatchObject({
      jobs: [{ cache: { folder: join(folder.path, 'kept'), state: 'new' }, optimizedModel: { isKept: true } }],
    });
    expect((await run('plan')).stdout).toMatch(/cache +kept {2}nothing is kept there yet/);
    expect((await run('validate')).stdout).toContain('digits: cache kept  nothing is kept there yet');
    expect(await readdir(folder.path)).toEqual(['jobs.yaml']);
  });

  it.each(['plan', 'validate', 'run'])('%s refuses a folder of other things', async (command) => {
    await writeSpec(folder.path, { digits: caching });
    await mkdir(join(folder.path, 'kept'));
    await writeFile(join(folder.path, 'kept', 'letter.txt'), '');
    const { exitCode, stderr } = await run(command);
    expect(exitCode).toBe(4);
    expect(stderr).toMatch(/CACHE_UNAVAILABLE.* other files, such as letter\.txt/);
    expect(await readdir(folder.path)).toEqual(['jobs.yaml', 'kept']);
  });
});
