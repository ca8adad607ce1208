import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeParquet, publishedColumn, runJob, temporaryFolder, typeModel } from '../e2e/nightshift.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const filesOfRuns = async () =>
  (await readdir(join(folder.path, 'out/_nightshift/runs'), { recursive: true })).toSorted();

/** Gather, which fails for x above 3. */
const job = {
  model: typeModel('throws'),
  input: { path: 'in.parquet', where: 'true' },
  features: { x: 'x' },
  output: { path: 'out', keep: ['id'] },
  execution: { shardRows: 2 },
};

describe('a job that cannot be planned beside an unfinished run', () => {
  beforeEach(async () => {
    folder = await temporaryFolder();
    await makeParquet(
      join(folder.path, 'in.parquet'),
      'SELECT i AS id, CASE i WHEN 3 THEN 9 ELSE i END AS x FROM range(4) t(i)',
    );
    expect(await runJob(folder.path, job)).toMatchObject({ exitCode: 3 });
  });
  afterEach(() => folder[Symbol.asyncDispose]());

  const mistakes = [
    {
      what: 'an expression',
      mistake: { output: { ...job.output, columns: { y: 'nope' } } },
      code: 'MODEL_OUTPUT_MISMATCH',
    },
    { what: 'a kept column', mistake: { output: { ...job.output, keep: ['nope'] } }, code: 'COLUMN_MISSING' },
    { what: 'a column of a feature', mistake: { features: { x: 'nope' } }, code: 'COLUMN_MISSING' },
    { what: 'a condition', mistake: { input: { ...job.input, where: 'id >' } }, code: 'PREDICATE_INVALID' },
  ];

  it.each(mistakes)(
    'leaves its scored shards alone, even with --restart: $what is wrong',
    async ({ mistake, code }) => {
      const before = await filesOfRuns();
      expect(before.filter((name) => name.includes('/commits/'))).toHaveLength(2);
      expect(await runJob(folder.path, { ...job, ...mistake }, ['--restart'])).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining(`error ${code}: `),
      });
      expect(await filesOfRuns()).toEqual(before);
      const { events } = await runJob(folder.path, job);
      expect(events.find((event) => event.type === 'run-started')).toMatchObject({ resumes: true });
    },
  );

  it.each(mistakes)('is refused for what is wrong with it, not for the change: $what', async ({ mistake, code }) => {
    const before = await filesOfRuns();
    expect(await runJob(folder.path, { ...job, ...mistake })).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining(`error ${code}: `),
    });
    const [runId = ''] = before;
    expect(await runJob(folder.path, { ...job, ...mistake }, ['--resume', runId])).toMatchObject({
      stderr: expect.stringContaining(`error ${code}: `),
    });
    expect(await filesOfRuns()).toEqual(before);
  });

  it('makes way for it once it can be planned, and --restart is said', async () => {
    const mended = { ...job, input: { ...job.input, where: 'id < 3' } };
    expect(await runJob(folder.path, mended, ['--restart'])).toMatchObject({ exitCode: 0 });
    expect(await publishedColumn(folder.path, 'id')).toEqual([0n, 1n, 2n]);
    expect(await readdir(join(folder.path, 'out/_nightshift/runs'))).toHaveLength(1);
  });
});
