import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { commitSchema } from '../../src/plan/commit.ts';
import { workerProfileSchema } from '../../src/plan/worker-profile.ts';
import { digitsJob } from '../cli/flights-job.ts';
import { nightshift, runJob, sql, temporaryFolder } from './nightshift.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder[Symbol.asyncDispose]());

const job = { ...digitsJob, output: { ...digitsJob.output, path: 'out', columns: { logits: 'logits' } } };

async function runWith(execution: object, args: readonly string[] = []) {
  return runJob(folder.path, { ...job, execution: { batchSize: 64, ...execution } }, args);
}

async function runFolder(): Promise<string> {
  const runs = join(folder.path, 'out/_nightshift/runs');
  const [run, ...others] = await readdir(runs);
  expect(others).toEqual([]);
  return join(runs, run ?? '');
}

async function logits(): Promise<readonly number[]> {
  const rows = await sql(
    `SELECT unnest(logits) AS logit FROM read_parquet('${join(folder.path, 'out')}/part-*.parquet')`,
  );
  return rows.map(({ logit }) => Number(logit));
}

describe('execution.graphOptimization', () => {
  it('gives the same predictions, to the last bits, at every level', async () => {
    await runWith({});
    const before = await logits();
    for (const graphOptimization of ['extended', 'basic', 'off']) {
      const { exitCode } = await runWith({ graphOptimization });
      expect(exitCode).toBe(0);
      const after = await logits();
      expect(after).toHaveLength(before.length);
      const differences = after.map((value, index) => Math.abs(value - (before[index] ?? 0)));
      expect(Math.max(...differences)).toBeLessThan(1e-4);
    }
  });

  it('is a reason not to go on with a run of another level', async () => {
    await runWith({}, ['--set', 'checks=[min: {column: id, value: 1e9}]']);
    const { exitCode, events } = await runWith({ graphOptimization: 'basic' });
    expect({ exitCode, error: events.at(-1) }).toMatchObject({
      exitCode: 2,
      error: { code: 'FINGERPRINT_CHANGED', message: expect.stringContaining('execution.graphOptimization') },
    });
  });
});

describe('execution.profile', () => {
  it('is where the run says that it is', async () => {
    const { events } = await runWith({ profile: true });
    const profile = join(await runFolder(), 'profile');
    expect(events.at(-1)).toMatchObject({ type: 'run-published', profile });
    expect(await readdir(profile)).not.toEqual([]);
    const shown = await nightshift(['run'], { cwd: folder.path });
    expect(`${shown.stdout}${shown.stderr}`).toMatch(/^ +profile +out\/_nightshift\/runs\/[^/]+\/profile$/m);
    expect((await runWith({})).events.at(-1)).not.toHaveProperty('profile');
  });

  it("leaves each worker's operators and trace in the run's folder, and changes no byte of the output", async () => {
    await runWith({});
    const before = await readFile(join(folder.path, 'out/part-00000.parquet'));
    const { exitCode } = await runWith({ profile: true, warmup: 2 });
    expect(exitCode).toBe(0);
    expect(await readFile(join(folder.path, 'out/part-00000.parquet'))).toEqual(before);
    const profiles = join(await runFolder(), 'profile');
    const files = await readdir(profiles);
    expect(files.sort()).toEqual([
      expect.stringMatching(/^worker-\d+\.json$/),
      expect.stringMatching(/\.trace\.json$/),
    ]);
    const profile = workerProfileSchema.parse(JSON.parse(await readFile(join(profiles, files[0] ?? ''), 'utf8')));
    // 1,797 rows in batches of 64, and two to warm up.
    expect(profile).toMatchObject({ batches: 31, isCut: false, trace: files[1] });
    expect(profile.operators.find(({ operator }) => operator === 'Conv')).toMatchObject({ calls: 62, provider: 'cpu' });
    const trace: unknown = JSON.parse(await readFile(join(profiles, profile.trace), 'utf8'));
    expect(Array.isArray(trace) ? trace.length : 0).toBeGreaterThan(62);
  });
});

it('commits say where the time of a shard went, and its parts make up the whole', async () => {
  await runWith({});
  const text = await readFile(join(await runFolder(), 'commits/00000.json'), 'utf8');
  const { total, session, pack = Number.NaN, read, write } = commitSchema.parse(JSON.parse(text)).timings;
  expect(Math.abs(total - session - pack - read - write)).toBeLessThan(0.003);
  for (const part of [session, pack, read, write]) expect(part).toBeGreaterThanOrEqual(0);
  expect(session).toBeGreaterThan(0);
});
