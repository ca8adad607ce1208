import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { holdingWorkers } from './holding-workers.ts';
import { makeParquet, runJob, start, temporaryFolder, typeModel } from './nightshift.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  folder = await temporaryFolder();
  await makeParquet(join(folder.path, 'in.parquet'), 'SELECT i AS id, i % 6 AS x FROM range(60) t(i)');
  // Of its rows those above 3 fail, and can be replayed.
  const job = { model: typeModel('throws'), input: 'in.parquet', features: { x: 'x' }, errors: { maxRejected: '90%' } };
  expect(await runJob(folder.path, { ...job, output: { path: 'out' } })).toMatchObject({ exitCode: 0 });
  await makeParquet(
    join(folder.path, 'fix.parquet'),
    'SELECT i AS row_number, 1 AS x FROM range(60) t(i) WHERE i % 6 > 3',
  );
});
afterEach(() => folder[Symbol.asyncDispose]());

it.each([
  [['replay', 'out', '--fix', 'fix.parquet'], 'out'],
  [['tune', '--rows', '60', '--quiet'], '\\.nightshift-[^/]*'],
])('%j that is stopped while its workers score ends as the signal says', async (args, output) => {
  const env = { ...holdingWorkers({ output, shards: '\\d+' }), WATCHED_FOLDER: folder.path };
  const run = start(args, { cwd: folder.path, env });
  const scored = () => readdirSync(folder.path, { recursive: true, encoding: 'utf8' });
  await vi.waitFor(() => expect(scored()).toContainEqual(expect.stringMatching(/part-\d+\.a\d+\.tmp\./)), {
    timeout: 60_000,
    interval: 20,
  });
  run.kill('SIGTERM');
  const { exitCode, stderr } = await run;
  expect({ exitCode, stderr }).toEqual({ exitCode: 143, stderr: expect.stringContaining('stopped by SIGTERM') });
});
