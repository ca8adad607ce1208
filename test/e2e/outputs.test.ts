import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type Job, root, runJob, temporaryFolder, typeModel } from './nightshift.ts';

const columns = [
  ...['month', 'day', 'hour', 'minute', 'carrier_code', 'origin_code', 'dest_code', 'dep_delay', 'distance'],
  ...['plane_year', 'seats', 'temp', 'wind_speed', 'visib'],
];
const keep = ['flight_id', ...columns];

function flightsJob(output: Job, rest: Job = {}): Job {
  return {
    model: join(root, 'fixtures/models/late-flights.onnx'),
    input: join(root, 'fixtures/flights/flights-1.parquet'),
    features: { features: { columns, nulls: 'nan' } },
    output: { path: 'out', keep, columns: { late: 'label' }, ...output },
    ...rest,
  };
}

it('refuses to publish where it reads, before anything is touched', async () => {
  await using folder = await temporaryFolder();
  await runJob(folder.path, flightsJob({ mode: 'overwrite' }));
  const before = await readdir(join(folder.path, 'out'));
  const chained = await runJob(folder.path, flightsJob({ mode: 'overwrite' }, { input: 'out' }));
  expect(chained.exitCode).toBe(2);
  expect(chained.stderr).toContain('error SPEC_INVALID: jobs.yaml:');
  expect(chained.stderr).toContain('lies in the output folder');
  expect(await readdir(join(folder.path, 'out'))).toEqual(before);
});

it('refuses a folder with files of others and leaves nothing in it', async () => {
  await using folder = await temporaryFolder();
  await mkdir(join(folder.path, 'out'));
  await writeFile(join(folder.path, 'out/notes.txt'), 'mine');
  const refused = await runJob(folder.path, flightsJob({ mode: 'overwrite' }));
  expect(refused).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('OUTPUT_EXISTS') });
  expect(await readdir(join(folder.path, 'out'))).toEqual(['notes.txt']);
});

it.each([
  ['another format', { format: 'csv' }, 'is published as parquet, and this run would add csv'],
  ['other columns', { keep: ['flight_id'] }, 'and this run would add flight_id BIGINT, late int64'],
])('appends a run of the same table only, not one of %s', async (_what, change, message) => {
  await using folder = await temporaryFolder();
  await runJob(folder.path, flightsJob({ mode: 'append' }));
  const refused = await runJob(folder.path, flightsJob({ mode: 'append', ...change }));
  expect(refused).toMatchObject({ exitCode: 2, stderr: expect.stringContaining(message) });
  const appended = await runJob(folder.path, flightsJob({ mode: 'append' }));
  expect(appended.exitCode).toBe(0);
});

it('takes a mended spec at once when the run before it had nothing committed', async () => {
  await using folder = await temporaryFolder();
  const hanging = {
    model: typeModel('spins'),
    features: { x: ['dep_delay'] },
    output: { path: 'out', keep: ['flight_id'] },
    execution: { batchTimeout: '2s', batchSize: 1000 },
    retry: { maxAttempts: 1 },
    errors: { maxRejected: '100%' },
  };
  const failed = await runJob(folder.path, { ...flightsJob({}), ...hanging });
  expect(failed).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('SHARDS_FAILED') });
  const mended = await runJob(folder.path, {
    ...flightsJob({}),
    ...hanging,
    input: { path: join(root, 'fixtures/flights/flights-1.parquet'), where: 'dep_delay <= 0' },
  });
  expect(mended).toMatchObject({ exitCode: 0, stderr: '' });
});
